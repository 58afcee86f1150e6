/**
 * From firewall files to netfilter: chains as pve-firewall 6.0 makes them with its iptables backend. IPv4 only.
 * Guests are filtered where their firewall bridge passes packets on; the host in INPUT and OUTPUT.
 */
import type { Installed, Rule } from "./installed.ts";
import { type Match, macros } from "./macros.ts";
import { setLines, setName } from "./sets.ts";

export interface FilteredGuest {
  readonly id: string;
  /** Its interface on the hypervisor: "veth101i0", "tap1001i0". */
  readonly tap: string;
  /** net0 has firewall=1. */
  readonly filtered: boolean;
  readonly file: Installed;
}

export interface World {
  readonly cluster: Installed;
  readonly host: Installed;
  readonly guests: readonly FilteredGuest[];
  /** The hypervisor's own network: "10.0.0.0/24". */
  readonly localNetwork: string;
  /** Seconds since the epoch, for an `enable` that ends by itself. */
  readonly now: number;
}

export interface Ruleset {
  readonly enabled: boolean;
  /** For `ipset restore`. */
  readonly sets: string;
  /** For `iptables-restore`; "" takes every rule away. */
  readonly rules: string;
  readonly warnings: readonly string[];
}

/** What reaches the host without any rule, from the management set (Firewall.pm, enable_host_firewall). */
const managementPorts = ["8006", "5900:5999", "3128", "22", "60000:60050"];

/** `enable: T` with a time holds for this many seconds after it. */
const trialSeconds = 60;

export function isEnabled({ cluster, now }: Pick<World, "cluster" | "now">): boolean {
  const enable = Number(cluster.options.enable ?? "0");
  return enable > 1 ? now < enable + trialSeconds : enable === 1;
}

export function compile(world: World): Ruleset {
  const { cluster, host, guests, localNetwork } = world;
  const warnings = [cluster, host, ...guests.map(({ file }) => file)].flatMap((each) => each.warnings);
  if (!isEnabled(world)) return { enabled: false, sets: "", rules: "", warnings };
  const local = cluster.aliases.get("local_network") ?? localNetwork;
  const conntrack = conntrackOf(host);
  const sets = new Map([...cluster.sets].map(([name, entries]) => [setName(name), entries] as const));
  sets.set(setName("management"), [...new Set([...(cluster.sets.get("management") ?? []), local])]);
  const chains = new Map<string, string[]>();
  const chain = (name: string, ...lines: readonly string[]): void => void chains.set(name, [...lines]);
  const groups = new Set<string>();
  const translate = (rules: readonly Rule[], file: Installed, direction: "IN" | "OUT", guest?: string) =>
    rules.flatMap((rule) => {
      if (rule.type === "GROUP") {
        if (!cluster.groups.has(rule.action)) warnings.push(`no such security group '${rule.action}'`);
        groups.add(rule.action);
        return [`-j GROUP-${rule.action}-${direction}`];
      }
      return rule.type === direction ? linesOf(rule, file, cluster, guest) : [];
    });

  if (host.options.enable !== "0") {
    const management = `-m set --match-set ${setName("management")} src`;
    chain(
      "PVEFW-HOST-IN",
      "-i lo -j ACCEPT",
      ...conntrack,
      "-p igmp -j ACCEPT",
      ...translate(host.rules, host, "IN"),
      ...translate(cluster.rules, cluster, "IN"),
      ...managementPorts.map((port) => `${management} -p tcp --dport ${port} -j ACCEPT`),
      ...policy(host.options.policy_in ?? cluster.options.policy_in ?? "DROP"),
    );
    chain(
      "PVEFW-HOST-OUT",
      "-o lo -j ACCEPT",
      ...conntrack,
      "-p igmp -j ACCEPT",
      ...translate(host.rules, host, "OUT"),
      ...translate(cluster.rules, cluster, "OUT"),
      ...["8006", "22", "5900:5999", "3128"].map((port) => `-d ${local} -p tcp --dport ${port} -j ACCEPT`),
      ...policy(host.options.policy_out ?? cluster.options.policy_out ?? "ACCEPT"),
    );
  }
  const filtered = guests.filter(({ filtered, file }) => filtered && file.options.enable === "1");
  for (const { tap, id, file } of filtered) {
    const own = { ...file, aliases: new Map([...cluster.aliases, ...file.aliases]) };
    for (const [name, entries] of file.sets) sets.set(setName(name, id), entries);
    const dhcp = file.options.dhcp === "1";
    chain(
      `${tap}-IN`,
      ...(dhcp ? ["-p udp --sport 67 --dport 68 -j ACCEPT"] : []),
      ...translate(file.rules, own, "IN", id),
      ...policy(file.options.policy_in ?? "DROP"),
    );
    chain(
      `${tap}-OUT`,
      ...(dhcp ? ["-p udp --sport 68 --dport 67 -j ACCEPT"] : []),
      ...translate(file.rules, own, "OUT", id),
      ...policy(file.options.policy_out ?? "ACCEPT"),
    );
  }
  for (const name of groups) {
    const rules = cluster.groups.get(name) ?? [];
    for (const direction of ["IN", "OUT"] as const)
      chain(`GROUP-${name}-${direction}`, ...translate(rules, cluster, direction));
  }
  const bridged = "-m physdev --physdev-is-bridged";
  const blacklist = cluster.sets.has("blacklist")
    ? [`${bridged} --physdev-in fwln+ -m set --match-set ${setName("blacklist")} src -j DROP`]
    : [];
  chain(
    "PVEFW-FORWARD",
    ...conntrack,
    ...blacklist,
    ...filtered.map(({ tap }) => `${bridged} --physdev-out ${tap} -j ${tap}-IN`),
    ...filtered.map(({ tap }) => `${bridged} --physdev-in ${tap} -j ${tap}-OUT`),
  );
  chain(
    "PVEFW-Drop",
    "-p icmp --icmp-type 3 -j ACCEPT",
    "-p icmp --icmp-type 4 -j ACCEPT",
    "-p icmp --icmp-type 11 -j ACCEPT",
    "-j DROP",
  );
  chain(
    "PVEFW-reject",
    "-p tcp -j REJECT --reject-with tcp-reset",
    "-j REJECT --reject-with icmp-host-prohibited",
  );
  return { enabled: true, sets: setLines(sets, cluster), rules: ruleLines(chains), warnings };
}

/**
 * A packet on its way from a filtered guest is looked up twice, on the guest's firewall bridge and behind it. A reset that
 * answers a first packet ends the connection at the first look, so that the second finds it invalid: a closed port of a
 * filtered guest is silent, here as on Proxmox, unless host.fw says nf_conntrack_allow_invalid.
 */
function conntrackOf(host: Installed): readonly string[] {
  const accepted = "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT";
  const allowed = host.options.nf_conntrack_allow_invalid === "1";
  return allowed ? [accepted] : ["-m conntrack --ctstate INVALID -j DROP", accepted];
}

function policy(name: string): readonly string[] {
  if (name === "ACCEPT") return ["-j ACCEPT"];
  return [`-j ${name === "REJECT" ? "PVEFW-reject" : "PVEFW-Drop"}`];
}

/** A rule of a file as iptables takes it: a macro may be several. */
function linesOf(rule: Rule, file: Installed, cluster: Installed, guest?: string): readonly string[] {
  const matches: readonly Match[] =
    rule.macro === undefined ? [{}] : (macros.get(rule.macro.toLowerCase()) ?? []);
  const target = rule.action === "REJECT" ? "PVEFW-reject" : rule.action;
  return matches.map((match) => {
    const {
      i,
      p,
      dport,
      sport,
      source,
      dest,
      "icmp-type": icmp,
    }: Partial<Record<string, string>> = {
      ...rule.options,
      ...match,
    };
    const inbound = rule.type === "IN" ? "-i" : "-o";
    return [
      // A guest's interface is the chain itself.
      ...(i === undefined || guest !== undefined ? [] : [inbound, i]),
      ...(p === undefined ? [] : ["-p", p]),
      ...(icmp === undefined ? [] : ["--icmp-type", icmp]),
      ...(source === undefined ? [] : address(source, "src", file, cluster, guest)),
      ...(dest === undefined ? [] : address(dest, "dst", file, cluster, guest)),
      ...(dport === undefined ? [] : ports("dport", dport)),
      ...(sport === undefined ? [] : ports("sport", sport)),
      "-j",
      target,
    ].join(" ");
  });
}

function ports(option: "dport" | "sport", text: string): readonly string[] {
  return text.includes(",") ? ["-m", "multiport", `--${option}s`, text] : [`--${option}`, text];
}

function address(
  text: string,
  side: "src" | "dst",
  file: Installed,
  cluster: Installed,
  guest?: string,
): readonly string[] {
  if (text.startsWith("+")) {
    const name = text.slice(1).replace(/^(?:dc|guest)\//, "");
    const own = guest !== undefined && !text.startsWith("+dc/") && file.sets.has(name);
    return ["-m", "set", "--match-set", setName(name, own ? guest : undefined), side];
  }
  if (text.includes("-") && /^\d/.test(text)) return ["-m", "iprange", `--${side}-range`, text];
  const alias = /^[a-z]/i.test(text) ? text.replace(/^(?:dc|guest)\//, "").toLowerCase() : undefined;
  const resolved =
    alias === undefined ? text : (file.aliases.get(alias) ?? cluster.aliases.get(alias) ?? text);
  return [side === "src" ? "-s" : "-d", resolved];
}

function ruleLines(chains: ReadonlyMap<string, readonly string[]>): string {
  const names = [...chains.keys()].sort();
  const jumps = [
    ...(chains.has("PVEFW-HOST-IN") ? ["-A INPUT -j PVEFW-HOST-IN", "-A OUTPUT -j PVEFW-HOST-OUT"] : []),
    "-A FORWARD -j PVEFW-FORWARD",
  ];
  return [
    "*filter",
    ...["INPUT", "FORWARD", "OUTPUT"].map((name) => `:${name} ACCEPT [0:0]`),
    ...names.map((name) => `:${name} - [0:0]`),
    ...jumps,
    ...names.flatMap((name) => (chains.get(name) ?? []).map((line) => `-A ${name} ${line}`)),
    "COMMIT",
    "",
  ].join("\n");
}
