/**
 * The nodes of the lab's Proxmox cluster: who is there, who sees whom, and who has quorum (corosync 3.1, votequorum). A lab
 * without a cluster has one node, the hypervisor.
 */
import { type HostName, isGuestName } from "../src/resource.ts";
import { configPath } from "./config-path.ts";
import type { LabFacts, LabGuest } from "./facts.ts";
import { isNode, type LabNode, type NodeHost } from "./nodes.ts";
import type { Lab } from "./parts.ts";
import { whereabouts } from "./whereabouts.ts";

export function nodesOf({ facts }: { readonly facts: LabFacts }): readonly LabNode[] {
  return facts.cluster?.nodes ?? [{ host: "pve", name: "pve", id: 1, address: facts.address }];
}

/** @throws Error for a host that is not a node of this lab */
export function nodeOf(lab: { readonly facts: LabFacts }, host: NodeHost): LabNode {
  const found = nodesOf(lab).find((node) => node.host === host);
  if (found === undefined) throw new Error(`the lab has no ${host}`);
  return found;
}

type Placed = Pick<Lab, "facts" | "directory">;

/** The node that has the guest's configuration; undefined when none has. A single host is not asked. */
export function nodeOfGuest(lab: Placed, { host }: Pick<LabGuest, "host">): LabNode | undefined {
  const nodes = nodesOf(lab);
  return nodes.length === 1 ? nodes[0] : whereabouts(lab, nodes).nodes.get(host);
}

/** The guests whose configurations a node has; all of them on a single host. */
export function guestsAt(lab: Placed, node: NodeHost): readonly LabGuest[] {
  const nodes = nodesOf(lab);
  if (nodes.length === 1) return lab.facts.guests;
  const { nodes: places } = whereabouts(lab, nodes);
  return lab.facts.guests.filter(({ host }) => places.get(host)?.host === node);
}

/** The path of the guest's configuration, on whichever node it is; on the first node where it is on none. */
export function configOf(lab: Placed, guest: Pick<LabGuest, "kind" | "id" | "host">): string {
  const node = nodeOfGuest(lab, guest) ?? nodeOf(lab, "pve");
  return configPath(node.name, guest.kind, guest.id);
}

/** The node that a machine is, or runs on. */
export function nodeUnder(lab: Placed, host: HostName): NodeHost {
  if (isNode(host)) return host;
  return (isGuestName(host) ? nodeOfGuest(lab, { host })?.host : undefined) ?? "pve";
}

type Faulty = Pick<Lab, "facts" | "fault">;

export function isUp({ fault }: Pick<Lab, "fault">, node: NodeHost): boolean {
  return fault("node-down", node) === undefined;
}

/** Whether packets pass between two nodes. */
export function isConnected(lab: Pick<Lab, "fault">, one: NodeHost, other: NodeHost): boolean {
  if (!isUp(lab, one) || !isUp(lab, other)) return false;
  return one === other || [one, other].every((node) => lab.fault("partitioned", node) === undefined);
}

/** The members that corosync on a node counts, itself among them. */
export function membersOn(lab: Faulty, host: NodeHost): readonly LabNode[] {
  const nodes = nodesOf(lab);
  const isAlone = ({ host: node }: LabNode): boolean =>
    lab.fault("partitioned", node) !== undefined ||
    (!isLost(lab) && lab.fault("no-quorum", node) !== undefined);
  if (isAlone(nodeOf(lab, host))) return [nodeOf(lab, host)];
  return nodes.filter((node) => isUp(lab, node.host) && !isAlone(node));
}

/** The whole cluster has lost its quorum, and its members still see each other: more votes are expected than there are. */
function isLost(lab: Faulty): boolean {
  return nodesOf(lab).every(({ host }) => lab.fault("no-quorum", host) !== undefined);
}

export interface Votes {
  readonly expected: number;
  readonly total: number;
  readonly quorum: number;
  readonly quorate: boolean;
}

/** The votes that a node counts. The QDevice votes with the nodes that see each other, never with one that is cut off. */
export function votesOn(lab: Faulty, host: NodeHost): Votes {
  const { nodes, qdevice } = lab.facts.cluster ?? { nodes: nodesOf(lab), qdevice: false };
  const members = membersOn(lab, host);
  const isCutOff =
    members.length === 1 && (lab.fault("partitioned", host) ?? lab.fault("no-quorum", host)) !== undefined;
  const all = nodes.length + (qdevice ? 1 : 0);
  const expected = isLost(lab) ? 2 * all + 1 : all;
  const total = members.length + (qdevice && !isCutOff ? 1 : 0);
  const quorum = Math.floor(expected / 2) + 1;
  return { expected, total, quorum, quorate: total >= quorum };
}

/** Whether a node may change /etc/pve. */
export function hasQuorum(lab: Faulty, host: NodeHost): boolean {
  return lab.facts.cluster === undefined || votesOn(lab, host).quorate;
}
