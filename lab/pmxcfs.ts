/**
 * /etc/pve of a cluster (pve-cluster 9.1): one tree for all nodes, but for names that every node has of its own, files that pmxcfs
 * makes up when they are read, and changes that need the cluster's quorum. A single host's tree lies on its disk as it is.
 */
import type { HostName } from "../src/resource.ts";
import { membersOn, nodeOf, nodesOf, votesOn } from "./cluster.ts";
import { isNode, type NodeHost } from "./nodes.ts";
import type { Lab } from "./parts.ts";
import { guestList } from "./proxmox-files.ts";

const directory = "/etc/pve";

/** Files that pmxcfs makes up, by their names in /etc/pve. */
const madeUp = [".members", ".version", ".vmlist"];

/** Names of such files in a directory of the host. */
export function madeUpNames({ facts }: Lab, host: HostName, path: string): readonly string[] {
  return facts.cluster !== undefined && isNode(host) && path === directory ? madeUp : [];
}

/** What such a file says on a node; undefined for every other path. */
export function madeUpText(lab: Lab, host: HostName, path: string): string | undefined {
  if (lab.facts.cluster === undefined || !isNode(host) || !path.startsWith(`${directory}/.`))
    return undefined;
  switch (path.slice(directory.length + 1)) {
    case ".members":
      return membersText(lab, host);
    case ".vmlist":
      return guestsText(lab);
    case ".version":
      return `${JSON.stringify({ starttime: 1_760_000_000, clinfo: versionOf(membersText(lab, host)), vmlist: versionOf(guestsText(lab)) })}\n`;
    default:
      return undefined;
  }
}

function membersText(lab: Lab, host: NodeHost): string {
  const { name = "" } = lab.facts.cluster ?? {};
  const online = membersOn(lab, host);
  const nodes = nodesOf(lab);
  const list = nodes.map((node) => {
    const { id, address } = node;
    return [node.name, { id, online: online.includes(node) ? 1 : 0, ip: address }] as const;
  });
  const quorate = votesOn(lab, host).quorate ? 1 : 0;
  const state = {
    cluster: { name, version: nodes.length, nodes: nodes.length, quorate },
    nodelist: Object.fromEntries(list),
  };
  const version = versionOf(JSON.stringify(state));
  return `${JSON.stringify({ nodename: nodeOf(lab, host).name, version, ...state })}\n`;
}

function guestsText(lab: Lab): string {
  const listed = guestList(lab);
  const ids = Object.fromEntries(
    listed.map(({ id, ...where }, at) => [id, { ...where, version: at + 1 }] as const),
  );
  const version = versionOf(JSON.stringify(ids));
  return `${JSON.stringify(listed.length === 0 ? { version } : { version, ids })}\n`;
}

/** A number that differs where the text does: what pmxcfs counts, readers compare. */
function versionOf(text: string): number {
  let sum = 0;
  for (let at = 0; at < text.length; at += 1) sum = (sum * 31 + text.charCodeAt(at)) % 999_983;
  return sum + 1;
}
