/** The cluster as its file system describes it (pmxcfs, pve-cluster 9.1): `.members` and `.vmlist` of the node that is asked. */
import { NotReadyError, TransportError } from "../errors.ts";
import { isObject, type JsonObject, parseJson } from "../formats/json/index.ts";
import type { Exec } from "./host.ts";
import { createHost } from "./script-host.ts";

const guestsFile = "/etc/pve/.vmlist";
const membersFile = "/etc/pve/.members";
/** A copy on the node's own disk: it is there when /etc/pve is not. */
const corosyncFile = "/etc/corosync/corosync.conf";

export interface Members {
  /** The node that was asked; undefined where there is no pmxcfs. */
  readonly asked: string | undefined;
  /** Undefined on a single host. */
  readonly cluster: { readonly name: string; readonly quorate: boolean } | undefined;
  readonly nodes: ReadonlyMap<string, Member>;
  /** Every guest by its id; undefined where there is no pmxcfs. */
  readonly guests: ReadonlyMap<number, { readonly node: string; readonly kind: "lxc" | "vm" }> | undefined;
}

export interface Member {
  /** Where corosync reaches it, a dotted IPv4 address or another; absent while it is not known. */
  readonly address?: string;
  readonly online: boolean;
}

/**
 * One round trip.
 * @throws NotReadyError on a member of a cluster where /etc/pve is not mounted; TransportError when the files are not what PVE writes
 */
export async function readMembers(entry: Exec): Promise<Members> {
  const files = await createHost("pve", entry).readFiles([membersFile, guestsFile, corosyncFile]);
  const [list, members] = [files.get(guestsFile), files.get(membersFile)];
  const corosync = files.get(corosyncFile);
  if (list === undefined && members === undefined && corosync !== undefined) throw unmounted(corosync.text);
  const { nodename, cluster, nodelist } = parsed(membersFile, members?.text ?? "{}");
  return {
    asked: typeof nodename === "string" ? nodename : undefined,
    cluster: isObject(cluster) ? { name: String(cluster.name), quorate: cluster.quorate === 1 } : undefined,
    nodes: new Map(entriesOf(nodelist).map(([name, member]) => [nodeName(name), memberOf(member)])),
    guests: list === undefined ? undefined : guestsOf(parsed(guestsFile, list.text)),
  };
}

function guestsOf({ ids }: JsonObject): Members["guests"] {
  return new Map(
    entriesOf(ids).flatMap(([id, { node, type }]) => {
      const kind = type === "lxc" ? "lxc" : type === "qemu" ? "vm" : undefined;
      return kind === undefined || typeof node !== "string" ? [] : [[Number(id), { node, kind }] as const];
    }),
  );
}

function memberOf({ ip, online }: JsonObject): Member {
  return { ...(typeof ip === "string" ? { address: ip } : {}), online: online !== 0 };
}

/** A node's name becomes a part of paths and of ssh's options. @throws TransportError when it cannot be a host name */
function nodeName(name: string): string {
  if (/^[a-z\d]([a-z\d.-]*[a-z\d])?$/i.test(name)) return name;
  throw new TransportError(
    "pve",
    `${membersFile} names a node ${JSON.stringify(name)}, which cannot be a host name`,
  );
}

function unmounted(corosync: string): NotReadyError {
  const name = /^\s*cluster_name:\s*(\S+)/m.exec(corosync)?.[1];
  const cluster = name === undefined ? "a cluster" : `the cluster ${name}`;
  return new NotReadyError(`this node belongs to ${cluster}, and its /etc/pve is not mounted`, {
    hint: "`systemctl status pve-cluster` says why; `systemctl restart pve-cluster` mounts it",
  });
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
