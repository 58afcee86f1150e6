/**
 * Whether the hypervisor, and every node of its cluster, can still be reached: new connections from themselves, from a guest on the
 * network, from the operator.
 */
import type { Io } from "../../component.ts";
import { CommandError, TransportError } from "../../errors.ts";
import { firewallOf, verdictOn } from "../../fabric/firewall.ts";
import { describeHost } from "../../fabric/guests.ts";
import { pathsToNode } from "../../fabric/node-paths.ts";
import { nodeOf, nodesOf, nodeTitle, type SiteNode } from "../../fabric/nodes.ts";
import type { FirewallPath } from "../../fabric/paths.ts";
import { ports } from "../../fabric/ports.ts";
import type { Guest, RoleGuest, Site } from "../../model.ts";
import type { HostName } from "../../resource.ts";
import { paths } from "./compile.ts";
import { type ProbeAnswer, probeFrom } from "./probe.ts";

export interface Access {
  /** Who made the connection. */
  readonly sender: HostName | "operator";
  /** The node that was to answer. */
  readonly node: SiteNode;
  /** "10.0.0.13:8006 answers a new connection from lxc/102 (Traefik)". */
  readonly claim: string;
  readonly answers: boolean;
  /** What was seen instead, where that is not silence. */
  readonly fault?: string;
}

/** SSH, Proxmox's interface and DNS where Phoenix runs it, on every node that is online: one check for each end and each sender. */
export async function checkAccess(io: Io): Promise<readonly Access[]> {
  const nodes = nodesOf(io.site).filter(({ online }) => online);
  const [own, guests, operators, others] = await Promise.all([
    Promise.all(nodes.map((node) => fromEntry(io, node))),
    fromGuest(io, nodes),
    fromOperator(io),
    betweenNodes(io, nodes),
  ]);
  return [...own.flat(), ...guests, ...operators, ...others];
}

/** From where Phoenix entered: the node itself, or another one of its cluster. */
function fromEntry(io: Io, node: SiteNode): Promise<readonly Access[]> {
  const entry = nodeOf(io.site, io.site.cluster?.entry ?? "pve");
  const from = node === entry ? `${nodeTitle(node)} itself` : nodeTitle(entry);
  return Promise.all(
    [ports.ssh, ports.proxmox].map(async (port): Promise<Access> => {
      const claim = `${endOn(node, port)} answers a new connection from ${from}`;
      return { sender: entry.host, node, claim, answers: await answers(io, node.address, port) };
    }),
  );
}

/** "10.0.0.13:22"; of another node than "pve" with its name. */
function endOn(node: SiteNode, port: number): string {
  const end = `${node.address}:${port}`;
  return node.host === "pve" ? end : `${end} (${nodeTitle(node)})`;
}

/** Each node reaches each other one by ssh and at Proxmox's interface, and corosync sees all that were online. */
async function betweenNodes(io: Io, nodes: readonly SiteNode[]): Promise<readonly Access[]> {
  if (nodes.length < 2) return [];
  // What the entry node reaches was asked from where Phoenix entered.
  const entry = nodeOf(io.site, io.site.cluster?.entry ?? "pve");
  const senders = nodes.filter((node) => node !== entry);
  const pairs = senders.flatMap((from) =>
    nodes.filter((to) => to !== from).map((to) => ({ from, to, asked: [ports.ssh, ports.proxmox] })),
  );
  const seen = pairs.map(async ({ from, to, asked }): Promise<readonly Access[]> => {
    const ends = asked.map((port) => `${to.address}:${port}`);
    const found = await probeFrom(io, from.host, ends);
    // Nobody knows who cut it off: it is the sender that does not answer.
    if (found === undefined)
      return [{ sender: "pve", node: from, claim: `${nodeTitle(from)} can be asked`, answers: false }];
    return asked.map((port, at): Access => {
      const claim = `${endOn(to, port)} answers a new connection from ${nodeTitle(from)}`;
      return { sender: from.host, node: to, claim, answers: found[at] === "answers" };
    });
  });
  const [all, members] = await Promise.all([Promise.all(seen), checkMembers(io, nodes)]);
  const unique = new Map([...all.flat(), ...members].map((access) => [access.claim, access]));
  return [...unique.values()];
}

/** What is dropped between nodes is soon seen in the list of the cluster's members. */
async function checkMembers(io: Io, nodes: readonly SiteNode[]): Promise<readonly Access[]> {
  const text = (await io.host("pve").readFiles([paths.members])).get(paths.members)?.text ?? "";
  return nodes.map((node): Access => {
    const member = new RegExp(`"${node.name}"\\s*:\\s*\\{[^}]*"online"\\s*:\\s*1`);
    const claim = `the cluster has ${nodeTitle(node)} online, and a quorum`;
    const isOnline = member.test(text);
    const answers = isOnline && !/"quorate"\s*:\s*0/.test(text);
    const fault = isOnline ? "no quorum" : "it is offline";
    return { sender: "pve", node, claim, answers, fault };
  });
}

/** What these connections do not prove, and what to do about it. */
export function unproved({ operator, site }: Io, seen: readonly Access[]): readonly string[] {
  const senders = new Set(seen.map(({ sender }) => sender));
  const gaps: string[] = [];
  const isRemote = operator !== undefined && operator !== site.hypervisor.address;
  if (isRemote && !senders.has("operator")) {
    const family = operator.includes(":") ? ", nor any other over IPv6" : "";
    gaps.push(
      `a new connection from ${operator} (this session) was not tried${family}: phoenix runs on the hypervisor; keep this session open until another one works`,
    );
  }
  if (![...senders].some((sender) => sender !== "pve")) {
    gaps.push(
      "no guest could be asked for a new connection, and the hypervisor's own to itself are not filtered: keep a session open until another one works",
    );
  }
  return gaps;
}

/** From the operator's machine, where Phoenix runs there: the way that this session took, whatever jump hosts it has. */
async function fromOperator({ operator, reconnect, site }: Io): Promise<readonly Access[]> {
  if (reconnect === undefined) return [];
  const node = nodeOf(site, site.cluster?.entry ?? "pve");
  const claim = `${nodeTitle(node)} answers a new ssh connection from ${operator ?? "this machine"} (this session)`;
  try {
    await reconnect();
    return [{ sender: "operator", node, claim, answers: true }];
  } catch (error) {
    if (error instanceof TransportError || error instanceof CommandError)
      return [{ sender: "operator", node, claim, answers: false }];
    throw error;
  }
}

/** How many guests are asked to prove the hypervisor's rules. */
const mostProvers = 3;

/** The guests that connect to the hypervisor to prove its rules: those with a role in the fabric, in a site without any its others. */
export function provers({ roles: { mesh, gateway, ca }, guests }: Site): readonly RoleGuest[] {
  const named = [mesh, gateway, ca].filter((guest) => guest !== undefined);
  const others = guests.filter((guest): guest is RoleGuest => !guest.template && guest.address !== undefined);
  // Containers answer in a fraction of a second, an agent in a virtual machine needs several.
  return [...(named.length > 0 ? named : others)]
    .sort((a, b) => Number(a.kind === "vm") - Number(b.kind === "vm"))
    .slice(0, mostProvers);
}

/** From the first guest that can run a probe; nothing when none can. */
async function fromGuest(io: Io, nodes: readonly SiteNode[]): Promise<readonly Access[]> {
  for (const guest of provers(io.site)) {
    const seen = await Promise.all(nodes.map((node) => probeNode(io, guest, node)));
    if (seen.some((each) => each.length > 0)) return seen.flat();
  }
  return [];
}

/** What the guest can tell of a node: nothing where it cannot run a probe. */
async function probeNode(io: Io, guest: Guest, node: SiteNode): Promise<readonly Access[]> {
  const asked = pathsFrom(io, guest, node);
  const ends = asked.map(({ address, port }) => `${address}:${port}`);
  const seen = ends.length === 0 ? undefined : await probeFrom(io, guest.host, ends);
  return (seen ?? []).flatMap((answer: ProbeAnswer, at): readonly Access[] => {
    const port = asked[at]?.port;
    if (answer === "unknown" || port === undefined) return [];
    const claim = `${endOn(node, port)} answers a new connection from ${describeHost(io.site, guest.host)}`;
    return [{ sender: guest.host, node, claim, answers: answer === "answers" }];
  });
}

/** The node's paths from the network that this guest's own rules let out. */
function pathsFrom(io: Io, guest: Guest, node: SiteNode): readonly FirewallPath[] {
  const firewall = firewallOf(io.site);
  return pathsToNode(io.site, node)
    .filter(({ protocol }) => protocol === "tcp")
    .filter((path) => verdictOn(io.site, firewall, { ...path, from: guest.host }).action === "ACCEPT");
}

/** A refusal is an answer: nothing listens there, and no firewall drops the packets. */
async function answers(io: Io, address: string, port: number): Promise<boolean> {
  try {
    const seen = await io.network.connect(address, port);
    return seen.ok || seen.reason === "refused";
  } catch (error) {
    if (error instanceof TransportError) return false;
    throw error;
  }
}
