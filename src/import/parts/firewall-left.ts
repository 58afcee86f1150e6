/** What of the firewall's files a site has no words for, or what is not in force: it stays as it is, and is told. Pure. */
import { guestOfGroup } from "../../fabric/firewall.ts";
import { type Line, optionOf } from "../../formats/pve-firewall/index.ts";
import { printRule } from "../../formats/pve-firewall/rule.ts";
import type { FoundFirewall, FoundFirewallFile, FoundGuest, Left, Source } from "../found.ts";

/** Options that a site decides about. */
const declarable: readonly string[] = ["enable", "policy_in", "policy_out"];

/** IP sets that Proxmox uses by their name, without a rule. */
const actsByItself = /^(?:blacklist|management|ipfilter-net\d+)$/;

/** `enable: 1`; cluster.fw takes a time as well, which means on. */
export function isOn({ file }: FoundFirewallFile): boolean {
  return Number(optionOf(file, "enable") ?? "0") > 0;
}

/** Whether the site has a firewall: cluster.fw switches it on, or has rules. */
export function hasFirewall({ cluster }: FoundFirewall): boolean {
  return cluster !== undefined && (isOn(cluster) || cluster.reading.rules.length > 0);
}

/** Why the rules of a guest's file stay there; undefined when the site can declare them. */
export function whyNotDeclared(
  firewall: FoundFirewall,
  guest: FoundGuest,
  file: FoundFirewallFile,
): string | undefined {
  if (file.reading.rules.some(({ type, action }) => type === "GROUP" && guestOfGroup(action) !== undefined))
    return undefined;
  const open = guest.nics.find(({ isFiltered }) => !isFiltered);
  if (!hasFirewall(firewall)) return "not in force: the firewall of the cluster is off";
  if (!isOn(file)) return "not in force: the firewall of the guest is off";
  if (open !== undefined) return `not in force: ${open.key} of ${guest.name} has no firewall=1`;
  if (firewall.ownNode !== undefined && guest.node !== firewall.ownNode)
    return `the guest is on ${guest.node}, where a sync from ${firewall.ownNode} proves no firewall`;
  return undefined;
}

/** Options, IP sets, lines that Proxmox skips, and rules of single nodes. */
export function firewallLeft({ cluster, nodes, guests }: FoundFirewall): readonly Left[] {
  const files = [...(cluster === undefined ? [] : [cluster]), ...nodes, ...guests.values()];
  return [...files.flatMap(linesLeft), ...nodes.flatMap(nodeRulesLeft)];
}

function linesLeft({ path, file }: FoundFirewallFile): readonly Left[] {
  let row = 0;
  return file.sections.flatMap(({ kind, name = "", lines, raw }) => {
    row += raw === undefined ? 0 : raw.split("\n").length;
    const set: readonly Left[] =
      kind === "ipset" && actsByItself.test(name)
        ? [
            {
              source: { host: "pve", path, line: row },
              what: `[IPSET ${name}]`,
              reason: "Proxmox applies it by its name: it stays as it is",
            },
          ]
        : [];
    const others = lines.flatMap((line): readonly Left[] => {
      row += 1;
      return lineLeft(line, { host: "pve", path, line: row });
    });
    return [...set, ...others];
  });
}

function lineLeft(line: Line, source: Source): readonly Left[] {
  if (line.kind === "skipped") return [{ source, what: line.text.trim(), reason: faultText(line.fault) }];
  if (line.kind !== "option" || declarable.includes(line.key)) return [];
  return [
    {
      source,
      what: `${line.key}: ${line.value}`,
      reason: "a site does not have this option: it stays as it is",
    },
  ];
}

/** Proxmox's words for a fault begin with the colon of its place, where it has nothing else to say before them. */
function faultText(fault: string): string {
  return `Proxmox leaves the line out: ${fault.replace(/^:\s*/, "")}`;
}

function nodeRulesLeft({ path, reading }: FoundFirewallFile): readonly Left[] {
  return reading.rules.map((rule) => {
    const line = reading.lines.get(rule);
    return {
      source: { host: "pve", path, ...(line === undefined ? {} : { line }) },
      what: printRule(rule),
      reason: "a rule of one node: a site has rules of the cluster and of guests",
    };
  });
}
