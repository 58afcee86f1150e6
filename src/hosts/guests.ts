/** Where a guest's commands run: on this node, or on the cluster's node that has the guest. Only this file knows. */
import type { Clock } from "../component.ts";
import { NotReadyError, TransportError } from "../errors.ts";
import { isObject, type JsonObject, parseJson } from "../formats/json/index.ts";
import type { GuestName } from "../resource.ts";
import { NotOnNodeError, partsOf } from "./guest-errors.ts";
import type { Exec } from "./host.ts";
import { pctExec } from "./pct.ts";
import { qmExec } from "./qm.ts";
import { createHost } from "./script-host.ts";
import { remoteLine, sshOptions, sshResult } from "./ssh-command.ts";

const guestsFile = "/etc/pve/.vmlist";
const nodesFile = "/etc/pve/.members";

/** The cluster as pmxcfs describes it (pve-cluster 9.1). */
interface Cluster {
  /** The node that `hypervisor` is; undefined where there is no pmxcfs. */
  readonly own: string | undefined;
  readonly guests: ReadonlyMap<number, { readonly node: string; readonly kind: "lxc" | "vm" }> | undefined;
  readonly nodes: ReadonlyMap<string, { readonly address: string | undefined; readonly online: boolean }>;
  /** Files of the cluster that were looked for. */
  readonly found: Map<string, Promise<boolean>>;
}

/**
 * The `Exec` of each guest. The cluster is looked at once, when the first guest's command runs, and once more when a guest
 * turns out to have moved.
 */
export function guestExecs(hypervisor: Exec, clock: Clock): (name: GuestName) => Exec {
  let known: Promise<Cluster> | undefined;
  const cluster = (): Promise<Cluster> => {
    if (known !== undefined) return known;
    const reading = readCluster(hypervisor);
    known = reading;
    // The next command tries again after a failure.
    reading.catch(() => {
      if (known === reading) known = undefined;
    });
    return reading;
  };
  return (name) => {
    const { kind, id } = partsOf(name);
    const on = (parent: Exec): Exec => (kind === "lxc" ? pctExec(parent, id) : qmExec(parent, id, clock));
    return async (command) => {
      const before = cluster();
      const node = nodeOf(name, await before);
      try {
        return await on(nodeExec(hypervisor, node, await before))(command);
      } catch (error) {
        if (!(error instanceof NotOnNodeError)) throw error;
        // The first failed command looks again; the others use its result.
        if (known === before) known = undefined;
        const fresh = await cluster();
        const moved = nodeOf(name, fresh);
        if (moved === node) throw absent(name);
        return on(nodeExec(hypervisor, moved, fresh))(command);
      }
    };
  };
}

/** The node that has the guest; undefined for the one we are on. @throws NotReadyError */
function nodeOf(name: GuestName, { own, guests }: Cluster): string | undefined {
  if (guests === undefined) return undefined;
  const { kind, id } = partsOf(name);
  const guest = guests.get(id);
  if (guest === undefined) throw absent(name);
  if (guest.kind !== kind)
    throw absent(name, `${id} is ${kind === "lxc" ? "a virtual machine" : "a container"}`);
  return own === undefined || guest.node === own ? undefined : guest.node;
}

function absent(name: GuestName, but?: string): NotReadyError {
  return new NotReadyError(`${name} does not exist on this cluster${but === undefined ? "" : `; ${but}`}`, {
    hint: "create the guest first, or correct its id in the site's files",
  });
}

/** Commands on another node go from the hypervisor through the cluster's own ssh keys, as PVE itself does it. */
function nodeExec(hypervisor: Exec, node: string | undefined, { nodes, found }: Cluster): Exec {
  if (node === undefined) return hypervisor;
  const member = nodes.get(node);
  const target = `node ${node}`;
  if (member?.address === undefined) {
    throw new TransportError(target, `${nodesFile} has no address for node ${node}`);
  }
  if (!member.online)
    throw new TransportError(target, `node ${node} is offline`, { hint: "start it, or move its guests" });
  const { address } = member;
  const keys = `/etc/pve/nodes/${node}/ssh_known_hosts`;
  return async (command) => {
    // Older clusters have one list for all nodes, which the system's configuration of ssh names.
    const own = (await isThere(hypervisor, keys, found))
      ? [`UserKnownHostsFile=${keys}`, "GlobalKnownHostsFile=none"]
      : [];
    const options = [`HostKeyAlias=${node}`, ...own].flatMap((option) => ["-o", option]);
    const argv = ["ssh", ...sshOptions, ...options, "--", `root@${address}`, remoteLine(command)];
    return sshResult(target, `root@${address}`, await hypervisor({ ...command, argv }));
  };
}

/** Whether a file exists; looked at once for each `known`, unless that failed. */
function isThere(hypervisor: Exec, path: string, known: Map<string, Promise<boolean>>): Promise<boolean> {
  const looked = known.get(path);
  if (looked !== undefined) return looked;
  const look = createHost("pve", hypervisor)
    .readFiles([path])
    .then((files) => files.has(path));
  known.set(path, look);
  look.catch(() => known.delete(path));
  return look;
}

async function readCluster(hypervisor: Exec): Promise<Cluster> {
  const files = await createHost("pve", hypervisor).readFiles([guestsFile, nodesFile]);
  const guests = files.get(guestsFile);
  if (guests === undefined) return { own: undefined, guests: undefined, nodes: new Map(), found: new Map() };
  const list = parsed(guestsFile, guests.text);
  const members = parsed(nodesFile, files.get(nodesFile)?.text ?? "{}");
  return {
    own: typeof members.nodename === "string" ? members.nodename : undefined,
    guests: new Map(
      entriesOf(list.ids).flatMap(([id, { node, type }]) => {
        const kind = type === "lxc" ? "lxc" : type === "qemu" ? "vm" : undefined;
        return kind === undefined || typeof node !== "string" ? [] : [[Number(id), { node, kind }] as const];
      }),
    ),
    nodes: new Map(
      entriesOf(members.nodelist).map(([node, { ip, online }]) => [
        node,
        { address: typeof ip === "string" ? ip : undefined, online: online !== 0 },
      ]),
    ),
    found: new Map(),
  };
}

function parsed(file: string, text: string): JsonObject {
  const value = parseJson(text);
  if (isObject(value)) return value;
  throw new TransportError("pve", `cannot read ${file} on pve: expected the JSON object that PVE writes`, {
    hint: "`systemctl status pve-cluster` shows the state of /etc/pve",
  });
}

function entriesOf(value: unknown): readonly (readonly [string, JsonObject])[] {
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, member]) => (isObject(member) ? [[key, member] as const] : []));
}
