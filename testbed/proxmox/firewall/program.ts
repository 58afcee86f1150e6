/** pve-firewall (pve-firewall 6.0): status, compile, localnet, start, stop, restart, and the daemon that applies the rules. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { compile, isEnabled, type World } from "../../../lab/pve-firewall/compile.ts";
import { subcommand } from "../command-line.ts";
import { type Guest, guestsOf } from "../guests.ts";
import { hypervisor, node } from "../node.ts";
import { clusterFile, hostNetbase, readInstalled } from "./files.ts";
import { type Commands, commandsOf } from "./netfilter.ts";

const unit = "pve-firewall.service";

/** What the daemon has applied last, so that status can tell what is pending. */
const applied = "/run/testbed/firewall-applied.json";

/** How often the daemon reads the files anew, in milliseconds, unless a test has set another pace in this file. */
const tickMs = 10_000;
const paceFile = "/etc/testbed/firewall-tick-ms";

export async function pveFirewall(args: readonly string[]): Promise<number> {
  // Not for people: what the unit runs.
  if (args[0] === "daemon") return daemon();
  if (args[0] === "clear") return clear();
  const verb = subcommand("pve-firewall", args[0] ?? "", [
    "status",
    "compile",
    "localnet",
    "start",
    "stop",
    "restart",
  ]);
  switch (verb) {
    case "status":
      return status();
    case "compile":
      return showCompiled();
    case "localnet":
      process.stdout.write(localNetwork());
      return 0;
    default:
      execFileSync("systemctl", [verb, unit], { stdio: "inherit" });
      return 0;
  }
}

function status(): number {
  const world = readWorld();
  const ruleset = compile(world);
  for (const warning of ruleset.warnings) process.stderr.write(`${warning}\n`);
  const running = spawnSync("systemctl", ["is-active", "--quiet", unit]).status === 0 ? "running" : "stopped";
  const pending =
    running === "running" && ruleset.enabled && isPending(commandsOf(ruleset)) ? " (pending changes)" : "";
  process.stdout.write(`Status: ${isEnabled(world) ? "enabled" : "disabled"}/${running}${pending}\n`);
  return 0;
}

function showCompiled(): number {
  const ruleset = compile(readWorld());
  const commands = commandsOf(ruleset);
  for (const warning of ruleset.warnings) process.stderr.write(`${warning}\n`);
  const titled = [
    `ipset cmdlist:\n${commands.sets}`,
    `iptables cmdlist:\n${commands.rules}`,
    "ip6tables cmdlist:",
    "ebtables cmdlist:",
    "iptables table raw cmdlist:",
    "ip6tables table raw cmdlist:",
  ];
  const end = isPending(commands) ? "detected changes" : "no changes";
  process.stdout.write(`${titled.join("\n\n")}\n${end}\n${ruleset.enabled ? "" : "firewall disabled\n"}`);
  return 0;
}

function localNetwork(): string {
  const { address } = hypervisor();
  const user = readInstalled(clusterFile, "cluster").aliases.get("local_network");
  return [
    `local hostname: ${node}`,
    `local IP address: ${address}`,
    `network auto detect: ${networkOf()}`,
    `using ${user === undefined ? "detected" : "user defined"} local_network: ${user ?? networkOf()}`,
    "",
  ].join("\n");
}

async function daemon(): Promise<number> {
  // What passes over a bridge passes through iptables: guests are filtered there.
  writeFileSync("/proc/sys/net/bridge/bridge-nf-call-iptables", "1");
  let wake = new AbortController();
  // A test that cannot wait for the tick.
  process.on("SIGUSR1", () => wake.abort());
  for (;;) {
    try {
      update();
    } catch (error) {
      process.stderr.write(`firewall update failed: ${String(error)}\n`);
    }
    const ms = existsSync(paceFile) ? Number(readFileSync(paceFile, "utf8")) : tickMs;
    await delay(ms, undefined, { signal: wake.signal }).catch(() => undefined);
    if (wake.signal.aborted) wake = new AbortController();
  }
}

function update(): void {
  const commands = commandsOf(compile(readWorld()));
  if (!isPending(commands)) return;
  apply(commands);
  mkdirSync("/run/testbed", { recursive: true });
  writeFileSync(applied, JSON.stringify(commands));
}

/** Sets first, so that rules find them; those that no rule uses any more go last. */
function apply({ sets, rules }: Commands): void {
  execFileSync("ipset", ["-exist", "restore"], { input: sets });
  const cleared = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n";
  execFileSync("iptables-restore", ["--wait", "10"], { input: rules === "" ? cleared : rules });
  const wanted = new Set([...sets.matchAll(/^create (\S+)/gm)].map(([, name]) => name));
  const there = execFileSync("ipset", ["list", "-name"], { encoding: "utf8" }).split("\n");
  for (const name of there)
    if (name.startsWith("PVEFW-") && !wanted.has(name)) execFileSync("ipset", ["destroy", name]);
}

/** `stop` takes every rule away. */
function clear(): number {
  apply({ sets: "", rules: "" });
  rmSync(applied, { force: true });
  return 0;
}

function isPending(commands: Commands): boolean {
  const last = existsSync(applied) ? readFileSync(applied, "utf8") : JSON.stringify({ sets: "", rules: "" });
  return last !== JSON.stringify(commands);
}

function readWorld(): World {
  const cluster = readInstalled(clusterFile, "cluster");
  const guests = [...guestsOf("lxc"), ...guestsOf("vm")].map((guest) => ({
    id: guest.id,
    tap: tapOf(guest),
    filtered: /(?:^|,)firewall=1(?:,|$)/.test(guest.config.get("net0") ?? ""),
    file: readInstalled(`/etc/pve/firewall/${guest.id}.fw`, "guest", cluster),
  }));
  return {
    cluster,
    host: readInstalled(`/etc/pve/nodes/${node}/host.fw`, "host", cluster),
    guests,
    localNetwork: networkOf(),
    ...corosyncOf(),
    netbase: hostNetbase(),
    now: Math.floor(Date.now() / 1000),
  };
}

function corosyncOf(): Pick<World, "corosync"> {
  const { address, cluster } = hypervisor();
  if (cluster === undefined) return {};
  const peers = cluster.nodes.filter(({ name }) => name !== node);
  return { corosync: { own: address, peers: peers.map((each) => each.address) } };
}

function tapOf({ kind, id }: Guest): string {
  return `${kind === "lxc" ? "veth" : "tap"}${id}i0`;
}

function networkOf(): string {
  const { address, prefix } = hypervisor();
  const number = address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
  const size = 2 ** (32 - prefix);
  const base = Math.floor(number / size) * size;
  const octets = [24, 16, 8, 0].map((shift) => Math.floor(base / 2 ** shift) % 256);
  return `${octets.join(".")}/${prefix}`;
}
