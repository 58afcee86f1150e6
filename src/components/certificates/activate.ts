/** Tells the consumers of new pairs: each declared command once, where it really runs, with a time limit and an exit code. */
import type { Io } from "../../component.ts";
import { messageOf, NotReadyError, TransportError } from "../../errors.ts";
import { serverContainer } from "../../fabric/portainer-server.ts";
import { type Hook, type HookEffect, hookEffect, parseHook } from "../../formats/shell/hook.ts";
import type { Host } from "../../hosts/host.ts";
import type { Certificate, Site } from "../../model.ts";
import { canonicalJson } from "../../resource.ts";
import { type LivePair, readPairs } from "./read.ts";
import { type Told, tell } from "./record.ts";

/** A reload takes milliseconds, a container's restart up to ten seconds; a command that waits for something may wait for ever. */
const hookMs = 60_000;

/** The longest piece of a command's own words that is kept. */
const mostWords = 300;

/**
 * A command that fails is not thrown: it concerns its own certificates only. It is written down, and the check of each
 * certificate says so.
 */
export async function activate(certificates: readonly Certificate[], io: Io): Promise<void> {
  const waiting = (await readPairs(io, certificates)).filter(({ told, identity }) => told?.pair !== identity);
  const outcomes = new Map<string, Promise<Omit<Told, "pair">>>();
  for (const pair of waiting) {
    const hook = hookOf(io.site, pair.certificate);
    const key = canonicalJson(hook);
    const outcome = outcomes.get(key) ?? (hook === undefined ? nothing : tellConsumer(hook, io));
    outcomes.set(key, outcome);
    await record(pair, await outcome, io.host("pve"));
  }
}

/**
 * The declared command. Where there is none, the gateway and Portainer are told all the same: both read their files once,
 * and would serve the old pair until it expires.
 */
function hookOf({ roles, portainer }: Site, { postRenewal, serves }: Certificate): Hook | undefined {
  if (postRenewal !== undefined) return parseHook(postRenewal.command);
  if (serves === "gateway") return { host: roles.gateway.host, argv: ["systemctl", "reload", "nginx"] };
  if (serves !== "portainer" || portainer === undefined) return undefined;
  const container = serverContainer(portainer.compose.text);
  if (container === undefined) return undefined;
  return { host: portainer.guest.host, argv: ["docker", "restart", container] };
}

const nothing: Promise<Omit<Told, "pair">> = Promise.resolve({ atMs: 0 });

async function record(
  { certificate, identity }: LivePair,
  outcome: Omit<Told, "pair">,
  host: Host,
): Promise<void> {
  await tell(host, certificate, { ...outcome, pair: outcome.failure === undefined ? identity : "" });
}

async function tellConsumer(hook: Hook, io: Io): Promise<Omit<Told, "pair">> {
  const host = io.host(hook.host);
  const effect = hookEffect(hook.argv);
  try {
    const absent = await absence(host, effect);
    if (absent !== undefined) {
      io.note(`${absent}: it reads the new certificate when it starts`);
      return { atMs: 0 };
    }
    io.waiting(`\`${wordsOf(hook)}\` on ${hook.host}`, hookMs);
    const result = await host.run({ argv: hook.argv, effect: "change", timeoutMs: hookMs });
    if (result.exitCode === 0) {
      io.activated({ kind: effect.kind, unit: effect.unit, host: hook.host });
      return { atMs: io.clock.now(), kind: effect.kind };
    }
    const said = (result.stderr.trim() || result.stdout.trim()).split("\n").slice(-2).join("; ");
    const words = said === "" ? "" : `: ${said.slice(0, mostWords)}`;
    return {
      atMs: 0,
      failure: `\`${wordsOf(hook)}\` on ${hook.host} failed (exit ${result.exitCode})${words}`,
    };
  } catch (error) {
    // A guest that is not there is as good as one that is down: it must not cost the other certificates their pairs.
    if (!(error instanceof TransportError || error instanceof NotReadyError)) throw error;
    return { atMs: 0, failure: messageOf(error), unreached: true };
  }
}

/** Why there is nobody to tell, if so. */
async function absence(host: Host, { needs, unit }: HookEffect): Promise<string | undefined> {
  if (needs === "active-unit") {
    const { exitCode } = await host.run({
      argv: ["systemctl", "is-active", "--quiet", unit],
      effect: "read",
    });
    return exitCode === 0 ? undefined : `${unit} does not run on ${host.name}`;
  }
  if (needs === "container") {
    const argv = ["docker", "container", "inspect", "--format", "{{.State.Status}}", unit];
    const { exitCode } = await host.run({ argv, effect: "read" });
    return exitCode === 0 ? undefined : `there is no container ${unit} on ${host.name}`;
  }
  return undefined;
}

/** A command for a person to read; a long one is cut. */
function wordsOf({ argv }: Hook): string {
  const words = argv.join(" ");
  return words.length > 80 ? `${words.slice(0, 77)}…` : words;
}
