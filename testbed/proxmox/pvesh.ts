/** pvesh get: versions, nodes, the cluster's resources and guests, as one line of sorted JSON. */
import { readFileSync } from "node:fs";
import { Refusal } from "./command-line.ts";
import { clusterFile, readInstalled } from "./firewall/files.ts";
import {
  type Guest,
  guestOf,
  guestsOf,
  idsOf,
  isRunning,
  type Kind,
  nameOf,
  pathOf,
  readConfig,
} from "./guests.ts";
import { type Member, members, node, onNode } from "./node.ts";
import { canonical } from "./perl-json.ts";

export function pvesh(args: readonly string[]): number {
  const [verb = "", path = ""] = args.filter((arg) => !arg.startsWith("-"));
  if (verb !== "get") throw new Refusal(`ERROR: the testbed's pvesh knows get only, not '${verb}'`);
  const value = valueAt(path.replace(/\/$/, ""), args);
  if (value === undefined) throw new Refusal(`No '${verb}' handler defined for '${path}'`, 1);
  process.stdout.write(`${canonical(value)}\n`);
  return 0;
}

function valueAt(path: string, args: readonly string[]): unknown {
  switch (path) {
    case "/version":
      return { release: "9.0", repoid: "testbed", version: "9.0.3" };
    case "/nodes":
      return members().map(nodeEntry);
    case "/cluster/status":
      return clusterStatus();
    case "/cluster/resources": {
      const guests = members().flatMap(resourcesOf);
      const only = args[args.indexOf("--type") + 1] === "vm" && args.includes("--type");
      return only ? guests : [...guests, ...members().map(nodeEntry)];
    }
    case "/cluster/firewall/options":
      return readInstalled(clusterFile, "cluster").options;
    default:
      return nodeValue(path);
  }
}

function nodeEntry({ name, online }: Member): unknown {
  return { id: `node/${name}`, node: name, status: online ? "online" : "offline", type: "node" };
}

function clusterStatus(): readonly unknown[] {
  const nodes = members().map(({ name, id, address, online }) => ({
    id: `node/${name}`,
    ip: address,
    local: name === node ? 1 : 0,
    name,
    nodeid: id,
    online: online ? 1 : 0,
    type: "node",
  }));
  const { cluster } = JSON.parse(readFileSync("/etc/pve/.members", "utf8"));
  return cluster === undefined ? nodes : [{ id: "cluster", type: "cluster", ...cluster }, ...nodes];
}

/** A node's guests. What runs there the node itself knows: Proxmox's daemon tells the others every few seconds. */
function resourcesOf(member: Member): readonly unknown[] {
  const kinds = ["lxc", "vm"] as const;
  if (member.name === node) return kinds.flatMap(guestsOf).map((guest) => resource(node, guest));
  if (member.online) return JSON.parse(onNode(member, ["pvesh", "get", `/nodes/${member.name}/testbed`]));
  return kinds.flatMap((kind) =>
    idsOf(member.name, kind).map((id) => {
      const name = nameOf(kind, id, readConfig(pathOf(kind, id, member.name)));
      return resource(member.name, { kind, id, name }, "unknown");
    }),
  );
}

function resource(
  on: string,
  guest: Pick<Guest, "kind" | "id" | "name"> & Partial<Guest>,
  status = guest.leader === undefined ? "stopped" : "running",
): unknown {
  const type = guest.kind === "lxc" ? "lxc" : "qemu";
  const { id, name } = guest;
  return { id: `${type}/${id}`, name, node: on, status, template: 0, type, vmid: Number(id) };
}

/** /nodes/NODE/{lxc|qemu}/ID/{config|status/current}, and what runs on a node. */
function nodeValue(path: string): unknown {
  const [, on, rest = ""] = /^\/nodes\/([^/]+)\/(.*)$/.exec(path) ?? [];
  const member = members().find(({ name }) => name === on);
  if (member === undefined) return undefined;
  if (member.name !== node) return JSON.parse(onNode(member, ["pvesh", "get", path]));
  if (rest === "testbed") return resourcesOf(member);
  const [, type, id = "", what] = /^(lxc|qemu)\/(\d+)\/(config|status\/current)$/.exec(rest) ?? [];
  if (type === undefined) return undefined;
  const kind: Kind = type === "lxc" ? "lxc" : "vm";
  const guest = guestOf(kind, id);
  if (what === "config") return Object.fromEntries(guest.config);
  return { name: guest.name, status: isRunning(guest) ? "running" : "stopped", vmid: Number(id) };
}
