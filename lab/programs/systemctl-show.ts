/** `systemctl show`: properties of units, in systemd's own order whatever order they were asked in. */
import type { HostName } from "../../src/resource.ts";
import type { Lab } from "../parts.ts";
import { isTimer, timerDue } from "../timers.ts";
import { canReload } from "../unit-control.ts";
import { unitName, unitOn } from "../units.ts";
import type { SystemctlArguments } from "./systemctl-arguments.ts";

export function showUnits(lab: Lab, host: HostName, { units, flags, values }: SystemctlArguments): string {
  const asked = [...(values.get("-p") ?? []), ...(values.get("--property") ?? [])].flatMap((names) =>
    names.split(","),
  );
  const onlyValues = flags.has("--value");
  const blocks = units.map((name) =>
    Object.entries(propertiesOf(lab, host, name))
      .filter(([property]) => asked.length === 0 || asked.includes(property))
      .map(([property, value]) => (onlyValues ? `${value}\n` : `${property}=${value}\n`))
      .join(""),
  );
  return blocks.join("\n");
}

function propertiesOf(lab: Lab, host: HostName, name: string): Readonly<Record<string, string>> {
  if (name.endsWith(".timer")) return timerProperties(lab, host, name);
  const full = /\.\w+$/.test(name) ? name : `${name}.service`;
  const unit = unitOn(lab, host, name);
  if (unit === undefined) {
    return {
      MainPID: "0",
      Result: "success",
      ExecMainStartTimestamp: "",
      ExecMainStartTimestampMonotonic: "0",
      Id: full,
      LoadState: "not-found",
      ActiveState: "inactive",
      SubState: "dead",
      UnitFileState: "",
      CanReload: "no",
      ActiveEnterTimestamp: "",
      ActiveEnterTimestampMonotonic: "0",
      InvocationID: "",
    };
  }
  const started = unit.startedMs === 0 ? "" : timestamp(unit.startedMs);
  const monotonic = String(unit.startedMs * 1000);
  return {
    Type: "notify",
    MainPID: String(unit.mainPid),
    Result: unit.state === "failed" ? "exit-code" : "success",
    NRestarts: "0",
    ExecMainStartTimestamp: started,
    ExecMainStartTimestampMonotonic: monotonic,
    ExecMainPID: String(unit.mainPid),
    Id: full,
    Names: full,
    LoadState: "loaded",
    ActiveState: unit.state,
    SubState: unit.state === "active" ? "running" : unit.state === "failed" ? "failed" : "dead",
    FragmentPath: `/usr/lib/systemd/system/${unitName(name)}.service`,
    UnitFileState: unit.enabled ? "enabled" : "disabled",
    CanReload: canReload(name) ? "yes" : "no",
    ActiveEnterTimestamp: started,
    ActiveEnterTimestampMonotonic: monotonic,
    InvocationID: unit.invocation,
  };
}

function timerProperties(lab: Lab, host: HostName, name: string): Readonly<Record<string, string>> {
  const due = timerDue(lab, host, name);
  const there = isTimer(lab, host, name);
  return {
    NextElapseUSecMonotonic: due === undefined ? "" : `${Math.ceil((due - lab.clock.now()) / 1000)}s`,
    Id: name,
    LoadState: there ? "loaded" : "not-found",
    ActiveState: there ? "active" : "inactive",
    SubState: there ? "waiting" : "dead",
    UnitFileState: there ? "transient" : "",
  };
}

/** "Tue 2026-11-24 09:04:00 UTC". */
function timestamp(ms: number): string {
  const date = new Date(ms);
  const day = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][date.getUTCDay()];
  return `${day} ${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
