/** qm (qemu-server 9.2): list, status, config, set, start, stop, and the guest agent's commands. */
import type { CommandResult } from "../../src/hosts/host.ts";
import { nodeOf, nodeUnder } from "../cluster.ts";
import type { LabGuest } from "../facts.ts";
import { guestConfig, guestState, guestsOn, guestWith, setGuestConfig, setGuestState } from "../guests.ts";
import type { NodeHost } from "../nodes.ts";
import { done, failed, type Lab, type Program } from "../parts.ts";
import { isActive } from "../units.ts";
import { agentInterfaces } from "./ip.ts";
import { configText } from "./pct.ts";
import { badId, noSuchGuest, notEnough, perlJson, proxmoxArguments, unknownCommand } from "./proxmox.ts";
import { guestExec, guestExecStatus } from "./qm-guest.ts";

export const qm: Program = (call) => {
  const { context, args } = call;
  const node = nodeUnder(context, call.host);
  const [verb = "", ...rest] = args;
  if (verb === "list") return done(list(context, node));
  if (verb === "guest") return agent(call, rest);
  if (!["status", "config", "set", "start", "stop", "shutdown"].includes(verb))
    return unknownCommand("qm", [verb]);
  const { operands, options } = proxmoxArguments(rest, 1, ["verbose", "skiplock"]);
  const guest = guestOf(context, node, operands[0], `qm ${verb} <vmid> [OPTIONS]`);
  if ("exitCode" in guest) return guest;
  switch (verb) {
    case "status":
      return done(`status: ${guestState(context, guest.host)}\n`);
    case "config":
      return done(configText(context, guest));
    case "set": {
      setGuestConfig(context, guest, options);
      return done([...options].map(([key, value]) => `update VM ${guest.id}: -${key} ${value}\n`).join(""));
    }
    default: {
      const running = guestState(context, guest.host) === "running";
      if (verb === "start" && running) return failed(255, `VM ${guest.id} already running`);
      setGuestState(context, guest.host, verb === "start" ? "running" : "stopped");
      return done();
    }
  }
};

const agent: (call: Parameters<Program>[0], args: readonly string[]) => ReturnType<Program> = (
  call,
  args,
) => {
  const { context } = call;
  const [verb = "", ...rest] = args;
  if (!["exec", "exec-status", "cmd"].includes(verb)) return unknownCommand("qm", ["guest", verb]);
  const { operands, options, command } = proxmoxArguments(rest, verb === "exec" ? 1 : 2, [
    "pass-stdin",
    "synchronous",
  ]);
  const [id, second] = operands;
  const guest = guestOf(context, nodeUnder(context, call.host), id, `qm guest ${verb} <vmid> [OPTIONS]`);
  if ("exitCode" in guest) return guest;
  const refusal = agentRefusal(context, guest);
  if (refusal !== undefined) return refusal;
  switch (verb) {
    case "exec":
      return guestExec(call, guest, options, command);
    case "exec-status":
      return second === undefined
        ? notEnough("qm guest exec-status <vmid> <pid>")
        : guestExecStatus(guest, second);
    default:
      if (second === "ping") return done();
      if (second === "network-get-interfaces")
        return done(`${perlJson(agentInterfaces(context, guest.host))}\n`);
      return failed(255, `Agent error: The command guest-${second ?? ""} has not been found`);
  }
};

/** Why the guest agent cannot be spoken to. */
function agentRefusal(lab: Lab, guest: LabGuest): CommandResult | undefined {
  const { host, id } = guest;
  const enabled = /^(1|enabled=1)\b/.test(guestConfig(lab, guest).get("agent") ?? "");
  if (!enabled) return failed(255, "No QEMU guest agent configured");
  if (guestState(lab, host) !== "running") return failed(255, `VM ${id} is not running`);
  return isActive(lab, host, "qemu-guest-agent") ? undefined : failed(255, "QEMU guest agent is not running");
}

function guestOf(lab: Lab, node: NodeHost, id: string | undefined, usage: string): LabGuest | CommandResult {
  if (id === undefined) return notEnough(usage);
  if (!/^\d+$/.test(id)) return badId(usage, id);
  return guestWith(lab, node, "vm", id) ?? noSuchGuest(nodeOf(lab, node).name, "vm", id);
}

function list(lab: Lab, node: NodeHost): string {
  const machines = guestsOn(lab, node).filter(({ kind }) => kind === "vm");
  if (machines.length === 0) return "";
  const row = (
    ...[id = "", name = "", status = "", memory = "", disk = "", pid = ""]: readonly string[]
  ): string =>
    `${id.padStart(10)} ${name.padEnd(20)} ${status.padEnd(10)} ${memory.padEnd(10)} ${disk.padStart(12)} ${pid.padEnd(10)}\n`;
  const rows = machines.map((guest) => {
    const { id, host, name } = guest;
    const status = guestState(lab, host);
    const memory = guestConfig(lab, guest).get("memory") ?? "2048";
    return row(String(id), name, status, memory, "32.00", status === "running" ? String(100_000 + id) : "0");
  });
  return row("VMID", "NAME", "STATUS", "MEM(MB)", "BOOTDISK(GB)", "PID") + rows.join("");
}
