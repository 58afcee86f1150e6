/** What the firewall of the new site would let in or out, and the host's own rules do not: the fabric's openings. Pure. */
import { defined } from "../../defined.ts";
import { hostFirewall } from "../../fabric/declared.ts";
import { declaredRule, firewallOf, type SiteRule } from "../../fabric/firewall.ts";
import { emptyFile } from "../../formats/pve-firewall/index.ts";
import { type InstalledFirewall, installedVerdict } from "../../formats/pve-firewall/installed.ts";
import type { Packet } from "../../formats/pve-firewall/match.ts";
import { type FwRule, printRule } from "../../formats/pve-firewall/rule.ts";
import type { FirewallRule, Site } from "../../model.ts";
import type { FoundFirewall, Opened } from "../found.ts";
import { hasFirewall } from "./firewall-left.ts";

export function openedBy(firewall: FoundFirewall, site: Site): readonly Opened[] {
  const { cluster } = firewall;
  if (cluster === undefined || !hasFirewall(firewall)) return [];
  const installed = installedOf(firewall, site);
  const { address: own, bridge } = site.hypervisor;
  const { host, guests } = firewallOf(site);
  const isShut = (machine: "pve" | number, packets: readonly Packet[]): boolean =>
    packets.some((packet) => installedVerdict(installed, machine, packet).action !== "ACCEPT");
  return [
    ...derived(host, hostFirewall(site).rules)
      .filter((rule) => isShut("pve", packetsOf(rule, own, bridge)))
      .map((rule) => openedOf(rule, "the hypervisor", cluster.path)),
    ...guests.flatMap(({ guest, rules }) =>
      derived(rules, guest.firewall?.rules ?? [])
        .filter((rule) => isShut(guest.id, packetsOf(rule, guest.address, undefined)))
        .map((rule) => openedOf(rule, guest.host, firewall.guests.get(guest.id)?.path ?? cluster.path)),
    ),
  ];
}

/** The rules that Phoenix adds to the declared ones. */
function derived(rules: readonly SiteRule[], declared: readonly FirewallRule[]): readonly FwRule[] {
  const own = new Set(declared.map((each) => printRule(declaredRule(each).rule)));
  return rules.map(({ rule }) => rule).filter((rule) => !own.has(printRule(rule)));
}

/** The connections that an opening is for: one from each of its sources, of which a cluster's nodes are several. */
function packetsOf(
  { type, proto, dport, source, dest }: FwRule,
  machine: string | undefined,
  iface: string | undefined,
): readonly Packet[] {
  if (proto !== "tcp" && proto !== "udp") return [];
  const end = machine === undefined ? {} : type === "IN" ? { dest: machine } : { source: machine };
  const sources = source === undefined ? [undefined] : source.split(",");
  return sources.map((one) => ({
    direction: type === "OUT" ? ("OUT" as const) : ("IN" as const),
    protocol: proto,
    port: Number(dport),
    ...defined({ source: one, dest }),
    ...end,
    ...defined({ iface }),
  }));
}

function openedOf(
  { type, source = "anywhere", dest = "anywhere", proto, dport, comment = "" }: FwRule,
  machine: string,
  path: string,
): Opened {
  const ends = type === "OUT" ? `from ${machine} to ${dest}` : `from ${source} to ${machine}`;
  return { source: { host: "pve", path }, what: `${proto} ${dport} ${ends}`, why: comment };
}

function installedOf({ ownNode, cluster, nodes, guests }: FoundFirewall, site: Site): InstalledFirewall {
  const node = nodes.find(({ path }) => path === `/etc/pve/nodes/${ownNode}/host.fw`);
  return {
    cluster: cluster?.file ?? emptyFile,
    host: node?.file ?? emptyFile,
    guests: new Map([...guests].map(([id, { file }]) => [id, file])),
    localNetwork: site.hypervisor.network,
  };
}
