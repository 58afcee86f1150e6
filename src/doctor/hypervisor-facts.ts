/** What the hypervisor knows of the guests of its cluster: who they are, where they are, how they are configured. Reads only. */
import { isObject, objectsOf, parseJson, textOf } from "../formats/json/index.ts";
import type { Host } from "../hosts/host.ts";
import type { Guest, Site } from "../model.ts";
import type { HostName } from "../resource.ts";

/** A guest as Proxmox has it. */
export interface GuestFacts {
  readonly kind: "lxc" | "vm";
  readonly node: string;
  /** The node is another one than the hypervisor. */
  readonly isElsewhere: boolean;
  /** Proxmox's term: "running", "stopped", "paused". */
  readonly status: string;
  readonly isTemplate: boolean;
  /** Its configuration without the sections of snapshots; empty when it cannot be read. */
  readonly config: string;
}

/** By the guest's id, whatever its kind is. */
export type HypervisorFacts = ReadonlyMap<number, GuestFacts>;

/** Every guest of the cluster that has an id of the site's. */
export async function hypervisorFacts(pve: Host, site: Site): Promise<HypervisorFacts> {
  const argv = ["pvesh", "get", "/cluster/resources", "--type", "vm", "--output-format", "json"];
  const resources = guestsIn(await pve.expect({ argv, effect: "read" }));
  const wanted = site.guests.flatMap(({ id }) => {
    const found = resources.get(id);
    return found === undefined ? [] : [{ id, ...found }];
  });
  const pathOf = ({ id, node, kind }: { id: number; node: string; kind: Guest["kind"] }): string =>
    `/etc/pve/nodes/${node}/${kind === "lxc" ? "lxc" : "qemu-server"}/${id}.conf`;
  const files = await pve.readFiles([members, ...wanted.map(pathOf)]);
  const own = ownNode(files.get(members)?.text);
  return new Map(
    wanted.map(({ id, ...found }) => {
      const text = files.get(pathOf({ id, ...found }))?.text ?? "";
      const isElsewhere = own !== undefined && found.node !== own;
      return [id, { ...found, isElsewhere, config: text.split(/^\[/m, 1)[0] ?? "" }];
    }),
  );
}

/** The nodes of the cluster, as its file system knows them. */
const members = "/etc/pve/.members";

function ownNode(text = "{}"): string | undefined {
  const value = parseJson(text);
  return isObject(value) && typeof value.nodename === "string" ? value.nodename : undefined;
}

/** The answer of `pvesh get /cluster/resources --type vm` (pve-manager 8 and 9). */
export function guestsIn(text: string): ReadonlyMap<number, Omit<GuestFacts, "config" | "isElsewhere">> {
  return new Map(
    objectsOf(parseJson(text)).flatMap((entry) => {
      const id = isObject(entry) ? Number(entry.vmid) : Number.NaN;
      const kind = entry.type === "lxc" ? "lxc" : entry.type === "qemu" ? "vm" : undefined;
      if (kind === undefined || !Number.isInteger(id)) return [];
      const [node, status] = [textOf(entry, "node"), textOf(entry, "status")];
      return [[id, { kind, node, status, isTemplate: entry.template === 1 }] as const];
    }),
  );
}

/** The host names of the guests that can run. */
export function runnableGuests({ guests }: Site): readonly HostName[] {
  return guests.filter(({ template }) => !template).map(({ host }) => host);
}

/** The virtual machines that can run. */
export function virtualMachines({ guests }: Site): readonly HostName[] {
  return guests.filter(({ template, kind }) => !template && kind === "vm").map(({ host }) => host);
}
