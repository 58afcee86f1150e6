/** pvesh get: versions, nodes and the cluster's resources, as one line of sorted JSON. */
import { configPath, node } from "../config-path.ts";
import type { LabGuest } from "../facts.ts";
import { guestConfig, guestState } from "../guests.ts";
import { done, failed, type Lab, type Program } from "../parts.ts";
import { guestList, type ListedGuest, nodesOf } from "../proxmox-files.ts";

export const pvesh: Program = ({ context, args }) => {
  const [verb = "", path = ""] = args.filter((arg) => !arg.startsWith("-"));
  if (verb !== "get") return failed(255, `ERROR: the lab's pvesh knows get only, not '${verb}'`);
  const value = valueAt(context, path.replace(/\/$/, ""), args);
  if (value === undefined) return failed(1, `No 'get' handler defined for '${path}'`);
  return done(`${JSON.stringify(value)}\n`);
};

function valueAt(lab: Lab, path: string, args: readonly string[]): unknown {
  const typeAt = args.indexOf("--type");
  const onlyGuests = args[typeAt + 1] === "vm" && typeAt >= 0;
  switch (path) {
    case "/version":
      return { release: "9.0", repoid: "lab", version: "9.0.3" };
    case "/nodes":
      return nodeEntries(lab);
    case "/cluster/status":
      return [
        {
          id: `node/${node}`,
          ip: lab.facts.address,
          local: 1,
          name: node,
          nodeid: 0,
          online: 1,
          type: "node",
        },
      ];
    case "/cluster/resources":
      return [
        ...lab.facts.guests.flatMap((guest) => resourceOf(lab, guest)),
        ...guestList(lab).flatMap((listed) => (listed.node === node ? [] : [resourceElsewhere(lab, listed)])),
        ...(onlyGuests ? [] : nodeEntries(lab)),
      ];
    default:
      return guestValue(lab, path);
  }
}

function nodeEntries(lab: Lab): readonly Readonly<Record<string, string>>[] {
  return nodesOf(lab).map((name) => ({ id: `node/${name}`, node: name, status: "online", type: "node" }));
}

/** A guest as the cluster lists it: whoever has a configuration, by the name in it. */
function resourceOf(lab: Lab, { kind, id, host }: LabGuest): readonly unknown[] {
  if (lab.files.status("pve", configPath(kind, id)) === undefined) return [];
  const config = guestConfig(lab, kind, id);
  const type = kind === "lxc" ? "lxc" : "qemu";
  return [
    {
      id: `${type}/${id}`,
      name: config.get(kind === "lxc" ? "hostname" : "name"),
      node,
      status: guestState(lab, host),
      template: config.get("template") === "1" ? 1 : 0,
      type,
      vmid: id,
    },
  ];
}

/** A guest of another node, of which the lab has the configuration alone: it runs as far as this node knows. */
function resourceElsewhere(lab: Lab, { id, type, node }: ListedGuest): unknown {
  const directory = type === "lxc" ? "lxc" : "qemu-server";
  const text = lab.files.text("pve", `/etc/pve/nodes/${node}/${directory}/${id}.conf`) ?? "";
  const value = (key: string): string | undefined => new RegExp(`^${key}: (.*)$`, "m").exec(text)?.[1];
  return {
    id: `${type}/${id}`,
    name: value(type === "lxc" ? "hostname" : "name"),
    node,
    status: "running",
    template: value("template") === "1" ? 1 : 0,
    type,
    vmid: Number(id),
  };
}

/** /nodes/pve/{lxc|qemu}/ID/{config|status/current}. */
function guestValue(lab: Lab, path: string): unknown {
  const [, kind, id, what] = /^\/nodes\/pve\/(lxc|qemu)\/(\d+)\/(config|status\/current)$/.exec(path) ?? [];
  const guest = lab.facts.guests.find(
    (each) => String(each.id) === id && each.kind === (kind === "lxc" ? "lxc" : "vm"),
  );
  if (guest === undefined) return undefined;
  if (what === "config") {
    const config = [...guestConfig(lab, guest.kind, guest.id)].sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(config);
  }
  return { name: guest.name, status: guestState(lab, guest.host), vmid: guest.id };
}
