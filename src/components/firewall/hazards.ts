/** The lockout guard: who can connect now and could not with the candidate rules, found before anything is written. */
import type { Hazard, Io } from "../../component.ts";
import { firewallOf, guestRules, packetOf } from "../../fabric/firewall.ts";
import { describeHost, guestOf } from "../../fabric/guests.ts";
import { endOf, type FirewallPath, requiredPaths, senderName } from "../../fabric/paths.ts";
import { ports } from "../../fabric/ports.ts";
import type { Verdict } from "../../formats/pve-firewall/decide.ts";
import { emptyFile } from "../../formats/pve-firewall/index.ts";
import { type InstalledFirewall, installedVerdict } from "../../formats/pve-firewall/installed.ts";
import type { Packet } from "../../formats/pve-firewall/match.ts";
import { printBare } from "../../formats/pve-firewall/rule.ts";
import type { Site } from "../../model.ts";
import { option } from "../../option-names.ts";
import type { Change, HostName, SourceRef } from "../../resource.ts";
import { type FirewallFiles, guestPath, paths } from "./compile.ts";
import { parsed, partsOfAll, withParts } from "./files.ts";
import { readInstalled } from "./read.ts";

export async function hazards(changes: readonly Change[], io: Io): Promise<readonly Hazard[]> {
  const [texts, own] = await Promise.all([readInstalled(io), io.host("pve").readFiles([paths.host])]);
  const before = parsed(texts);
  const after = withParts(io.site, before, partsOfAll(io.site, changes));
  const host = parsed(own).get(paths.host) ?? emptyFile;
  const live = installed(io.site, before, host);
  const candidate = installed(io.site, after, host);
  return [...operatorHazards(io, live, candidate), ...pathHazards(io.site, live, candidate)];
}

function installed(site: Site, files: FirewallFiles, host: InstalledFirewall["host"]): InstalledFirewall {
  const guests = site.guests.flatMap(({ id }) => {
    const file = files.get(guestPath(id));
    return file === undefined ? [] : [[id, file] as const];
  });
  return {
    cluster: files.get(paths.cluster) ?? emptyFile,
    host,
    guests: new Map(guests),
    localNetwork: site.hypervisor.network,
  };
}

/** The operator's access: a new connection to SSH and to Proxmox's interface. */
function operatorHazards(io: Io, live: InstalledFirewall, candidate: InstalledFirewall): readonly Hazard[] {
  const { operator, site } = io;
  if (operator === undefined || operator === site.hypervisor.address || operator.includes(":")) return [];
  return [ports.ssh, ports.proxmox].flatMap((port) => {
    const { address: dest, bridge: iface } = site.hypervisor;
    const packet: Packet = { direction: "IN", source: operator, dest, protocol: "tcp", port, iface };
    if (installedVerdict(live, "pve", packet).action !== "ACCEPT") return [];
    const verdict = installedVerdict(candidate, "pve", packet);
    if (verdict.action === "ACCEPT") return [];
    const message = `the new rules would cut ${operator} (this session) off from ${dest}:${port}`;
    return [hazard(site, "pve", packet, verdict, message)];
  });
}

function pathHazards(site: Site, live: InstalledFirewall, candidate: InstalledFirewall): readonly Hazard[] {
  return requiredPaths(site)
    .filter(({ vital }) => vital)
    .flatMap((path) => {
      if (blocker(site, live, path) !== undefined) return [];
      const blocked = blocker(site, candidate, path);
      if (blocked === undefined) return [];
      const message = `the new rules would cut ${senderName(site, path.from)} off from ${endOf(path)} (${path.why})`;
      return [hazard(site, blocked.host, blocked.packet, blocked.verdict, message)];
    });
}

interface Blocked {
  readonly host: HostName;
  readonly packet: Packet;
  readonly verdict: Verdict;
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

function hazard(site: Site, host: HostName, packet: Packet, verdict: Verdict, message: string): Hazard {
  const { rule, action } = verdict;
  const port = packet.port === undefined ? "" : ` port ${packet.port}`;
  const machine = host === "pve" ? "the hypervisor" : describeHost(site, host);
  const reason =
    rule === undefined
      ? `the policy of ${machine} is ${action}, and no rule accepts ${packet.protocol}${port} from ${packet.source}`
      : `${machine} has "${printBare(rule)}" before any rule that accepts ${packet.protocol}${port}`;
  const list = host === "pve" ? "global_firewall_rules" : `the firewall rules of ${machine}`;
  const added = {
    type: packet.direction.toLowerCase(),
    action: "ACCEPT",
    proto: packet.protocol,
    ...(packet.port === undefined ? {} : { port: String(packet.port) }),
    ...(packet.direction === "IN" ? { source: packet.source } : { dest: packet.dest }),
  };
  const where = rule === undefined ? "to" : "in front of it in";
  return {
    consent: "lockout",
    message: `${message}: ${reason}`,
    hint: `add ${JSON.stringify(added)} ${where} ${list}, or repeat the command with ${option.allow} lockout`,
    from: placeOf(site, host, verdict),
  };
}

/** Where the configuration declares the rule or policy that decided. */
function placeOf(site: Site, host: HostName, { rule }: Verdict): SourceRef {
  const firewall = firewallOf(site);
  const guest = guestRules(firewall).get(host);
  const rules = host === "pve" ? firewall.host : (guest?.rules ?? []);
  const text = rule === undefined ? undefined : printBare(rule);
  return rules.find((each) => printBare(each.rule) === text)?.from ?? guest?.guest.from ?? site.firewall.from;
}
