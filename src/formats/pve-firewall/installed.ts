/** What the firewall files of a Proxmox host, as installed or about to be, do with a connection (pve-firewall 6.0). Pure. */

import { type Action, firstMatch, type Names, namesOf, type Packet, type Verdict } from "./decide.ts";
import { emptyFile, type FirewallFile, optionOf, rulesOf } from "./index.ts";
import type { FwRule } from "./rule.ts";
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
  /** The names that the file defines itself. */
  readonly names: Names;
}

const known = new WeakMap<FirewallFile, Facts>();

function factsOf(file: FirewallFile): Facts {
  const found = known.get(file) ?? {
    enable: optionOf(file, "enable"),
    rules: indexRules(rulesOf(file)),
    names: namesOf(file),
  };
  known.set(file, found);
  return found;
}

/** The names that a file's rules may use; few files have any besides those of cluster.fw. */
function namesIn(file: FirewallFile, cluster: FirewallFile): Names {
  const { aliases, ipsets, groups } = factsOf(file).names;
  const hasOwn = aliases.size > 0 || ipsets.size > 0 || groups.size > 0;
  return hasOwn ? namesOf(file, cluster) : factsOf(cluster).names;
}

/** Whether cluster.fw switches the firewall on. */
export function isEnabled({ cluster }: Pick<InstalledFirewall, "cluster">): boolean {
  return Number(factsOf(cluster).enable ?? 0) > 0;
}

/** Whether a guest's traffic is filtered as far as files say; its interface must have firewall=1 as well. */
export function isFiltered(installed: InstalledFirewall, id: number): boolean {
  return isEnabled(installed) && Number(factsOf(installed.guests.get(id) ?? emptyFile).enable ?? 0) > 0;
}

/** What one machine's firewall does with a new connection. @param machine the hypervisor, or a guest by its id */
export function installedVerdict(
  installed: InstalledFirewall,
  machine: "pve" | number,
  packet: Packet,
): Verdict {
  return machine === "pve" ? hostVerdict(installed, packet) : guestVerdict(installed, machine, packet);
}

function hostVerdict(installed: InstalledFirewall, packet: Packet): Verdict {
  const { cluster, host } = installed;
  if (!isEnabled(installed) || factsOf(host).enable === "0") return { action: "ACCEPT" };
  const names = namesIn(host, cluster);
  const found =
    firstMatchIn(factsOf(host).rules, packet, names) ?? firstMatchIn(factsOf(cluster).rules, packet, names);
  if (found !== undefined) return found;
  if (isManagement(installed, packet)) return { action: "ACCEPT" };
  return { action: policyOf(cluster, packet) };
}

function guestVerdict(installed: InstalledFirewall, id: number, packet: Packet): Verdict {
  if (!isFiltered(installed, id)) return { action: "ACCEPT" };
  const file = installed.guests.get(id) ?? emptyFile;
  const found = firstMatchIn(factsOf(file).rules, packet, namesIn(file, installed.cluster));
  return found ?? { action: policyOf(file, packet) };
}

/** Proxmox's own accepts come behind the rules and before the policy: from the local network, and from the set `management`. */
function isManagement({ cluster, localNetwork }: InstalledFirewall, packet: Packet): boolean {
  if (packet.direction !== "IN") return false;
  const { names } = factsOf(cluster);
  const own = names.aliases.get("local_network") ?? localNetwork;
  const rule = (source: string): FwRule => {
    const dport = "8006,5900:5999,3128,22,60000:60050";
    return { enabled: true, type: "IN", action: "ACCEPT", proto: "tcp", dport, source };
  };
  return firstMatch([rule(own), rule("+management")], packet, names) !== undefined;
}

function policyOf(file: FirewallFile, { direction }: Packet): Action {
  const value = optionOf(file, direction === "IN" ? "policy_in" : "policy_out");
  if (value === "ACCEPT" || value === "DROP" || value === "REJECT") return value;
  return direction === "IN" ? "DROP" : "ACCEPT";
}
