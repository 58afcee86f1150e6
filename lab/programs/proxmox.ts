/** What Proxmox's command line tools have in common: their arguments and their complaints (pve-common 9.2). */
import type { CommandResult } from "../../src/hosts/host.ts";
import { done, failed, type Program } from "../parts.ts";

export interface ProxmoxArguments {
  readonly operands: readonly string[];
  readonly options: ReadonlyMap<string, string>;
  /** What follows the first "--". */
  readonly command: readonly string[];
}

/** `-x V`, `--x V` and `--x=V`; a name in `flags` may stand without a value. Options end where the command begins. */
export function proxmoxArguments(
  args: readonly string[],
  operandCount: number,
  flags: readonly string[] = [],
): ProxmoxArguments {
  const operands: string[] = [];
  const options = new Map<string, string>();
  let at = 0;
  for (; at < args.length; at += 1) {
    const arg = args[at] ?? "";
    if (arg === "--") return { operands, options, command: args.slice(at + 1) };
    if (!arg.startsWith("-")) {
      if (operands.length >= operandCount) break;
      operands.push(arg);
      continue;
    }
    const [name = "", value] = arg.replace(/^--?/, "").split(/=(.*)/s, 2);
    const next = args[at + 1];
    if (value !== undefined) options.set(name, value);
    else if (flags.includes(name) && !/^[01]$/.test(next ?? "")) options.set(name, "1");
    else {
      options.set(name, next ?? "");
      at += 1;
    }
  }
  return { operands, options, command: args.slice(at) };
}

/** @param node where the command ran: it knows its own guests alone */
export function noSuchGuest(node: string, kind: "lxc" | "vm", id: string): CommandResult {
  const directory = kind === "lxc" ? "lxc" : "qemu-server";
  return failed(2, `Configuration file 'nodes/${node}/${directory}/${id}.conf' does not exist`);
}

export function badId(usage: string, id: string): CommandResult {
  return failed(
    255,
    `400 Parameter verification failed.\nvmid: type check ('integer') failed - got '${id}'\n${usage}`,
  );
}

export function unknownCommand(program: string, words: readonly string[]): CommandResult {
  return failed(
    255,
    `ERROR: unknown command '${program} ${words.join(" ")}'\nUSAGE: ${program} <COMMAND> [ARGS] [OPTIONS]`,
  );
}

export function notEnough(usage: string): CommandResult {
  return failed(255, `400 not enough arguments\n${usage}`);
}

/** Perl's pretty canonical JSON: keys sorted, three spaces, spaces around the colon. No line feed at its end. */
export function perlJson(value: unknown, indent = ""): string {
  const deeper = `${indent}   `;
  const block = (open: string, members: readonly string[], close: string): string =>
    members.length === 0
      ? `${open}${close}`
      : `${open}\n${members.map((each) => deeper + each).join(",\n")}\n${indent}${close}`;
  if (Array.isArray(value))
    return block(
      "[",
      value.map((each: unknown) => perlJson(each, deeper)),
      "]",
    );
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([key, member]) => `${JSON.stringify(key)} : ${perlJson(member, deeper)}`);
  return block("{", members, "}");
}

export const pveversion: Program = () =>
  done("pve-manager/9.0.3/025864202ebb6109 (running kernel: 6.14.8-2-pve)\n");
