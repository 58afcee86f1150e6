/**
 * A lab whose world tells of everything that is done in it, kills this process at the effect it was told, or keeps a copy
 * of the lab of every moment in which a kill would leave another disk behind.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as tick } from "node:timers/promises";
import { type LabOptions, openLab as openRealLab } from "../../../lab/lab.ts";
import type { Command, Exec } from "../../../src/hosts/host.ts";
import type { HttpRequest } from "../../../src/hosts/network.ts";
import type { Decorator, World } from "../../../src/hosts/world.ts";

/** One line of FUSE_TRACE. */
export interface TraceLine {
  readonly host: string;
  readonly effect: "read" | "change";
  /** Of a command. */
  readonly argv?: readonly string[];
  /** Of a request. */
  readonly request?: string;
}

/** One line of `index` in FUSE_MOMENTS: a moment in the life of an effect, and the copy of the lab as it was then. */
export interface Moment {
  readonly point: "before" | "during" | "after";
  /** The effect's number, counted from 1. */
  readonly effect: number;
  readonly line: TraceLine;
  /** The copy's name; several moments share one when nothing was written between them. */
  readonly copy: string;
}

const { FUSE_KILL: killAt = "", FUSE_TRACE: trace, FUSE_MOMENTS: moments } = process.env;
/** Portainer dies at its n-th request: "during:12 vm/310 portainer_server". */
const portainer = /^(before|during|after):(\d+) (\S+) (\S+)$/.exec(process.env.FUSE_PORTAINER ?? "");
let portainerRequests = 0;
let killPortainer = async (): Promise<unknown> => undefined;
const [point = "", at = "0"] = killAt.split(":");
let effects = 0;

export function openLab(directory: string, options: LabOptions): Promise<World> {
  const fuse = fuseOf(directory);
  return openRealLab(directory, { ...options, decorators: [fuse, ...(options.decorators ?? [])] });
}

/** The innermost decorator: whatever reaches it is really done. */
function fuseOf(directory: string): Decorator {
  return {
    exec: (exec, host) => {
      // The hypervisor is used in every run, the machine itself may not be.
      if (host === "pve" && portainer !== null) killPortainer = () => killed(exec, portainer);
      return (command) =>
        fused(directory, { host, effect: command.effect, argv: command.argv }, command, () => exec(command));
    },
    network: (network) => ({
      route: (to) => network.route(to),
      query: (server, name, type) => network.query(server, name, type),
      connect: (address, port) => network.connect(address, port),
      handshake: (address, port, options) => network.handshake(address, port, options),
      request: (request) =>
        fused(
          directory,
          { host: "network", effect: request.effect, request: `${request.method} ${request.url}` },
          request,
          () => dying(request, () => network.request(request)),
        ),
    }),
  };
}

async function killed(exec: Exec, [, , , machine = "", container = ""]: RegExpExecArray): Promise<void> {
  const argv = ["qm", "guest", "exec", machine.slice("vm/".length), "--", "docker", "kill", container];
  const { exitCode, stdout, stderr } = await exec({ argv, effect: "change" });
  if (exitCode !== 0) throw new Error(`Portainer was not killed: ${stdout}${stderr}`);
}

/** Portainer is killed at the request that was chosen; the request takes its course. */
async function dying<T>({ url }: HttpRequest, act: () => Promise<T>): Promise<T> {
  if (portainer === null || !url.includes(":9443/")) return act();
  portainerRequests += 1;
  if (portainerRequests !== Number(portainer[2])) return act();
  if (portainer[1] === "before") await killPortainer();
  const answer = act();
  answer.catch(() => {});
  if (portainer[1] === "during") await tick().then(killPortainer);
  const given = await answer;
  if (portainer[1] === "after") await killPortainer();
  return given;
}

async function fused<T>(
  directory: string,
  line: TraceLine,
  { effect }: Pick<Command | HttpRequest, "effect">,
  act: () => Promise<T>,
): Promise<T> {
  if (trace !== undefined) appendFileSync(trace, `${JSON.stringify(line)}\n`);
  if (effect === "read") return act();
  effects += 1;
  const number = effects;
  if (moments !== undefined) return remembered(directory, moments, { effect: number, line }, act);
  if (number !== Number(at)) return act();
  if (point === "before") return dead();
  await act();
  return dead();
}

/** As if the power went: nothing of this process runs any more. */
function dead(): Promise<never> {
  process.kill(process.pid, "SIGKILL");
  return new Promise(() => {});
}

/** Copies by what the lab looked like. */
const copies = new Map<string, string>();

/** Looks at the disk before the effect, at every turn of the event loop while it lasts, and when it is done. */
async function remembered<T>(
  directory: string,
  into: string,
  about: Pick<Moment, "effect" | "line">,
  act: () => Promise<T>,
): Promise<T> {
  keep(directory, into, { ...about, point: "before" });
  let over = false;
  const acting = act().finally(() => {
    over = true;
  });
  // An error is the caller's to hear of.
  acting.catch(() => {});
  for (;;) {
    await tick();
    if (over) break;
    keep(directory, into, { ...about, point: "during" });
  }
  keep(directory, into, { ...about, point: "after" });
  return acting;
}

/** Nothing else of this process runs meanwhile, so a copy is what a kill would leave. */
function keep(directory: string, into: string, moment: Omit<Moment, "copy">): void {
  const look = lookOf(directory);
  const known = copies.get(look);
  // While an effect lasts, only what it wrote is news.
  if (known !== undefined && moment.point === "during") return;
  const copy = known ?? String(copies.size);
  if (known === undefined) {
    copies.set(look, copy);
    execFileSync("cp", ["-a", directory, join(into, copy)]);
  }
  appendFileSync(join(into, "index"), `${JSON.stringify({ ...moment, copy })}\n`);
}

/** A digest of every path with its size, mode and times: enough to see that something was written. */
function lookOf(directory: string): string {
  const hash = createHash("sha1");
  for (const path of readdirSync(directory, { recursive: true, encoding: "utf8" })) {
    const { size, mode, mtimeMs, ino } = lstatSync(join(directory, path));
    hash.update(`${path}\0${size} ${mode} ${mtimeMs} ${ino}\n`);
  }
  return hash.digest("hex");
}
