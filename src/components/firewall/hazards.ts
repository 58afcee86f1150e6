/** The lockout guard: who can connect now and could not with the candidate rules, found before anything is written. */

import type { Hazard, Io } from "../../component.ts";
import { declared } from "../../fabric/declared.ts";
import { firewallOf, guestRules, packetOf } from "../../fabric/firewall.ts";
import { describeHost, guestOf } from "../../fabric/guests.ts";
import { type NodePath, pathsBetweenNodes, pathsToNode } from "../../fabric/node-paths.ts";
import { nodeOf, nodesOf, nodeTitle, type SiteNode } from "../../fabric/nodes.ts";
import { endOf, type FirewallPath, requiredPaths, senderName } from "../../fabric/paths.ts";
import { ports } from "../../fabric/ports.ts";
import { corosyncPath, ringAddresses } from "../../formats/corosync/index.ts";
import type { Verdict } from "../../formats/pve-firewall/decide.ts";
import { optionOf } from "../../formats/pve-firewall/index.ts";
import { type InstalledFirewall, installedVerdict, isEnabled } from "../../formats/pve-firewall/installed.ts";
import type { Packet } from "../../formats/pve-firewall/match.ts";
import { printBare } from "../../formats/pve-firewall/rule.ts";
import type { Site } from "../../model.ts";
import { option } from "../../option-names.ts";
import { type Change, type HostName, isGuestName, type SourceRef } from "../../resource.ts";
import { askNodes } from "../nodes.ts";
import { provers } from "./access.ts";
import { type FirewallFiles, guestPath, hostPath, isOursIn, paths } from "./compile.ts";
import { partsOfAll, placeOfLine, withParts } from "./files.ts";
import { installed, readDeciding } from "./installed.ts";
import { readNode } from "./read.ts";

export async function hazards(changes: readonly Change[], io: Io): Promise<readonly Hazard[]> {
  const [files, units, rings] = await Promise.all([
    readDeciding(io),
    askNodes(io, nodesOf(io.site), () => [], readNode),
    readRings(io),
  ]);
  const after = withParts(io.site, files, partsOfAll(io.site, changes));
  const between = pathsBetweenNodes(io.site, rings);
  const corosync = new Set(between.filter(({ protocol }) => protocol === "udp").map(({ source }) => source));
  const states = nodesOf(io.site).map((node): NodeState => {
    // Without its daemon nothing is filtered, whatever the files say. One that is off has what is in the files when it comes back.
    const runs = units.find((each) => each.node === node)?.daemon.active !== false;
    const of = (some: FirewallFiles): InstalledFirewall => ({ ...installed(io, some, node), corosync });
    return { node, live: of(runs ? files : new Map()), candidate: of(after) };
  });
  const other = states.find(
    ({ candidate }) => isEnabled(candidate) && optionOf(candidate.host, "nftables") === "1",
  );
  if (other !== undefined) return [otherProgram(other.node)];
  const cuts = [
    ...states.flatMap((state) => [...operatorCuts(io, state), ...nodeCuts(io.site, state)]),
    ...cutsBetweenNodes(states, between),
  ];
  const found = cuts.map(({ blocked, message }) => hazard(io.site, files, blocked, message));
  return found.length > 0 ? found : unprovable(io, states, files);
}

/** What a node's rules do now, and what they would do. */
interface NodeState {
  readonly node: SiteNode;
  readonly live: InstalledFirewall;
  readonly candidate: InstalledFirewall;
}

async function readRings(io: Io): Promise<ReadonlyMap<string, readonly string[]>> {
  if (io.site.cluster === undefined) return new Map();
  const files = await io.host("pve").readFiles([corosyncPath]);
  return ringAddresses(files.get(corosyncPath)?.text ?? "");
}

/** proxmox-firewall filters instead of pve-firewall. */
function otherProgram(node: SiteNode): Hazard {
  const where = node.name === undefined ? "this node" : nodeTitle(node);
  return {
    message: `${hostPath(node)} has "nftables: 1": proxmox-firewall filters on ${where}, and Phoenix proves the rules of pve-firewall only`,
    hint: `remove that line, or declare the firewall "enabled": false`,
  };
}

/**
 * Foreign rules that keep out who has to prove the new ones, which would only be rolled back. Nothing gets worse by the change,
 * and no consent helps.
 */
function unprovable(io: Io, states: readonly NodeState[], files: FirewallFiles): readonly Hazard[] {
  for (const { node, candidate } of states.filter(({ node }) => node.online)) {
    const found = isEnabled(candidate) ? unprovableOn(io, node, candidate, files) : undefined;
    if (found !== undefined) return [found];
  }
  return [];
}

function unprovableOn(
  io: Io,
  node: SiteNode,
  candidate: InstalledFirewall,
  files: FirewallFiles,
): Hazard | undefined {
  const isOurs = isOursIn(io.site);
  for (const path of pathsToNode(io.site, node)) {
    if (path.protocol !== "tcp") continue;
    for (const { address, host: from } of provers(io.site)) {
      const packet = { ...packetOf(io.site, path, "IN"), source: address };
      const verdict = installedVerdict(candidate, "pve", packet);
      const { action, rule, set } = verdict;
      if (action === "ACCEPT" || (rule === undefined ? set === undefined : isOurs(rule))) continue;
      const where = foreignPlace(files, hostPath(node), verdict);
      const what = rule === undefined ? `the IP set ${set}` : `"${printBare(rule)}"`;
      const remedy =
        rule === undefined
          ? `take ${address ?? "the sender"} out of ${where}`
          : `narrow or delete ${where}, or put a rule before it that accepts ${path.protocol} ${path.port} from ${io.site.hypervisor.network}`;
      return {
        message: `the new rules could not be proved, and would be rolled back: ${where} ${what} keeps ${describeHost(io.site, from)} off from ${endOf(path)} (${path.why})`,
        hint: remedy,
      };
    }
  }
  return undefined;
}

/** The file and line of the foreign rule or set that decided, as the files are now. @param own the machine's own file */
function foreignPlace(before: FirewallFiles, own: string, { rule, set }: Verdict): string {
  const counted = set === "blacklist" ? [paths.cluster] : [own, paths.cluster];
  const files = new Map([...before].filter(([path]) => counted.includes(path)));
  return placeOfLine(files, rule ?? `ipset ${set}`) ?? own;
}

/** The operator's access: a new connection to SSH and to Proxmox's interface. An IPv6 session may end at any address of the node. */
function operatorCuts({ operator, site }: Io, { node, live, candidate }: NodeState): readonly Cut[] {
  const { host, address } = node;
  if (operator === undefined || operator === address || address === "") return [];
  return [ports.ssh, ports.proxmox].flatMap((port) => {
    // A link-local address names the interface that it is on: fe80::1%vmbr0.
    const [source = "", iface = site.hypervisor.bridge] = operator.split("%");
    const isIpv6 = source.includes(":");
    const ends = isIpv6 ? { source } : { source, dest: address };
    const packet: Packet = { direction: "IN", ...ends, protocol: "tcp", port, iface };
    if (installedVerdict(live, "pve", packet).action !== "ACCEPT") return [];
    const verdict = installedVerdict(candidate, "pve", packet);
    if (verdict.action === "ACCEPT") return [];
    const end = isIpv6 ? `port ${port} of ${nodeTitle(node)}` : `${address}:${port}`;
    const message = `the new rules would cut ${operator} (this session) off from ${end}`;
    return [{ blocked: { host, packet, verdict }, message }];
  });
}

/** What the site needs: of "pve" and the guests, and of another node what its network needs. */
function nodeCuts(site: Site, { node, live, candidate }: NodeState): readonly Cut[] {
  if (node.address === "") return [];
  const needed = node.host === "pve" ? requiredPaths(site) : pathsToNode(site, node);
  return needed
    .filter(({ vital }) => vital)
    .flatMap((path) => {
      if (blocker(site, live, path) !== undefined) return [];
      const blocked = blocker(site, candidate, path);
      if (blocked === undefined) return [];
      const message = `the new rules would cut ${senderName(site, path.from)} off from ${endOf(path)} (${path.why})`;
      const at = blocked.host === "pve" ? { ...blocked, host: node.host } : blocked;
      return [{ blocked: at, message }];
    });
}

/** What would keep nodes of the cluster apart: they would lose their quorum, or no longer be one. */
function cutsBetweenNodes(states: readonly NodeState[], between: readonly NodePath[]): readonly Cut[] {
  const stateOf = new Map(states.map((state) => [state.node, state]));
  const drop = (path: NodePath, which: "live" | "candidate"): Blocked | undefined => {
    const { source, address: dest, protocol, port } = path;
    for (const [node, direction] of [
      [path.from, "OUT"],
      [path.to, "IN"],
    ] as const) {
      const firewall = stateOf.get(node)?.[which];
      const packet: Packet = { direction, source, dest, protocol, port };
      const verdict = firewall && installedVerdict(firewall, "pve", packet);
      if (verdict !== undefined && verdict.action !== "ACCEPT") return { host: node.host, packet, verdict };
    }
    return undefined;
  };
  return between.flatMap((path): readonly Cut[] => {
    if (drop(path, "live") !== undefined) return [];
    const blocked = drop(path, "candidate");
    if (blocked === undefined) return [];
    const end = endOf(path);
    const message = `the new rules would cut ${nodeTitle(path.from)} off from ${nodeTitle(path.to)} at ${end} (${path.why})`;
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
  const guest = guestOf(site, host);
  const node = guest === undefined ? nodeOf(site, host) : undefined;
  const isForeign = rule !== undefined && node !== undefined && !isOursIn(site)(rule);
  const own = node === undefined ? guestPath(guest?.id ?? 0) : hostPath(node);
  const place = isForeign || set !== undefined ? foreignPlace(files, own, verdict) : undefined;
  const port = packet.port === undefined ? "" : ` port ${packet.port}`;
  const name = node === undefined ? describeHost(site, host) : nodeTitle(node);
  const reason =
    set !== undefined
      ? `${place ?? name}: the IP set ${set} keeps ${packet.source} out`
      : rule === undefined
        ? `the policy of ${name} is ${action}, and no rule accepts ${packet.protocol}${port} from ${packet.source}`
        : `${place ?? name} has "${printBare(rule)}" before any rule that accepts ${packet.protocol}${port}`;
  const list = node === undefined ? `the firewall rules of ${name}` : "global_firewall_rules";
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
  const rules = isGuestName(host) ? (guest?.rules ?? []) : firewall.host;
  const text = rule === undefined ? undefined : printBare(rule);
  return (
    rules.find((each) => printBare(each.rule) === text)?.from ??
    guest?.guest.from ??
    declared(site, "firewall").from
  );
}
