/**
 * ssh of OpenSSH 10 from one node of the cluster to another: what it says where it cannot connect, whose keys it knows, and shared
 * connections. What runs there is one line for the other side's shell.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { CommandResult } from "../../src/hosts/host.ts";
import type { HostName } from "../../src/resource.ts";
import { isConnected, nodeUnder } from "../cluster.ts";
import { verdictOf } from "../firewall.ts";
import { guestState } from "../guests.ts";
import { hostAt } from "../network.ts";
import { isNode } from "../nodes.ts";
import { done, failed, type Lab, type Program, type ProgramCall } from "../parts.ts";
import { countOf, type Shared, sessionLimit, share, sharedAt, unshare } from "../ssh-connections.ts";
import { isActive } from "../units.ts";
import { addressOf } from "./basics.ts";
import { type SshCall, sshCall, wordsOf } from "./ssh-arguments.ts";

export const ssh: Program = async (call) => {
  const { context, host, args } = call;
  const asked = sshCall(args);
  if ("exitCode" in asked) return asked;
  const socket = socketOf(asked);
  const there = socket === undefined ? undefined : openAt(context, host, socket);
  if (asked.control !== undefined) return control(call, asked, socket, there);
  const master = asked.options.get("controlmaster") ?? "no";
  if (there !== undefined && master !== "yes") {
    if (there.sessions < sessionLimit) return session(call, asked, there.target, there);
    const refused = "mux_client_request_session: session request failed: Session open refused by peer\n";
    return after(
      `${refused}ControlSocket ${socket} already exists, disabling multiplexing\n`,
      alone(call, asked),
    );
  }
  if (socket === undefined || !/^(yes|auto|ask|autoask)$/.test(master)) return alone(call, asked);
  if (there !== undefined)
    return after(`ControlSocket ${socket} already exists, disabling multiplexing\n`, alone(call, asked));
  return asMaster(call, asked, socket);
};

/** The socket's path with its tokens; those for the destination make one for each. */
function socketOf({ options, user, address }: SshCall): string | undefined {
  const path = options.get("controlpath");
  if (path === undefined || path === "none") return undefined;
  const port = options.get("port") ?? "22";
  const hash = Buffer.from(`${user}${address}${port}`).toString("hex").padEnd(40, "0").slice(0, 40);
  return path.replace(
    /%([ChrpnL%])/g,
    (_, token: string) => ({ C: hash, h: address, n: address, r: user, p: port })[token] ?? token,
  );
}

/** A connection is gone when the other machine is; a firewall that came later does not end it. */
function openAt(lab: Lab, from: HostName, socket: string): Shared | undefined {
  const found = sharedAt(lab, from, socket);
  if (found === undefined || isConnected(lab, nodeUnder(lab, from), nodeUnder(lab, found.target)))
    return found;
  unshare(lab, from, socket);
  return undefined;
}

function control(
  { context, host }: ProgramCall,
  { control: verb }: SshCall,
  socket: string | undefined,
  there: Shared | undefined,
): CommandResult {
  if (socket === undefined || there === undefined)
    return failed(255, `Control socket connect(${socket ?? ""}): No such file or directory`);
  if (verb === "check") return done("", "Master running (pid=4711)\n");
  if (verb !== "exit" && verb !== "stop")
    return failed(255, `the lab's ssh knows -O check, exit and stop, not ${verb}`);
  unshare(context, host, socket);
  return done("", verb === "exit" ? "Exit request sent.\n" : "Stop listening request sent.\n");
}

async function after(says: string, result: Promise<CommandResult>): Promise<CommandResult> {
  const { stderr, ...rest } = await result;
  return { ...rest, stderr: says + stderr };
}

/** A connection of its own, which ends with its session. */
async function alone(call: ProgramCall, asked: SshCall): Promise<CommandResult> {
  const target = await connect(call, asked);
  return typeof target === "string" ? session(call, asked, target) : target;
}

/** The longest path of a socket, with what ssh adds while it makes one. */
const longestSocket = 108 - 17;

async function asMaster(call: ProgramCall, asked: SshCall, socket: string): Promise<CommandResult> {
  const { context, host } = call;
  const target = await connect(call, asked);
  if (typeof target !== "string") return target;
  const directory = socket.slice(0, socket.lastIndexOf("/"));
  if (!hasDirectory(context, host, directory))
    return failed(
      255,
      `unix_listener: cannot bind to path ${socket}.a1B2c3D4e5F6g7H8: No such file or directory`,
    );
  if (socket.length >= longestSocket)
    return failed(255, `unix_listener: path "${socket}.a1B2c3D4e5F6g7H8" too long for Unix domain socket`);
  const shared = share(context, host, socket, target);
  const persist = asked.options.get("controlpersist") ?? "no";
  const result = await session(call, asked, target, shared);
  if (persist === "no") unshare(context, host, socket);
  else
    shared.endsMs =
      /^\d+$/.test(persist) && persist !== "0"
        ? context.clock.now() + Number(persist) * 1000
        : Number.POSITIVE_INFINITY;
  return result;
}

function hasDirectory({ files }: Lab, host: HostName, directory: string): boolean {
  // Every machine has these; the lab's trees hold what somebody put there.
  if (["/run", "/tmp", "/var/run", "/dev/shm", "/root", "/root/.ssh"].includes(directory)) return true;
  return files.status(host, directory)?.kind === "directory";
}

async function session(
  { context, stdin, effect }: ProgramCall,
  { line, noInput }: SshCall,
  target: HostName,
  shared?: Shared,
): Promise<CommandResult> {
  if (line === "") return done();
  const count = countOf(context, target);
  count.open += 1;
  count.most = Math.max(count.most, count.open);
  if (shared !== undefined) shared.sessions += 1;
  try {
    if (context.fault("ssh-hang", target) !== undefined) await forever();
    const argv = wordsOf(line) ?? ["bash", "-c", line];
    return await context.run(target, { argv, stdin: noInput ? "" : stdin, effect });
  } finally {
    count.open -= 1;
    if (shared !== undefined) shared.sessions -= 1;
  }
}

/** The host at the other end of a new connection, or how ssh ends without one. */
async function connect({ context, host }: ProgramCall, asked: SshCall): Promise<HostName | CommandResult> {
  const { address, user, options } = asked;
  const target = hostAt(context, host, address);
  const cannot = (words: string): CommandResult =>
    failed(255, `ssh: connect to host ${address} port ${options.get("port") ?? "22"}: ${words}`);
  if (target === undefined || !isThere(context, host, target)) return cannot("No route to host");
  if (target !== host) {
    const ends = { from: host, to: target, source: addressOf(context, host), destination: address };
    const verdict = await verdictOf(context, {
      ...ends,
      protocol: "tcp",
      port: Number(options.get("port") ?? 22),
    });
    if (verdict === "DROP") return cannot("Connection timed out");
    if (verdict === "REJECT") return cannot("Connection refused");
  }
  if (!isActive(context, target, "ssh") || context.fault("refused", target) !== undefined)
    return cannot("Connection refused");
  if (context.fault("ssh-hang", target) !== undefined) {
    await delay(Number(options.get("connecttimeout") ?? Number.NaN) * 1000 || longestMs, undefined, {
      signal: context.signal,
    });
    return failed(
      255,
      `Connection timed out during banner exchange\nConnection to ${address} port 22 timed out`,
    );
  }
  countOf(context, target).connections += 1;
  if (!knowsKey(context, host, asked)) return failed(255, "Host key verification failed.");
  // Nodes have each other's keys; guests have nobody's.
  if (!isNode(target) || user !== "root")
    return failed(255, `${user}@${address}: Permission denied (publickey,password).`);
  return target;
}

/** Without a limit of its own, ssh waits as long as the other side keeps the connection. Milliseconds. */
const longestMs = 2 ** 31 - 1;

function isThere(lab: Lab, from: HostName, target: HostName): boolean {
  if (!isConnected(lab, nodeUnder(lab, from), nodeUnder(lab, target))) return false;
  return (
    target.startsWith("node/") ||
    target === "pve" ||
    guestState(lab, target as Parameters<typeof guestState>[1]) === "running"
  );
}

/** Whether a file of known hosts has the name under which the key is looked up. Nobody is there to be asked. */
function knowsKey({ files }: Lab, host: HostName, { address, options }: SshCall): boolean {
  if (/^(no|off|accept-new)$/.test(options.get("stricthostkeychecking") ?? "ask")) return true;
  const name = options.get("hostkeyalias") ?? address;
  const paths = [
    options.get("userknownhostsfile") ?? "/root/.ssh/known_hosts",
    options.get("globalknownhostsfile") ?? "/etc/ssh/ssh_known_hosts",
  ].flatMap((list) => list.split(/\s+/));
  return paths
    .filter((path) => path !== "none" && files.status(host, path)?.kind === "file")
    .flatMap((path) => (files.text(host, path) ?? "").split("\n"))
    .some((line) => line.split(" ", 1)[0]?.split(",").includes(name) === true);
}

function forever(): Promise<never> {
  return new Promise(() => {});
}
