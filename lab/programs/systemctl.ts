/** systemctl, with systemd's own texts and exit codes (257). */
import type { CommandResult } from "../../src/hosts/host.ts";
import type { HostName } from "../../src/resource.ts";
import { done, failed, type Lab, type Program, type ProgramCall } from "../parts.ts";
import { cancelTimer, isTimer, timerUnits } from "../timers.ts";
import { canReload, reloadUnit, startUnit } from "../unit-control.ts";
import { isActive, isInstalled, setUnit, stopUnit, unitName, unitOn, unitsOf } from "../units.ts";
import { type SystemctlArguments, systemctlArguments } from "./systemctl-arguments.ts";
import { showUnits } from "./systemctl-show.ts";
import { states, statusOf } from "./systemctl-status.ts";

export const systemctl: Program = async (call) => {
  const args = systemctlArguments(call.args);
  const { verb, units } = args;
  switch (verb) {
    case "show":
      return done(showUnits(call.context, call.host, args));
    case "is-active":
      return states(args, (name) => {
        if (isTimer(call.context, call.host, name)) return ["active", 0];
        const unit = unitOn(call.context, call.host, name);
        return unit === undefined ? ["inactive", 4] : [unit.state, unit.state === "active" ? 0 : 3];
      });
    case "is-failed":
      return states(args, (name) => {
        const state = unitOn(call.context, call.host, name)?.state ?? "inactive";
        return [state, state === "failed" ? 0 : 1];
      });
    case "is-enabled":
      return states(args, (name) => {
        const unit = unitOn(call.context, call.host, name);
        if (unit === undefined) return ["not-found", 4];
        return unit.enabled ? ["enabled", 0] : ["disabled", 1];
      });
    case "is-system-running":
      return done("running\n");
    case "status":
      return states(args, (name) => statusOf(call.context, call.host, name));
    case "cat":
      return inTurn(units, async (name) =>
        isInstalled(call.context, call.host, name)
          ? done(`# /usr/lib/systemd/system/${unitName(name)}.service\n`)
          : failed(1, `No files found for ${unitName(name)}.service.`),
      );
    case "list-timers":
      return done(
        timerUnits(call.context, call.host)
          .map((name) => `${name}.timer\n`)
          .join(""),
      );
    case "list-units":
      return done(
        Object.entries(unitsOf(call.context, call.host))
          .map(([name, { state }]) => `${name}.service loaded ${state}\n`)
          .join(""),
      );
    case "daemon-reload":
    case "reset-failed":
      return done();
    case "enable":
    case "disable":
      return inTurn(units, (name) => enable(call, name, args));
    default:
      return change(call, args);
  }
};

const changing = [
  "start",
  "stop",
  "restart",
  "try-restart",
  "reload",
  "reload-or-restart",
  "try-reload-or-restart",
  "kill",
];

async function change(
  { context, host }: ProgramCall,
  { verb, units, flags, values }: SystemctlArguments,
): Promise<CommandResult> {
  if (!changing.includes(verb)) return failed(1, `Unknown command verb '${verb}', did you mean 'status'?`);
  if (units.length === 0) return failed(1, "Too few arguments.");
  return inTurn(
    units,
    async (name) => {
      if (verb === "stop" && cancelTimer(context, host, name)) return done();
      const unit = `${unitName(name)}.service`;
      if (/\.(timer|scope)$/.test(name) || !isInstalled(context, host, name)) {
        const missing = /\.\w+$/.test(name) ? name : unit;
        if (verb === "stop") return failed(5, `Failed to stop ${missing}: Unit ${missing} not loaded.`);
        return failed(5, `Failed to ${verb} ${missing}: Unit ${missing} not found.`);
      }
      const active = isActive(context, host, name);
      switch (verb) {
        case "stop":
          if (active) stopUnit(context, host, name);
          return done();
        case "start":
          return active ? done() : start(context, host, name);
        case "kill":
          return kill(context, host, name, values.get("-s") ?? values.get("--signal") ?? ["SIGTERM"]);
        case "reload":
          return reload(context, host, name);
        case "reload-or-restart":
        case "try-reload-or-restart":
          if (active && canReload(name)) return reload(context, host, name);
          return active || verb === "reload-or-restart" ? start(context, host, name) : done();
        default:
          return active || verb === "restart" ? start(context, host, name) : done();
      }
    },
    flags.has("--no-block"),
  );
}

async function start(lab: Lab, host: HostName, name: string): Promise<CommandResult> {
  const problem = await startUnit(lab, host, name);
  if (problem === undefined) return done();
  const unit = `${unitName(name)}.service`;
  return failed(
    1,
    `Job for ${unit} failed because the control process exited with error code.\nSee "systemctl status ${unit}" and "journalctl -xeu ${unit}" for details.`,
  );
}

async function reload(lab: Lab, host: HostName, name: string): Promise<CommandResult> {
  const unit = `${unitName(name)}.service`;
  if (!canReload(name)) {
    return failed(
      1,
      `Failed to reload ${unit}: Job type reload is not applicable for unit ${unit}.\nSee system logs and 'systemctl status ${unit}' for details.`,
    );
  }
  if (!isActive(lab, host, name)) return failed(1, `${unit} is not active, cannot reload.`);
  const problem = await reloadUnit(lab, host, name);
  if (problem === undefined) return done();
  setUnit(lab, host, name, { log: problem });
  return failed(
    1,
    `Job for ${unit} failed.\nSee "systemctl status ${unit}" and "journalctl -xeu ${unit}" for details.`,
  );
}

async function kill(
  lab: Lab,
  host: HostName,
  name: string,
  [signal = ""]: readonly string[],
): Promise<CommandResult> {
  const unit = `${unitName(name)}.service`;
  if (!isActive(lab, host, name)) return failed(1, `Failed to kill unit ${unit}: No main process to kill`);
  if (/HUP$/.test(signal)) await reloadUnit(lab, host, name);
  else if (/(TERM|KILL|INT|QUIT)$/.test(signal)) stopUnit(lab, host, name);
  return done();
}

async function enable(
  call: ProgramCall,
  name: string,
  { verb, flags }: SystemctlArguments,
): Promise<CommandResult> {
  const { context, host } = call;
  const unit = `${unitName(name)}.service`;
  const before = unitOn(context, host, name);
  if (before === undefined) return failed(1, `Failed to ${verb} unit: Unit ${unit} does not exist`);
  const enabled = verb === "enable";
  const link = `'/etc/systemd/system/multi-user.target.wants/${unit}'`;
  const says = enabled
    ? `Created symlink ${link} → '/usr/lib/systemd/system/${unit}'.\n`
    : `Removed ${link}.\n`;
  if (before.enabled !== enabled) setUnit(context, host, name, { enabled });
  const shown = done("", before.enabled === enabled ? "" : says);
  if (!flags.has("--now")) return shown;
  if (!enabled && before.state === "active") stopUnit(context, host, name);
  if (!enabled || before.state === "active") return shown;
  const started = await start(context, host, name);
  return { ...started, stderr: shown.stderr + started.stderr };
}

async function inTurn(
  units: readonly string[],
  action: (name: string) => Promise<CommandResult>,
  noBlock = false,
): Promise<CommandResult> {
  let exitCode = 0;
  let stdout = "";
  let stderr = "";
  for (const unit of units) {
    const result = await action(unit);
    if (exitCode === 0 && !noBlock) exitCode = result.exitCode;
    stdout += result.stdout;
    stderr += result.stderr;
  }
  return { exitCode, stdout, stderr: noBlock ? "" : stderr };
}
