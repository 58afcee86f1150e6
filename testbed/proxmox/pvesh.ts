/** pvesh get: versions, nodes, the cluster's resources and guests, as one line of sorted JSON. */
import { existsSync, readFileSync } from "node:fs";
import { Refusal } from "./command-line.ts";
import { clusterFile, readInstalled } from "./firewall/files.ts";
import { type Guest, guestsOf, isRunning, node } from "./guests.ts";
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
      return [{ id: `node/${node}`, node, status: "online", type: "node" }];
    case "/cluster/status":
      return [
        {
          id: `node/${node}`,
          ip: hypervisor().address,
          local: 1,
          name: node,
          nodeid: 0,
          online: 1,
          type: "node",
        },
      ];
    case "/cluster/resources": {
      const guests = [...guestsOf("lxc"), ...guestsOf("vm")].map(resource);
      const only = args[args.indexOf("--type") + 1] === "vm" && args.includes("--type");
      return only ? guests : [...guests, { id: `node/${node}`, node, status: "online", type: "node" }];
    }
    case "/cluster/firewall/options":
      return readInstalled(clusterFile, "cluster").options;
    default:
      return guestValue(path);
  }
}

function resource({ kind, id, name, ...guest }: Guest): unknown {
  const type = kind === "lxc" ? "lxc" : "qemu";
  const status = isRunning({ kind, id, name, ...guest }) ? "running" : "stopped";
  return { id: `${type}/${id}`, name, node, status, template: 0, type, vmid: Number(id) };
}

/** /nodes/pve/{lxc|qemu}/ID/{config|status/current}. */
function guestValue(path: string): unknown {
  const [, kind, id, what] = /^\/nodes\/pve\/(lxc|qemu)\/(\d+)\/(config|status\/current)$/.exec(path) ?? [];
  if (kind === undefined) return undefined;
  const guest = guestsOf(kind === "lxc" ? "lxc" : "vm").find((each) => each.id === id);
  if (guest === undefined) {
    const directory = kind === "lxc" ? "lxc" : "qemu-server";
    throw new Refusal(`Configuration file 'nodes/${node}/${directory}/${id}.conf' does not exist`, 2);
  }
  if (what === "config") return Object.fromEntries(guest.config);
  return { name: guest.name, status: isRunning(guest) ? "running" : "stopped", vmid: Number(id) };
}

export interface Hypervisor {
  readonly address: string;
  readonly prefix: number;
  readonly bridge: string;
}

export function hypervisor(): Hypervisor {
  const path = "/etc/testbed/hypervisor.json";
  if (!existsSync(path)) throw new Refusal(`${path} does not exist: this is not a machine of the testbed`);
  return JSON.parse(readFileSync(path, "utf8"));
}
