/** qm (qemu-server 9.2): list, status, config, set, start, stop, migrate, and what the guest agent does. */
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { askAgent, needAgent } from "./agent.ts";
import { parse, Refusal, subcommand } from "./command-line.ts";
import { configText, type Guest, guestOf, guestsOf, isRunning } from "./guests.ts";
import { migrate } from "./migrate.ts";
import { pretty } from "./perl-json.ts";
import { power, setAndPlug } from "./power.ts";

/** The most that --pass-stdin takes, in bytes. */
const inputLimit = 1024 * 1024;

/** How often qm looks whether the command has ended, in milliseconds. Tests may set another pace in this file. */
const pollMs = pace("/etc/testbed/agent-poll-ms", 1000);

export async function qm(args: readonly string[]): Promise<number> {
  const verb = subcommand("qm", args[0] ?? "", [
    ...["list", "status", "config", "set", "start", "stop", "shutdown", "reboot", "guest", "migrate"],
  ]);
  const rest = args.slice(1);
  if (verb === "guest") return agent(rest);
  if (verb === "migrate") {
    const { operands, options } = parse(rest, {
      usage: "qm migrate <vmid> <target> [OPTIONS]",
      operands: ["vmid", "target"],
      flags: ["online"],
    });
    const [id = "", target = ""] = operands;
    migrate(guestOf("vm", id), target, options.get("online") === "1");
    return 0;
  }
  if (verb === "list") {
    parse(rest, { usage: "qm list [OPTIONS]", operands: [], flags: ["full"] });
    process.stdout.write(list(guestsOf("vm")));
    return 0;
  }
  const usage = `qm ${verb} <vmid> [OPTIONS]`;
  const open = verb === "set" ? ({ open: true } as const) : {};
  const flags = ["verbose", "skiplock", "current"];
  const { operands, options } = parse(rest, {
    usage,
    operands: ["vmid"],
    flags,
    values: ["timeout"],
    ...open,
  });
  const guest = guestOf("vm", operands[0] ?? "");
  if (verb === "status") process.stdout.write(`status: ${isRunning(guest) ? "running" : "stopped"}\n`);
  else if (verb === "config") process.stdout.write(configText(guest));
  else if (verb === "set") {
    setAndPlug(guest, options);
    for (const [key, value] of options) process.stdout.write(`update VM ${guest.id}: -${key} ${value}\n`);
  } else power(guest, verb);
  return 0;
}

function list(machines: readonly Guest[]): string {
  if (machines.length === 0) return "";
  const row = (
    ...[id = "", name = "", status = "", memory = "", disk = "", pid = ""]: readonly string[]
  ): string =>
    `${id.padStart(10)} ${name.padEnd(20)} ${status.padEnd(10)} ${memory.padEnd(10)} ${disk.padStart(12)} ${pid.padEnd(10)}\n`;
  const rows = machines.map((each) =>
    row(
      each.id,
      each.name,
      isRunning(each) ? "running" : "stopped",
      each.config.get("memory") ?? "",
      "32.00",
      String(each.leader ?? 0),
    ),
  );
  return row("VMID", "NAME", "STATUS", "MEM(MB)", "BOOTDISK(GB)", "PID") + rows.join("");
}

async function agent(args: readonly string[]): Promise<number> {
  const verb = subcommand("qm guest", args[0] ?? "", ["exec", "exec-status", "cmd"]);
  const rest = args.slice(1);
  if (verb === "exec") return execute(rest);
  const second = verb === "cmd" ? "command" : "pid";
  const { operands } = parse(rest, {
    usage: `qm guest ${verb} <vmid> <${second}>`,
    operands: ["vmid", second],
  });
  const [id = "", word = ""] = operands;
  const guest = guestOf("vm", id);
  needAgent(guest);
  if (verb === "exec-status") {
    const status = await askAgent(guest, "guest-exec-status", { pid: Number(word) });
    process.stdout.write(pretty(shown(status as Status)));
    return 0;
  }
  const answer = await askAgent(guest, `guest-${word}`);
  if (answer !== undefined && word !== "ping") process.stdout.write(pretty(answer));
  return 0;
}

async function execute(args: readonly string[]): Promise<number> {
  const usage = "qm guest exec <vmid> [<extra-args>] [OPTIONS]";
  const { operands, options, command } = parse(args, {
    usage,
    operands: ["vmid"],
    flags: ["synchronous", "pass-stdin"],
    values: ["timeout"],
    command: true,
  });
  const guest = guestOf("vm", operands[0] ?? "");
  const synchronous = options.get("synchronous") !== "0";
  if (!synchronous && options.has("timeout")) {
    throw new Refusal(
      `400 Parameter verification failed.\nsynchronous: needs to be set for 'timeout'\n${usage}`,
    );
  }
  const input = options.get("pass-stdin") === "1" ? readFileSync(0) : undefined;
  if (input !== undefined && input.length > inputLimit)
    throw new Refusal("'input-data' (STDIN) is limited to 1 MiB, aborting");
  needAgent(guest);
  const [path, ...arg] = command;
  if (path === undefined) throw new Refusal(`400 not enough arguments\n${usage}`);
  const started = await askAgent(guest, "guest-exec", {
    path,
    arg,
    "capture-output": true,
    ...(input === undefined ? {} : { "input-data": input.toString("base64") }),
  }).catch((error: unknown) => {
    // The agent's own failure is wrapped once more by qm.
    if (error instanceof Refusal && /Failed to execute child/.test(error.message))
      throw new Refusal(error.message.replace("Agent error: ", "Agent error: ").trimEnd());
    throw error;
  });
  const { pid } = started as { readonly pid: number };
  if (!synchronous) {
    process.stdout.write(pretty({ pid }));
    return 0;
  }
  const seconds = Number(options.get("timeout") ?? 30);
  const deadline = seconds === 0 ? Number.POSITIVE_INFINITY : Date.now() + seconds * 1000;
  for (;;) {
    const status = (await askAgent(guest, "guest-exec-status", { pid })) as Status;
    if (status.exited) {
      process.stdout.write(pretty(shown(status)));
      return 0;
    }
    if (Date.now() >= deadline) break;
    await delay(pollMs);
  }
  process.stderr.write("timeout reached, returning pid\n");
  process.stdout.write(pretty({ pid }));
  return 0;
}

type Status = Readonly<Record<string, unknown>>;

/** Booleans as 1 and 0, and the streams' bytes taken for Latin-1 characters one by one. */
function shown(status: Status): Status {
  const pairs = Object.entries(status).map(([key, value]) => {
    if (typeof value === "boolean") return [key, value ? 1 : 0] as const;
    if (/^(?:out|err)-data$/.test(key))
      return [key, Buffer.from(String(value), "base64").toString("latin1")] as const;
    return [key, value] as const;
  });
  return Object.fromEntries(pairs);
}

function pace(path: string, otherwise: number): number {
  try {
    return Number(readFileSync(path, "utf8"));
  } catch {
    return otherwise;
  }
}
