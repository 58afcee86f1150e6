/** systemctl's answers about the states of units. */
import type { CommandResult } from "../../src/hosts/host.ts";
import type { HostName } from "../../src/resource.ts";
import { failed, type Lab } from "../parts.ts";
import { unitName, unitOn } from "../units.ts";
import type { SystemctlArguments } from "./systemctl-arguments.ts";

/** One line for each unit. `is-…` is true when it is for one of them, `status` when it is for all. */
export function states(
  { verb, units, flags }: SystemctlArguments,
  stateOf: (name: string) => readonly [string, number],
): CommandResult {
  if (units.length === 0) return failed(1, "Too few arguments.");
  const all = units.map(stateOf);
  const quiet = flags.has("-q") || flags.has("--quiet");
  const codes = all.map(([, code]) => code);
  const exitCode = verb === "status" ? Math.max(...codes) : Math.min(...codes);
  return { exitCode, stdout: quiet ? "" : all.map(([text]) => `${text}\n`).join(""), stderr: "" };
}

/** What `systemctl status` prints of a unit, and its exit code. */
export function statusOf(lab: Lab, host: HostName, name: string): readonly [string, number] {
  const unit = unitOn(lab, host, name);
  const full = `${unitName(name)}.service`;
  if (unit === undefined) return [`Unit ${full} could not be found.`, 4];
  const dot = { active: "●", inactive: "○", failed: "×" }[unit.state];
  const lines = [
    `${dot} ${full}`,
    `     Loaded: loaded (/usr/lib/systemd/system/${full}; ${unit.enabled ? "enabled" : "disabled"}; preset: enabled)`,
    `     Active: ${unit.state}${unit.state === "active" ? " (running)" : unit.state === "failed" ? " (Result: exit-code)" : " (dead)"}`,
    ...(unit.log === undefined ? [] : ["", unit.log]),
  ];
  return [lines.join("\n"), unit.state === "active" ? 0 : 3];
}
