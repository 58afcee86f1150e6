/** pvesh get: versions, nodes and the cluster's resources, as one line of sorted JSON. */
import { isConnected, membersOn, nodesOf, nodeUnder, votesOn } from "../cluster.ts";
import { guestConfig, guestState, guestWith } from "../guests.ts";
import type { LabNode, NodeHost } from "../nodes.ts";
import { done, failed, type Lab, type Program } from "../parts.ts";
import { guestList, nodeNames } from "../proxmox-files.ts";
import type { ListedGuest } from "../whereabouts.ts";

export const pvesh: Program = ({ context, host, args }) => {
  const [verb = "", path = ""] = args.filter((arg) => !arg.startsWith("-"));
  if (verb !== "get") return failed(255, `ERROR: the lab's pvesh knows get only, not '${verb}'`);
  const node = nodeUnder(context, host);
  const value = valueAt(context, node, path.replace(/\/$/, ""), args);
  if (value === undefined) return failed(1, `No 'get' handler defined for '${path}'`);
  return "exitCode" in Object(value)
    ? (value as ReturnType<typeof failed>)
    : done(`${JSON.stringify(value)}\n`);
};

function valueAt(lab: Lab, node: NodeHost, path: string, args: readonly string[]): unknown {
  const typeAt = args.indexOf("--type");
  const onlyGuests = args[typeAt + 1] === "vm" && typeAt >= 0;
  switch (path) {
    case "/version":
      return { release: "9.0", repoid: "lab", version: "9.0.3" };
    case "/nodes":
      return nodeEntries(lab, node);
    case "/cluster/status":
      return clusterStatus(lab, node);
    case "/cluster/resources":
      return [
        ...inOrder(lab, guestList(lab)).map((listed) => resourceOf(lab, node, listed)),
        ...(onlyGuests ? [] : nodeEntries(lab, node)),
      ];
    default:
      return guestValue(lab, node, path);
  }
}

/** Nodes with a directory in /etc/pve; those that the node cannot see are offline to it. */
function nodeEntries(lab: Lab, node: NodeHost): readonly Readonly<Record<string, string>>[] {
  return nodeNames(lab).map((name) => {
    const status = isOnline(lab, node, name) ? "online" : "offline";
    return { id: `node/${name}`, node: name, status, type: "node" };
  });
}

/** Who is no member of the lab has left its directory alone, and nobody knows better. */
function isOnline(lab: Lab, node: NodeHost, name: string): boolean {
  return (
    nodesOf(lab).every((each) => each.name !== name) ||
    membersOn(lab, node).some((each) => each.name === name)
  );
}

function clusterStatus(lab: Lab, node: NodeHost): unknown {
  const { cluster } = lab.facts;
  const nodes = nodesOf(lab);
  const status = ({ host, name, id, address }: LabNode) => ({
    id: `node/${name}`,
    ip: address,
    ...(cluster === undefined ? {} : { level: "" }),
    local: host === node ? 1 : 0,
    name,
    nodeid: cluster === undefined ? 0 : id,
    online: isOnline(lab, node, name) ? 1 : 0,
    type: "node",
  });
  if (cluster === undefined) return nodes.map(status);
  const quorate = votesOn(lab, node).quorate ? 1 : 0;
  const { length } = nodes;
  return [
    { id: "cluster", name: cluster.name, nodes: length, quorate, type: "cluster", version: length },
    ...nodes.map(status),
  ];
}

/** Those that the lab plays first, in their own order. */
function inOrder({ facts }: Lab, listed: readonly ListedGuest[]): readonly ListedGuest[] {
  const places = new Map(facts.guests.map(({ id }, at) => [String(id), at]));
  const place = ({ id }: ListedGuest): number => places.get(id) ?? places.size;
  return listed.toSorted((a, b) => place(a) - place(b));
}

/** A guest as the cluster lists it, by its configuration. What its node does not report is unknown; of a node that the lab does not play, it runs. */
function resourceOf(lab: Lab, node: NodeHost, { id, type, node: name }: ListedGuest): unknown {
  const directory = type === "lxc" ? "lxc" : "qemu-server";
  const text = lab.files.text("pve", `/etc/pve/nodes/${name}/${directory}/${id}.conf`) ?? "";
  const value = (key: string): string | undefined => new RegExp(`^${key}: (.*)$`, "m").exec(text)?.[1];
  const guest = lab.facts.guests.find((each) => String(each.id) === id);
  const isPlayed = guest !== undefined && nodesOf(lab).some((each) => each.name === name);
  return {
    id: `${type}/${id}`,
    name: value(type === "lxc" ? "hostname" : "name"),
    node: name,
    status: !isOnline(lab, node, name) ? "unknown" : isPlayed ? guestState(lab, guest.host) : "running",
    template: value("template") === "1" ? 1 : 0,
    type,
    vmid: Number(id),
  };
}

/** /nodes/NODE/{lxc|qemu}/ID/{config|status/current}; another node's is asked for over ssh. */
function guestValue(lab: Lab, own: NodeHost, path: string): unknown {
  const [, name, type, id = "", what] =
    /^\/nodes\/([^/]+)\/(lxc|qemu)\/(\d+)\/(config|status\/current)$/.exec(path) ?? [];
  const node = nodesOf(lab).find((each) => each.name === name);
  if (node === undefined) return undefined;
  if (!isConnected(lab, own, node.host))
    return failed(255, `ssh: connect to host ${node.address} port 22: No route to host`);
  const guest = guestWith(lab, node.host, type === "lxc" ? "lxc" : "vm", id);
  if (guest === undefined) return undefined;
  if (what === "config") {
    const config = [...guestConfig(lab, guest)].sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(config);
  }
  return { name: guest.name, status: guestState(lab, guest.host), vmid: guest.id };
}
