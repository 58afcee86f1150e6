/**
 * The user namespaces of unprivileged containers: which id on the hypervisor's disk each user of a container has, and what the
 * kernel lets its processes do with files (user_namespaces(7), pve-container 6.1). Pure.
 */
import type { Account } from "./accounts.ts";

export interface Namespace {
  /** Undefined when the container does not have the user or the group. */
  toDisk(account: Account): Account | undefined;
  /** Ids that the container does not have look like those of nobody. */
  toContainer(account: Account): Account;
}

/** A line of uid_map or gid_map; `disk` is what the mount's files have. */
interface Line {
  readonly id: number;
  readonly disk: number;
  readonly length: number;
}

type Side = "id" | "disk";

/** /proc/sys/kernel/overflowuid. */
const nobody = 65_534;

/**
 * @param config a container's configuration file
 * @param mount the path in the container of the mount point that holds the files
 * @returns undefined for a privileged container
 */
export function namespaceOf(config: string, mount: string): Namespace | undefined {
  const lines = config.split("\n");
  const snapshots = lines.findIndex((line) => line.startsWith("["));
  const current = snapshots < 0 ? lines : lines.slice(0, snapshots);
  const [uids, gids] = [tableOf(current, "u", mount), tableOf(current, "g", mount)];
  if (uids.length === 0 && gids.length === 0) return undefined;
  return {
    toDisk: ({ uid, gid }) => {
      const [user, group] = [translated(uids, "id", uid), translated(gids, "id", gid)];
      return user === undefined || group === undefined ? undefined : { uid: user, gid: group };
    },
    toContainer: ({ uid, gid }) => ({
      uid: translated(uids, "disk", uid) ?? nobody,
      gid: translated(gids, "disk", gid) ?? nobody,
    }),
  };
}

function translated(table: readonly Line[], from: Side, id: number): number | undefined {
  const line = table.find((each) => id >= each[from] && id < each[from] + each.length);
  return line && id - line[from] + line[from === "id" ? "disk" : "id"];
}

function tableOf(lines: readonly string[], kind: "u" | "g", mount: string): readonly Line[] {
  const own = lines.flatMap((line) => {
    const [, id, disk, length] =
      new RegExp(`^lxc\\.idmap\\s*[:=]\\s*${kind} +(\\d+) +(\\d+) +(\\d+)`).exec(line) ?? [];
    return id === undefined ? [] : [{ id: Number(id), disk: Number(disk), length: Number(length) }];
  });
  const unprivileged =
    lines.includes("unprivileged: 1") && !lines.some((line) => line.startsWith("lxc.idmap"));
  const table = unprivileged ? [{ id: 0, disk: 100_000, length: 65_536 }] : own;
  const option = mountOption(lines, mount);
  if (option === undefined) return table;
  if (option === "passthrough") return table.map((line) => ({ ...line, disk: line.id }));
  const exceptions = option.split(";").flatMap((entry) => {
    const [type, id, disk, length] = entry.split(":");
    return type === kind ? [{ id: Number(id), disk: Number(disk), length: Number(length) }] : [];
  });
  return exceptions.reduce(withException, table);
}

/** Cuts the exception's ids out of the table and puts them back with their own place on disk. */
function withException(table: readonly Line[], { id, disk, length }: Line): readonly Line[] {
  return table.flatMap((line) => {
    const [from, to] = [Math.max(id, line.id), Math.min(id + length, line.id + line.length)];
    if (from >= to) return [line];
    const after = line.id + line.length - to;
    const pieces = [
      { id: line.id, disk: line.disk, length: from - line.id },
      { id: from, disk: disk + from - id, length: to - from },
      { id: to, disk: line.disk + to - line.id, length: after },
    ];
    return pieces.filter((piece) => piece.length > 0);
  });
}

function mountOption(lines: readonly string[], mount: string): string | undefined {
  const line = lines.find((each) => /^mp\d+: /.test(each) && `${each},`.includes(`,mp=${mount},`));
  return /,idmap=([^,]+)/.exec(line ?? "")?.[1];
}

/** Bits of a mode: read, write, enter or run. */
export type Access = 4 | 2 | 1;

/**
 * Whether a process may do that. Root may do everything, but for files with an owner or a group that its namespace does not have.
 * @param file its owner and mode on disk
 * @param process the ids of a container's process, without further groups
 */
export function mayAccess(
  namespace: Namespace,
  file: { readonly account: Account; readonly mode: string },
  process: Account,
  access: Access,
): boolean {
  const own = namespace.toDisk(process);
  const seen = namespace.toContainer(file.account);
  const back = namespace.toDisk(seen);
  const known = back?.uid === file.account.uid && back.gid === file.account.gid;
  if (process.uid === 0 && known) return true;
  const mode = Number.parseInt(file.mode, 8);
  const shift = own?.uid === file.account.uid ? 6 : own?.gid === file.account.gid ? 3 : 0;
  return ((mode >> shift) & access) !== 0;
}
