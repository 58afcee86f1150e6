/** Proxmox's firewall: cluster.fw, the nodes' host.fw and the guests' files (pve-firewall 6.0). */
import { isObject, parseJson } from "../../formats/json/index.ts";
import { emptyFile, type FirewallFile, parseFirewall } from "../../formats/pve-firewall/index.ts";
import { readFile } from "../../formats/pve-firewall/reading.ts";
import type { FilePlace } from "../../formats/pve-firewall/rule.ts";
import type { FoundFirewall, FoundFirewallFile } from "../found.ts";
import { entriesOn, filesOn } from "./files.ts";
import type { Reader } from "./reader.ts";

const directory = "/etc/pve/firewall";
/** pmxcfs's list of the cluster's nodes (pve-cluster 9.1). */
const membersPath = "/etc/pve/.members";
const clusterPath = `${directory}/cluster.fw`;

export const readFirewall: Reader<FoundFirewall> = async (io) => {
  const [entries, nodes] = await Promise.all([
    entriesOn(io, "pve", directory),
    entriesOn(io, "pve", "/etc/pve/nodes"),
  ]);
  const guestPaths = entries.filter((path) => /\/[1-9]\d*\.fw$/.test(path));
  const nodePaths = nodes.map((node) => `${node}/host.fw`);
  const files = await filesOn(io, "pve", [clusterPath, membersPath, ...guestPaths, ...nodePaths]);
  const members = parseJson(files.get(membersPath)?.text ?? "");
  const ownNode = isObject(members) && typeof members.nodename === "string" ? members.nodename : undefined;
  const clusterText = files.get(clusterPath)?.text;
  const cluster = clusterText === undefined ? undefined : parseFirewall(clusterText);
  const found = (path: string, place: FilePlace): readonly FoundFirewallFile[] => {
    const text = files.get(path)?.text;
    return text === undefined ? [] : [foundFile(path, place, parseFirewall(text, place), cluster)];
  };
  return {
    ownNode,
    cluster: cluster && foundFile(clusterPath, "cluster", cluster, undefined),
    nodes: nodePaths.flatMap((path) => found(path, "host")),
    guests: new Map(
      guestPaths.flatMap((path) =>
        found(path, "guest").map((file) => [Number(/(\d+)\.fw$/.exec(path)?.[1]), file] as const),
      ),
    ),
  };
};

function foundFile(
  path: string,
  place: FilePlace,
  file: FirewallFile,
  cluster: FirewallFile = emptyFile,
): FoundFirewallFile {
  return { path, file, reading: readFile(file, place, cluster) };
}
