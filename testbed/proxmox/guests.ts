/** The guests of this node: their configurations under /etc/pve, the units that run them, the process to enter each by. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { Refusal } from "./command-line.ts";
import { node } from "./node.ts";

export type Kind = "lxc" | "vm";

export interface Guest {
  readonly kind: Kind;
  readonly id: string;
  /** "lxc-101": what the testbed calls it. */
  readonly machine: string;
  readonly name: string;
  readonly config: ReadonlyMap<string, string>;
  /** The first process of the guest, as this machine numbers it; undefined when it does not run. */
  readonly leader: number | undefined;
}

const directories: Readonly<Record<Kind, string>> = { lxc: "lxc", vm: "qemu-server" };

/** @throws Refusal when there is no such guest of this kind on this node */
export function guestOf(kind: Kind, id: string): Guest {
  if (!existsSync(pathOf(kind, id)))
    throw new Refusal(`Configuration file 'nodes/${node}/${directories[kind]}/${id}.conf' does not exist`, 2);
  const [guest] = withLeaders(kind, [id]);
  if (guest === undefined) throw new Error("unreachable");
  return guest;
}

/** Every guest of a kind on this node, by number. */
export function guestsOf(kind: Kind): readonly Guest[] {
  const ids = idsOf(node, kind);
  return ids.length === 0 ? [] : withLeaders(kind, ids);
}

/** The numbers of a node's guests, in order. */
export function idsOf(node: string, kind: Kind): readonly string[] {
  const path = `/etc/pve/nodes/${node}/${directories[kind]}`;
  const names = existsSync(path) ? readdirSync(path) : [];
  const ids = names.flatMap((name) => /^(\d+)\.conf$/.exec(name)?.[1] ?? []);
  return ids.sort((a, b) => Number(a) - Number(b));
}

export function isRunning({ leader }: Guest): boolean {
  return leader !== undefined;
}

export function unitOf({ machine }: Pick<Guest, "machine">): string {
  return `testbed-guest@${machine}.service`;
}

/** Changes values of the configuration; undefined removes one. What the change means for a running guest is the caller's. */
export function setConfig({ kind, id }: Guest, values: ReadonlyMap<string, string | undefined>): void {
  const path = pathOf(kind, id);
  const [current = "", ...snapshots] = readFileSync(path, "utf8").split(/^(?=\[)/m);
  const kept = current.split("\n").filter((line) => line !== "" && !values.has(line.split(":", 1)[0] ?? ""));
  const set = [...values].flatMap(([key, value]) => (value === undefined ? [] : [`${key}: ${value}`]));
  const text = [...kept, ...set].map((line) => `${line}\n`).join("");
  writeFileSync(`${path}.tmp.${process.pid}`, [text, ...snapshots].join(""));
  renameSync(`${path}.tmp.${process.pid}`, path);
}

/** `key: value` lines sorted by key, as `config` prints them. */
export function configText({ config }: Guest): string {
  const lines = [...config].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}: ${value}\n`);
  return lines.join("");
}

/** @param on a node: where the configuration of its guest is, which is what makes the guest its own */
export function pathOf(kind: Kind, id: string, on = node): string {
  return `/etc/pve/nodes/${on}/${directories[kind]}/${id}.conf`;
}

function withLeaders(kind: Kind, ids: readonly string[]): readonly Guest[] {
  const machines = ids.map((id) => `${kind}-${id}`);
  const units = machines.map((machine) => unitOf({ machine }));
  const shown = execFileSync("systemctl", ["show", "--property=MainPID", ...units], { encoding: "utf8" });
  const pids = [...shown.matchAll(/^MainPID=(\d+)$/gm)].map(([, pid]) => Number(pid));
  return ids.map((id, at) => {
    const config = readConfig(pathOf(kind, id));
    return {
      kind,
      id,
      name: nameOf(kind, id, config),
      config,
      machine: machines[at] ?? "",
      leader: leaderOf(pids[at] ?? 0),
    };
  });
}

/** What it is called; "CT101" where nobody has named it. */
export function nameOf(kind: Kind, id: string, config: Guest["config"]): string {
  return config.get(kind === "lxc" ? "hostname" : "name") ?? `${kind === "lxc" ? "CT" : "VM"}${id}`;
}

/** The current section of a configuration; snapshots follow it in sections of their own. */
export function readConfig(path: string): Map<string, string> {
  const [current = ""] = readFileSync(path, "utf8").split(/^\[/m);
  const pairs = current.split("\n").flatMap((line) => {
    const at = line.indexOf(":");
    return at < 1 || line.startsWith("#") ? [] : [[line.slice(0, at), line.slice(at + 1).trim()] as const];
  });
  return new Map(pairs);
}

/** The machine's first process is the only child of the systemd-nspawn that runs it, once it has entered its namespaces. */
function leaderOf(holder: number): number | undefined {
  if (holder === 0) return undefined;
  try {
    const [first] = readFileSync(`/proc/${holder}/task/${holder}/children`, "utf8").split(" ");
    if (first === undefined || first === "") return undefined;
    return /^NSpid:.*\s1$/m.test(readFileSync(`/proc/${first}/status`, "utf8")) ? Number(first) : undefined;
  } catch {
    return undefined;
  }
}
