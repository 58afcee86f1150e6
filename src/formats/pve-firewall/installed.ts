/**
 * What the firewall files of a Proxmox host, as installed or about to be, do with a connection (pve-firewall 6.0.4 with
 * iptables). Pure.
 */
import { spanOf } from "./addresses.ts";
import { compileFirewall, type InstalledFirewall, type MachineRules } from "./compiled.ts";
import { type Action, firstMatch, type Verdict } from "./decide.ts";
import { emptyFile, type FirewallFile, optionOf } from "./index.ts";
import { familyOf, type Packet } from "./match.ts";
import { isAmong, isInSet, setEntries } from "./names.ts";
import { isOn } from "./options.ts";
import { type FwRule, parseRule } from "./rule.ts";
import { firstMatchIn } from "./rule-index.ts";

export type { InstalledFirewall };

/** Whether cluster.fw switches the firewall on. */
export function isEnabled({ cluster, now }: Pick<InstalledFirewall, "cluster" | "now">): boolean {
  return isOn(optionOf(cluster, "enable"), now ?? 0);
}

/** What one machine's firewall does with a new connection. @param machine the hypervisor, or a guest by its id */
export function installedVerdict(
  installed: InstalledFirewall,
  machine: "pve" | number,
  packet: Packet,
): Verdict {
  if (!isEnabled(installed)) return { action: "ACCEPT" };
  return machine === "pve" ? hostVerdict(installed, packet) : guestVerdict(installed, machine, packet);
}

function hostVerdict(installed: InstalledFirewall, packet: Packet): Verdict {
  const { cluster, host } = installed;
  const { pve } = compileFirewall(installed, familyOf(packet));
  if (pve === undefined) return { action: "ACCEPT" };
  return (
    (optionOf(host, "ndp") === "0" ? undefined : firstMatch(discovery(packet, true), packet)) ??
    blacklisted(installed, packet) ??
    firstMatch(igmp, packet) ??
    rulesMatch(pve, packet) ??
    management(installed, packet) ??
    betweenNodes(installed, packet) ??
    policyMatch(cluster, packet)
  );
}

function guestVerdict(installed: InstalledFirewall, id: number, packet: Packet): Verdict {
  if (installed.unfiltered?.has(id) === true) return { action: "ACCEPT" };
  const rules = compileFirewall(installed, familyOf(packet)).guests.get(id);
  const dropped = blacklisted(installed, packet);
  if (dropped !== undefined || rules === undefined) return dropped ?? { action: "ACCEPT" };
  const isPlugged = packet.direction === "IN" ? rules.in !== undefined : rules.out !== undefined;
  if (!isPlugged) return { action: "ACCEPT" };
  const file = installed.guests.get(id) ?? emptyFile;
  const sendsRouters = packet.direction === "IN" || optionOf(file, "radv") === "1";
  return (
    (optionOf(file, "dhcp") === "0" ? undefined : firstMatch(dhcp, packet)) ??
    (sendsRouters ? undefined : firstMatch(routerAdvertisements, packet)) ??
    spoofed(file, rules, packet, installed.containers?.get(id)) ??
    (optionOf(file, "ndp") === "0" ? undefined : firstMatch(discovery(packet, sendsRouters), packet)) ??
    rulesMatch(rules, packet) ??
    policyMatch(file, packet)
  );
}

function rulesMatch({ in: incoming, out, names }: MachineRules, packet: Packet): Verdict | undefined {
  const index = packet.direction === "IN" ? incoming : out;
  return index === undefined ? undefined : firstMatchIn(index, packet, names);
}

function parsedRules(...texts: readonly string[]): readonly FwRule[] {
  return texts.flatMap((text) => {
    const parsed = parseRule(text);
    return "rule" in parsed ? [parsed.rule] : [];
  });
}

const igmp = parsedRules("IN ACCEPT -p igmp", "OUT ACCEPT -p igmp");

const dhcp = parsedRules(
  "IN ACCEPT -p udp -sport 67 -dport 68 -source 0.0.0.0/0",
  "OUT ACCEPT -p udp -sport 68 -dport 67 -source 0.0.0.0/0",
  "IN ACCEPT -p udp -sport 547 -dport 546 -source ::/0",
  "OUT ACCEPT -p udp -sport 546 -dport 547 -source ::/0",
);

const routerAdvertisements = parsedRules("OUT DROP -p icmpv6 -icmp-type router-advertisement");

/** Neighbour discovery of IPv6. */
function discovery({ direction }: Packet, withRouters: boolean): readonly FwRule[] {
  const types = ["router-solicitation", "neighbor-solicitation", "neighbor-advertisement"];
  const all = withRouters && direction === "IN" ? [...types, "router-advertisement"] : types;
  return parsedRules(...all.map((type) => `${direction} ACCEPT -p icmpv6 -icmp-type ${type}`));
}

/** Senders in the set `blacklist` reach neither the host nor an interface with firewall=1. */
function blacklisted(installed: InstalledFirewall, packet: Packet): Verdict | undefined {
  const { clusterNames: names } = compileFirewall(installed, familyOf(packet));
  const span = packet.source === undefined ? undefined : spanOf(packet.source);
  if (packet.direction === "OUT" || span === undefined || !names.ipsets.has("blacklist")) return undefined;
  return isInSet("blacklist", "", span, names) === false ? undefined : { action: "DROP", set: "blacklist" };
}

/** A guest sends from addresses of its set `ipfilter-net0` only, where it has one, and a container from its own. */
function spoofed(
  file: FirewallFile,
  { names }: MachineRules,
  packet: Packet,
  own: string | undefined,
): Verdict | undefined {
  const entries =
    setEntries("ipfilter-net0", "guest/", names) ?? (optionOf(file, "ipfilter") === "1" ? [] : undefined);
  const span = packet.source === undefined ? undefined : spanOf(packet.source);
  if (packet.direction === "IN" || entries === undefined || span === undefined) return undefined;
  const all = own === undefined ? entries : [...entries, { address: own, nomatch: false }];
  return isAmong(all, span) === false ? { action: "DROP", set: "ipfilter-net0" } : undefined;
}

/**
 * What Proxmox accepts itself, behind the rules and before the policy: its interface, SSH, consoles and migrations from the
 * set `management`, which always has the local network, and has exceptions as other sets have; all but migrations to the
 * local network.
 */
function management(installed: InstalledFirewall, packet: Packet): Verdict | undefined {
  const { clusterNames } = compileFirewall(installed, familyOf(packet));
  const own = clusterNames.aliases.get("local_network") ?? installed.localNetwork;
  const { direction: type } = packet;
  const isIn = type === "IN";
  const dport = `8006,5900:5999,3128,22${isIn ? ",60000:60050" : ""}`;
  const ends = isIn ? { source: "+management" } : { dest: own };
  const rule: FwRule = { enabled: true, type, action: "ACCEPT", proto: "tcp", dport, ...ends };
  const members = [...(clusterNames.ipsets.get("management") ?? []), { address: own, nomatch: false }];
  const ipsets = new Map(clusterNames.ipsets).set("management", members);
  return firstMatch([rule], packet, { ...clusterNames, ipsets });
}

/** Behind the rules as well, Proxmox accepts corosync's packets from one node of the cluster to another. */
function betweenNodes(
  { corosync }: InstalledFirewall,
  { source = "", dest = "", protocol, port = 0 }: Packet,
): Verdict | undefined {
  const isCorosync = protocol === "udp" && port >= 5404 && port <= 5412;
  return isCorosync && corosync?.has(source) && corosync.has(dest) ? { action: "ACCEPT" } : undefined;
}

/** What passes a policy that keeps everything out, and what one that answers leaves without an answer. */
const critical: Readonly<Record<4 | 6, readonly string[]>> = {
  4: ["fragmentation-needed", "time-exceeded"],
  6: ["destination-unreachable", "time-exceeded", "packet-too-big"],
};

function policyMatch(file: FirewallFile, packet: Packet): Verdict {
  const { direction } = packet;
  const isIn = direction === "IN";
  const policy = (optionOf(file, isIn ? "policy_in" : "policy_out") ?? (isIn ? "DROP" : "ACCEPT")) as Action;
  if (policy === "ACCEPT") return { action: policy };
  const family = familyOf(packet);
  const protocol = family === 4 ? "icmp" : "icmpv6";
  const rules = parsedRules(
    ...(family === 6 ? [`${direction} REJECT -p tcp -dport 43`] : []),
    `${direction} DROP -dest ${family === 4 ? "224.0.0.0/4" : "ff00::/8"}`,
    ...critical[family].map((type) => `${direction} ACCEPT -p ${protocol} -icmp-type ${type}`),
    ...(policy === "REJECT"
      ? [`${direction} DROP -p udp -dport 1900`, `${direction} DROP -p udp -sport 53`]
      : []),
  );
  // Whether a rejection is answered depends on the source port, which hardly anybody knows beforehand.
  const known = { ...packet, sourcePort: packet.sourcePort ?? 0 };
  return { action: firstMatch(rules, known)?.action ?? policy };
}
