/** pct (pve-container 6.1): list, status, config, set, start, stop, exec, push, pull, migrate; containers are the testbed's. */
import { spawnSync } from "node:child_process";
import { closeSync, existsSync, lstatSync, mkdirSync, openSync } from "node:fs";
import { parse, Refusal, subcommand } from "./command-line.ts";
import { configText, type Guest, guestOf, guestsOf, isRunning } from "./guests.ts";
import { migrate } from "./migrate.ts";
import { power, setAndPlug } from "./power.ts";

/** What lxc-attach gives a command when the caller's environment is not kept (attach.c). */
const cleanPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** What CLIHandler sets for pct itself, and with it for a command that keeps the environment. */
const keptPath = "/sbin:/bin:/usr/sbin:/usr/bin";

export function pct(args: readonly string[]): number {
  const verbs = [
    "list",
    "status",
    "config",
    "set",
    "start",
    "stop",
    "shutdown",
    "reboot",
    "exec",
    "push",
    "pull",
    "migrate",
  ];
  const verb = subcommand("pct", args[0] ?? "", verbs);
  const rest = args.slice(1);
  switch (verb) {
    case "list":
      parse(rest, { usage: "pct list", operands: [] });
      process.stdout.write(list(guestsOf("lxc")));
      return 0;
    case "exec":
      return execute(rest);
    case "push":
      return push(rest);
    case "pull":
      return pull(rest);
    case "migrate": {
      const { operands, options } = parse(rest, {
        usage: "pct migrate <vmid> <target> [OPTIONS]",
        operands: ["vmid", "target"],
        flags: ["restart"],
        values: ["timeout"],
      });
      const [id = "", target = ""] = operands;
      migrate(guestOf("lxc", id), target, options.get("restart") === "1");
      return 0;
    }
    default: {
      const usage = `pct ${verb} <vmid> [OPTIONS]`;
      const open = verb === "set" ? ({ open: true } as const) : {};
      const flags = ["verbose", "skiplock", "debug", "current"];
      const { operands, options } = parse(rest, {
        usage,
        operands: ["vmid"],
        flags,
        values: ["timeout"],
        ...open,
      });
      const guest = guestOf("lxc", operands[0] ?? "");
      if (verb === "status") process.stdout.write(`status: ${isRunning(guest) ? "running" : "stopped"}\n`);
      else if (verb === "config") process.stdout.write(configText(guest));
      else if (verb === "set") setAndPlug(guest, options);
      else power(guest, verb);
      return 0;
    }
  }
}

function list(containers: readonly Guest[]): string {
  if (containers.length === 0) return "";
  const row = (...[id = "", status = "", lock = "", name = ""]: readonly string[]): string =>
    `${id.padEnd(10)} ${status.padEnd(10)} ${lock.padEnd(12)} ${name.padEnd(20)}\n`;
  const rows = containers.map((each) =>
    row(each.id, isRunning(each) ? "running" : "stopped", each.config.get("lock") ?? "", each.name),
  );
  return row("VMID", "Status", "Lock", "Name") + rows.join("");
}

function execute(args: readonly string[]): number {
  const usage = "pct exec <vmid> [<extra-args>] [OPTIONS]";
  const { operands, options, command } = parse(args, {
    usage,
    operands: ["vmid"],
    flags: ["keep-env"],
    command: true,
  });
  const guest = guestOf("lxc", operands[0] ?? "");
  const { leader, id } = guest;
  if (leader === undefined) throw new Refusal(`container '${id}' not running!`);
  const [program] = command;
  if (program === undefined)
    throw new Refusal("missing command at /usr/share/perl5/PVE/CLI/pct.pm line 250.");
  const kept = options.get("keep-env") !== "0";
  const path = kept ? keptPath : cleanPath;
  const environment = kept
    ? { ...process.env, PATH: path, container: "lxc" }
    : { PATH: path, container: "lxc" };
  if (!isThere(leader, program, path)) {
    throw new Refusal(
      `lxc-attach: ${id}: ../src/lxc/attach.c: lxc_attach_run_command: 1841 No such file or directory - Failed to exec "${program}"`,
      127,
    );
  }
  const settings = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const directory = existsSync(`/proc/${leader}/root${process.cwd()}`) ? process.cwd() : "/";
  return enter(leader, directory, ["env", "-i", ...settings, ...command]);
}

/** Runs a command in a guest with this process's own standard streams; ends as lxc-attach does. */
function enter(leader: number, directory: string, argv: readonly string[]): number {
  const options = ["--target", String(leader), "--all", `--wdns=${directory}`, "--"];
  const { status, signal } = spawnSync("nsenter", [...options, ...argv], { stdio: "inherit" });
  return signal === null ? (status ?? 1) : 128 + (signalNumbers[signal] ?? 0);
}

const signalNumbers: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
};

function isThere(leader: number, program: string, path: string): boolean {
  const places = program.includes("/") ? [program] : path.split(":").map((each) => `${each}/${program}`);
  return places.some((place) => {
    try {
      lstatSync(`/proc/${leader}/root${place.startsWith("/") ? place : `/${place}`}`);
      return true;
    } catch {
      return false;
    }
  });
}

/** Copies in place, without a temporary file; a copy that fails is reported and still ends with 0 (pct.pm has no exit code for it). */
function push(args: readonly string[]): number {
  const { operands, options } = parse(args, {
    usage: "pct push <vmid> <file> <destination> [OPTIONS]",
    operands: ["vmid", "file", "destination"],
    values: ["user", "group", "perms"],
  });
  const [id = "", file = "", destination = ""] = operands;
  const guest = guestOf("lxc", id);
  if (guest.leader === undefined) throw new Refusal("can only push files to a running CT");
  let source: number;
  try {
    source = openSync(file, "r");
  } catch {
    return reported(`failed to open ${file} for reading`);
  }
  const script = `if [ -n "$2" ] && ! id -u "$2" >/dev/null 2>&1; then echo "failed to get uid for: $2" >&2; exit 1; fi
    if [ -n "$3" ] && ! getent group "$3" >/dev/null; then echo "failed to get gid for: $3" >&2; exit 1; fi
    if [ -d "$1" ]; then echo "failed to create file: $1: Is a directory" >&2; exit 1; fi
    { true >>"$1"; } 2>/dev/null || { echo "failed to create file: $1: No such file or directory" >&2; exit 1; }
    cat >"$1"
    [ -z "$2" ] || chown "$2" "$1"; [ -z "$3" ] || chgrp "$3" "$1"; [ -z "$4" ] || chmod "$4" "$1"`;
  const values = ["user", "group", "perms"].map((name) => options.get(name) ?? "");
  const result = locked(guest, ["sh", "-c", script, "sh", destination, ...values], source, "inherit");
  closeSync(source);
  return result;
}

function pull(args: readonly string[]): number {
  const { operands } = parse(args, {
    usage: "pct pull <vmid> <path> <destination> [OPTIONS]",
    operands: ["vmid", "path", "destination"],
    values: ["user", "group", "perms"],
  });
  const [id = "", path = "", destination = ""] = operands;
  const guest = guestOf("lxc", id);
  if (guest.leader === undefined) throw new Refusal("can only pull files from a running CT");
  // The destination is made, or emptied, before the source is looked for: a pull that fails leaves an empty file.
  const target = openSync(destination, "w");
  const script = `[ -f "$1" ] && exec cat "$1"; echo "failed to open $1: No such file or directory" >&2; exit 1`;
  const result = locked(guest, ["sh", "-c", script, "sh", path], "ignore", target);
  closeSync(target);
  return result;
}

/** While the container's configuration lock is held, as pct holds it for the whole copy. */
function locked(
  { id, leader }: Guest,
  argv: readonly string[],
  input: number | "ignore",
  output: number | "inherit",
): number {
  mkdirSync("/run/lock/lxc", { recursive: true });
  const lock = `/run/lock/lxc/pve-config-${id}.lock`;
  const command = ["nsenter", "--target", String(leader), "--all", "--wdns=/", "--", ...argv];
  const { status } = spawnSync("flock", ["--wait", "10", "--conflict-exit-code", "99", lock, ...command], {
    stdio: [input, output, "inherit"],
  });
  if (status === 99) throw new Refusal(`can't lock file '${lock}' - got timeout`);
  return 0;
}

function reported(message: string): number {
  process.stderr.write(`${message}\n`);
  return 0;
}
