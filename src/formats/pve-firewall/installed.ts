/** What the firewall files of a Proxmox host, as installed or about to be, do with a connection (pve-firewall 6.0.4). Pure. */

import { addressRange } from "../ipv4/index.ts";
import { refusedRules } from "./check.ts";
import { type Action, firstMatch, type Verdict } from "./decide.ts";
import { emptyFile, type FirewallFile, optionOf, rulesOf } from "./index.ts";
import type { Packet } from "./match.ts";
import { isInSet, type Names, namesOf } from "./names.ts";
import type { FilePlace, FwRule } from "./rule.ts";
import { firstMatchIn, indexRules, type RuleIndex } from "./rule-index.ts";

export interface InstalledFirewall {
  readonly cluster: FirewallFile;
  /** host.fw of the node: its rules come before those of cluster.fw. */
  readonly host: FirewallFile;
  /** <vmid>.fw by id. */
  readonly guests: ReadonlyMap<number, FirewallFile>;
  /** The network that the node's address is in; Proxmox finds it by itself. */
  readonly localNetwork: string;
}

/** What a file says, worked out once: it is asked about every path, and files never change. */
interface Facts {
  readonly enable: string | undefined;
  readonly rules: RuleIndex;
  readonly names: Names;
}

const known = new WeakMap<FirewallFile, WeakMap<FirewallFile, Facts>>();

/** @param cluster cluster.fw, whose names the file's rules may use; the file itself where it is cluster.fw */
function factsOf(file: FirewallFile, cluster: FirewallFile, place: FilePlace): Facts {
  const besides = known.get(cluster) ?? new WeakMap<FirewallFile, Facts>();
  known.set(cluster, besides);
  const found = besides.get(file) ?? readFacts(file, cluster, place);
  besides.set(file, found);
  return found;
}

function readFacts(file: FirewallFile, cluster: FirewallFile, place: FilePlace): Facts {
  const isCluster = file === cluster;
  const refused = refusedRules(file, place, isCluster ? emptyFile : cluster);
  // What Proxmox leaves out lets nobody in. A rule that keeps somebody out counts nevertheless: nothing relies on its absence.
  const trusted = (rules: readonly FwRule[]): readonly FwRule[] =>
    rules.filter((rule) => rule.action !== "ACCEPT" || !refused.has(rule));
  const { groups, ...names } = namesOf(
    file,
    isCluster ? undefined : factsOf(cluster, cluster, "cluster").names,
  );
  return {
    enable: optionOf(file, "enable"),
    rules: indexRules(trusted(rulesOf(file))),
    names: {
      ...names,
      groups: isCluster ? new Map([...groups].map(([name, rules]) => [name, trusted(rules)])) : groups,
    },
  };
}

/** Whether cluster.fw switches the firewall on. */
export function isEnabled({ cluster }: Pick<InstalledFirewall, "cluster">): boolean {
  return Number(optionOf(cluster, "enable") ?? 0) > 0;
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
  const own = factsOf(host, cluster, "host");
  if (own.enable === "0") return { action: "ACCEPT" };
  if (isBlacklisted(installed, packet)) return { action: "DROP" };
  const found =
    firstMatchIn(own.rules, packet, own.names) ??
    firstMatchIn(factsOf(cluster, cluster, "cluster").rules, packet, own.names);
  if (found !== undefined) return found;
  return isManagement(installed, packet) ? { action: "ACCEPT" } : { action: policyOf(cluster, packet) };
}

function guestVerdict(installed: InstalledFirewall, id: number, packet: Packet): Verdict {
  if (isBlacklisted(installed, packet)) return { action: "DROP" };
  const file = installed.guests.get(id) ?? emptyFile;
  const { enable, rules, names } = factsOf(file, installed.cluster, "guest");
  if (enable !== "1") return { action: "ACCEPT" };
  return firstMatchIn(rules, packet, names) ?? { action: policyOf(file, packet) };
}

/** Senders in the set `blacklist` reach neither the host nor an interface with firewall=1. */
function isBlacklisted({ cluster }: InstalledFirewall, { direction, source }: Packet): boolean {
  const { names } = factsOf(cluster, cluster, "cluster");
  const range = source === undefined ? undefined : addressRange(source);
  if (direction === "OUT" || range === undefined || !names.ipsets.has("blacklist")) return false;
  return isInSet("blacklist", "", range, names) !== false;
}

/**
 * What Proxmox accepts itself, behind the rules and before the policy: its interface, SSH, consoles and migrations from the
 * local network and from the set `management`; all but migrations to the local network.
 */
function isManagement({ cluster, localNetwork }: InstalledFirewall, packet: Packet): boolean {
  const { names } = factsOf(cluster, cluster, "cluster");
  const own = names.aliases.get("local_network") ?? localNetwork;
  const { direction: type } = packet;
  const rule = (ends: Partial<FwRule>): FwRule => {
    const dport = `8006,5900:5999,3128,22${type === "IN" ? ",60000:60050" : ""}`;
    return { enabled: true, type, action: "ACCEPT", proto: "tcp", dport, ...ends };
  };
  const rules =
    type === "IN" ? [rule({ source: own }), rule({ source: "+management" })] : [rule({ dest: own })];
  return firstMatch(rules, packet, names) !== undefined;
}

function policyOf(file: FirewallFile, { direction }: Packet): Action {
  const value = optionOf(file, direction === "IN" ? "policy_in" : "policy_out");
  if (value === "ACCEPT" || value === "DROP" || value === "REJECT") return value;
  return direction === "IN" ? "DROP" : "ACCEPT";
}
