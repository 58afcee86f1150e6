/** The lockout guard: who can connect now and could not with the candidate rules, found before anything is written. */

import type { Hazard, Io } from "../../component.ts";
import { declared } from "../../fabric/declared.ts";
import { firewallOf, guestRules, packetOf } from "../../fabric/firewall.ts";
import { describeHost, guestOf } from "../../fabric/guests.ts";
import { endOf, type FirewallPath, requiredPaths, senderName } from "../../fabric/paths.ts";
import { ports } from "../../fabric/ports.ts";
import type { Verdict } from "../../formats/pve-firewall/decide.ts";
import { optionOf } from "../../formats/pve-firewall/index.ts";
import { type InstalledFirewall, installedVerdict, isEnabled } from "../../formats/pve-firewall/installed.ts";
import type { Packet } from "../../formats/pve-firewall/match.ts";
import { printBare } from "../../formats/pve-firewall/rule.ts";
import type { Site } from "../../model.ts";
import { option } from "../../option-names.ts";
import type { Change, HostName, SourceRef } from "../../resource.ts";
import { provers } from "./access.ts";
import { type FirewallFiles, guestPath, isOursIn, paths } from "./compile.ts";
import { partsOfAll, placeOfLine, withParts } from "./files.ts";
import { installed, readDeciding } from "./installed.ts";
import { readUnits } from "./read.ts";

export async function hazards(changes: readonly Change[], io: Io): Promise<readonly Hazard[]> {
  const [files, { daemon }] = await Promise.all([readDeciding(io), readUnits(io)]);
  // Without its daemon nothing is filtered, whatever the files say.
  const live = installed(io, daemon.active ? files : new Map());
  const candidate = installed(io, withParts(io.site, files, partsOfAll(io.site, changes)));
  if (isEnabled(candidate) && optionOf(candidate.host, "nftables") === "1") return [otherProgram];
  const cuts = [...operatorCuts(io, live, candidate), ...pathCuts(io.site, live, candidate)];
  const found = cuts.map(({ blocked, message }) => hazard(io.site, files, blocked, message));
  return found.length > 0 ? found : unprovable(io, candidate, files);
}

/** proxmox-firewall filters instead of pve-firewall. */
const otherProgram: Hazard = {
  message: `${paths.host} has "nftables: 1": proxmox-firewall filters on this node, and Phoenix proves the rules of pve-firewall only`,
  hint: `remove that line, or declare the firewall "enabled": false`,
};

/**
 * Foreign rules that keep out who has to prove the new ones, which would only be rolled back. Nothing gets worse by the change,
 * and no consent helps.
 */
function unprovable(io: Io, candidate: InstalledFirewall, files: FirewallFiles): readonly Hazard[] {
  if (!isEnabled(candidate)) return [];
  const isOurs = isOursIn(io.site);
  for (const path of requiredPaths(io.site)) {
    if (path.to !== "pve" || path.from !== "network" || path.protocol !== "tcp") continue;
    for (const { address, host: from } of provers(io.site)) {
      const packet = { ...packetOf(io.site, path, "IN"), source: address };
      const verdict = installedVerdict(candidate, "pve", packet);
      const { action, rule, set } = verdict;
      if (action === "ACCEPT" || (rule === undefined ? set === undefined : isOurs(rule))) continue;
      const where = foreignPlace(files, "pve", verdict);
      const what = rule === undefined ? `the IP set ${set}` : `"${printBare(rule)}"`;
      const remedy =
        rule === undefined
          ? `take ${address ?? "the sender"} out of ${where}`
          : `narrow or delete ${where}, or put a rule before it that accepts ${path.protocol} ${path.port} from ${io.site.hypervisor.network}`;
      return [
        {
          message: `the new rules could not be proved, and would be rolled back: ${where} ${what} keeps ${describeHost(io.site, from)} off from ${endOf(path)} (${path.why})`,
          hint: remedy,
        },
      ];
    }
  }
  return [];
}

/** The file and line of the foreign rule or set that decided, as the files are now. */
function foreignPlace(before: FirewallFiles, machine: "pve" | number, { rule, set }: Verdict): string {
  const own = machine === "pve" ? paths.host : guestPath(machine);
  const counted = set === "blacklist" ? [paths.cluster] : [own, paths.cluster];
  const files = new Map([...before].filter(([path]) => counted.includes(path)));
  return placeOfLine(files, rule ?? `ipset ${set}`) ?? own;
}

/** The operator's access: a new connection to SSH and to Proxmox's interface. An IPv6 session may end at any address of the node. */
function operatorCuts(io: Io, live: InstalledFirewall, candidate: InstalledFirewall): readonly Cut[] {
  const { operator, site } = io;
  if (operator === undefined || operator === site.hypervisor.address) return [];
  return [ports.ssh, ports.proxmox].flatMap((port) => {
    const { address, bridge } = site.hypervisor;
    // A link-local address names the interface that it is on: fe80::1%vmbr0.
    const [source = "", iface = bridge] = operator.split("%");
    const isIpv6 = source.includes(":");
    const ends = isIpv6 ? { source } : { source, dest: address };
    const packet: Packet = { direction: "IN", ...ends, protocol: "tcp", port, iface };
    if (installedVerdict(live, "pve", packet).action !== "ACCEPT") return [];
    const verdict = installedVerdict(candidate, "pve", packet);
    if (verdict.action === "ACCEPT") return [];
    const end = isIpv6 ? `port ${port} of the hypervisor` : `${address}:${port}`;
    const message = `the new rules would cut ${operator} (this session) off from ${end}`;
    return [{ blocked: { host: "pve", packet, verdict }, message }];
  });
}

function pathCuts(site: Site, live: InstalledFirewall, candidate: InstalledFirewall): readonly Cut[] {
  return requiredPaths(site)
    .filter(({ vital }) => vital)
    .flatMap((path) => {
      if (blocker(site, live, path) !== undefined) return [];
      const blocked = blocker(site, candidate, path);
      if (blocked === undefined) return [];
      const message = `the new rules would cut ${senderName(site, path.from)} off from ${endOf(path)} (${path.why})`;
      return [{ blocked, message }];
    });
}

interface Blocked {
  readonly host: HostName;
  readonly packet: Packet;
  readonly verdict: Verdict;
}

/** A new connection that gets through now and would not any more. */
interface Cut {
  readonly blocked: Blocked;
  readonly message: string;
}

/** The end of a path whose rules drop a new connection; undefined when it gets through. */
function blocker(site: Site, firewall: InstalledFirewall, path: FirewallPath): Blocked | undefined {
  const ends = [
    { host: path.from, packet: packetOf(site, path, "OUT") },
    { host: path.to, packet: packetOf(site, path, "IN") },
  ];
  for (const { host, packet } of ends) {
    if (host === "network" || host === "anywhere" || host === "outside") continue;
    const machine = host === "pve" ? "pve" : guestOf(site, host)?.id;
    if (machine === undefined) continue;
    const verdict = installedVerdict(firewall, machine, packet);
    if (verdict.action !== "ACCEPT") return { host, packet, verdict };
  }
  return undefined;
}

function hazard(
  site: Site,
  files: FirewallFiles,
  { host, packet, verdict }: Blocked,
  message: string,
): Hazard {
  const { rule, action, set } = verdict;
  const machine = host === "pve" ? "pve" : guestOf(site, host)?.id;
  const isForeign = rule !== undefined && host === "pve" && !isOursIn(site)(rule);
  const place =
    machine !== undefined && (isForeign || set !== undefined)
      ? foreignPlace(files, machine, verdict)
      : undefined;
  const port = packet.port === undefined ? "" : ` port ${packet.port}`;
  const name = host === "pve" ? "the hypervisor" : describeHost(site, host);
  const reason =
    set !== undefined
      ? `${place ?? name}: the IP set ${set} keeps ${packet.source} out`
      : rule === undefined
        ? `the policy of ${name} is ${action}, and no rule accepts ${packet.protocol}${port} from ${packet.source}`
        : `${place ?? name} has "${printBare(rule)}" before any rule that accepts ${packet.protocol}${port}`;
  const list = host === "pve" ? "global_firewall_rules" : `the firewall rules of ${name}`;
  const added = {
    type: packet.direction.toLowerCase(),
    action: "ACCEPT",
    proto: packet.protocol,
    ...(packet.port === undefined ? {} : { port: String(packet.port) }),
    ...(packet.direction === "IN" ? { source: packet.source } : { dest: packet.dest }),
  };
  const where = rule === undefined ? "to" : "in front of it in";
  const remedies = {
    blacklist: `take ${packet.source} out of the set`,
    "ipfilter-net0": `add ${packet.source} to the set`,
  };
  const ownRemedy =
    place === undefined ? `add ${JSON.stringify(added)} ${where} ${list}` : `narrow or delete ${place}`;
  const remedy = set === undefined ? ownRemedy : remedies[set];
  return {
    consent: "lockout",
    message: `${message}: ${reason}`,
    hint: `${remedy}, or repeat the command with ${option.allow} lockout`,
    from: placeOf(site, host, verdict),
  };
}

/** Where the configuration declares the rule or policy that decided. */
function placeOf(site: Site, host: HostName, { rule }: Verdict): SourceRef {
  const firewall = firewallOf(site);
  const guest = guestRules(firewall).get(host);
  const rules = host === "pve" ? firewall.host : (guest?.rules ?? []);
  const text = rule === undefined ? undefined : printBare(rule);
  return (
    rules.find((each) => printBare(each.rule) === text)?.from ??
    guest?.guest.from ??
    declared(site, "firewall").from
  );
}
