/** pct (pve-container 6.1): list, status, config, set, start, stop and exec. */
import type { CommandResult } from "../../src/hosts/host.ts";
import { nodeOf, nodeUnder } from "../cluster.ts";
import { runOn } from "../exec.ts";
import type { LabGuest } from "../facts.ts";
import { guestConfig, guestState, guestsOn, guestWith, setGuestConfig, setGuestState } from "../guests.ts";
import type { NodeHost } from "../nodes.ts";
import { done, failed, type Lab, type Program, type ProgramCall } from "../parts.ts";
import { badId, noSuchGuest, notEnough, proxmoxArguments, unknownCommand } from "./proxmox.ts";

export const pct: Program = (call) => {
  const { context, args } = call;
  const node = nodeUnder(context, call.host);
  const [verb = "", ...rest] = args;
  if (verb === "list") return done(list(context, node));
  if (!["status", "config", "set", "start", "stop", "shutdown", "exec"].includes(verb))
    return unknownCommand("pct", [verb]);
  const usage = `pct ${verb} <vmid>${verb === "exec" ? " [<extra-args>]" : ""} [OPTIONS]`;
  const { operands, options, command } = proxmoxArguments(rest, 1, ["verbose", "skiplock"]);
  const [id] = operands;
  if (id === undefined) return notEnough(usage);
  if (!/^\d+$/.test(id)) return badId(usage, id);
  const guest = guestWith(context, node, "lxc", id);
  if (guest === undefined) return noSuchGuest(nodeOf(context, node).name, "lxc", id);
  switch (verb) {
    case "status":
      return done(`status: ${guestState(context, guest.host)}\n`);
    case "config":
      return done(configText(context, guest));
    case "set":
      setGuestConfig(context, guest, options);
      return done();
    case "exec":
      return enter(call, guest, command);
    default:
      return power(context, guest, verb);
  }
};

function list(lab: Lab, node: NodeHost): string {
  const containers = guestsOn(lab, node).filter(({ kind }) => kind === "lxc");
  if (containers.length === 0) return "";
  const row = (...[id = "", status = "", lock = "", name = ""]: readonly string[]): string =>
    `${id.padEnd(10)} ${status.padEnd(10)} ${lock.padEnd(12)} ${name.padEnd(20)}\n`;
  const rows = containers.map(({ id, host, name }) => row(String(id), guestState(lab, host), "", name));
  return row("VMID", "Status", "Lock", "Name") + rows.join("");
}

/** `key: value` lines sorted by key, as `pct config` and `qm config` print them. */
export function configText(lab: Lab, guest: LabGuest): string {
  return [...guestConfig(lab, guest)]
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([key, value]) => `${key}: ${value}\n`)
    .join("");
}

function power(lab: Lab, { host, id, kind }: LabGuest, verb: string): CommandResult {
  const running = guestState(lab, host) === "running";
  const what = kind === "lxc" ? "CT" : "VM";
  if (verb === "start" && running) return failed(255, `${what} ${id} already running`);
  if (verb !== "start" && !running) return failed(255, `${what} ${id} not running`);
  setGuestState(lab, host, verb === "start" ? "running" : "stopped");
  return done();
}

async function enter(
  { context, stdin, effect }: ProgramCall,
  { host, id }: LabGuest,
  argv: readonly string[],
): Promise<CommandResult> {
  if (guestState(context, host) !== "running") return failed(255, `container '${id}' not running!`);
  const [program] = argv;
  if (program === undefined)
    return failed(255, "missing command at /usr/share/perl5/PVE/CLI/pct.pm line 250.");
  if (!context.has(host, argv)) {
    return failed(
      127,
      `lxc-attach: ${id}: ../src/lxc/attach.c: lxc_attach_run_command: 1841 No such file or directory - Failed to exec "${program}"`,
    );
  }
  return runOn(context, host, { argv, stdin, effect });
}
