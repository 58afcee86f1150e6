/** pvesh get: versions, nodes and the cluster's resources, as one line of sorted JSON. */
import { node } from "../config-path.ts";
import { guestConfig, guestState } from "../guests.ts";
import { done, failed, type Lab, type Program } from "../parts.ts";
import { nodesOf } from "../proxmox-files.ts";

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
        ...lab.facts.guests.map((guest) => ({
          id: `${guest.kind === "lxc" ? "lxc" : "qemu"}/${guest.id}`,
          name: guest.name,
          node,
          status: guestState(lab, guest.host),
          template: Number(guestConfig(lab, guest.kind, guest.id).get("template") ?? 0),
          type: guest.kind === "lxc" ? "lxc" : "qemu",
          vmid: guest.id,
        })),
        ...(onlyGuests ? [] : nodeEntries(lab)),
      ];
    default:
      return guestValue(lab, path);
  }
}

function nodeEntries(lab: Lab): readonly Readonly<Record<string, string>>[] {
  return nodesOf(lab).map((name) => ({ id: `node/${name}`, node: name, status: "online", type: "node" }));
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
