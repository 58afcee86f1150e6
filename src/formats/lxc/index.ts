/**
 * The ids of a container's users and groups, and what they are on the disks of its hypervisor: `unprivileged`, `lxc.idmap` and the
 * `idmap` of a mount point in the container's configuration (pve-container 6.1). Pure.
 */

export interface Ids {
  readonly uid: number;
  readonly gid: number;
}

/** Consecutive ids: `inside` is the first one in the container, `onDisk` the same one on the hypervisor's disk. */
interface IdRange {
  readonly kind: IdKind;
  readonly inside: number;
  readonly onDisk: number;
  readonly count: number;
}

type IdKind = "u" | "g";

/** Earlier ranges take precedence. Without any, as in a privileged container, every id is the same on both sides. */
export type IdMap = readonly IdRange[];

/** What Proxmox gives an unprivileged container that has no `lxc.idmap` of its own. */
const unprivilegedMap: IdMap = (["u", "g"] as const).map((kind) => ({
  kind,
  inside: 0,
  onDisk: 100_000,
  count: 65_536,
}));

/** What the kernel shows of an id that is not in the map (/proc/sys/kernel/overflowuid). */
const overflowId = 65_534;

/**
 * The map of a container for files below one of its mount points.
 * @param config the text of /etc/pve/lxc/ID.conf
 * @param path an absolute path in the container
 */
export function idMapOf(config: string, path: string): IdMap {
  // Sections of snapshots and pending changes follow.
  const [current = ""] = config.split(/^\[/m);
  const own = matches(current, /^lxc\.id_?map\s*[:=]\s*([ug])\s+(\d+)\s+(\d+)\s+(\d+)\s*$/gm);
  const map = own.length > 0 ? own : /^unprivileged:\s*1\s*$/m.test(current) ? unprivilegedMap : [];
  const option = mountOption(current, path);
  // Proxmox ignores the option in a privileged container.
  if (option === undefined || map.length === 0) return map;
  if (option === "passthrough") return map.map((range) => ({ ...range, onDisk: range.inside }));
  const exceptions = matches(option, /(?:^|;)([ug]):(\d+):(\d+):(\d+)/g);
  return [...exceptions.flatMap((exception) => clipped(exception, map)), ...map];
}

function matches(text: string, pattern: RegExp): IdMap {
  return [...text.matchAll(pattern)].map(([, kind, inside, onDisk, count]) => ({
    kind: kind === "u" ? "u" : "g",
    inside: Number(inside),
    onDisk: Number(onDisk),
    count: Number(count),
  }));
}

/** The `idmap` of the innermost mount point that holds the path. */
function mountOption(config: string, path: string): string | undefined {
  const points = [...config.matchAll(/^(?:mp\d+|rootfs):\s*(.*)$/gm)].map(([, value = ""]) => {
    const options = new Map(value.split(",").map((part) => pair(part)));
    return { path: options.get("mp") ?? "/", idmap: options.get("idmap") };
  });
  const holding = points.filter((point) => `${path}/`.startsWith(`${point.path.replace(/\/+$/, "")}/`));
  return holding.sort((a, b) => b.path.length - a.path.length)[0]?.idmap;
}

function pair(part: string): readonly [key: string, value: string] {
  const at = part.indexOf("=");
  return at < 0 ? ["volume", part] : [part.slice(0, at).trim(), part.slice(at + 1).trim()];
}

/** The parts of an exception whose ids the container has at all. */
function clipped(exception: IdRange, map: IdMap): IdMap {
  return map.flatMap(({ kind, inside, count }): IdMap => {
    const from = Math.max(exception.inside, inside);
    const to = Math.min(exception.inside + exception.count, inside + count);
    if (kind !== exception.kind || to <= from) return [];
    return [{ kind, inside: from, onDisk: exception.onDisk + from - exception.inside, count: to - from }];
  });
}

/** The ids on disk of a user and a group of the container; undefined when the container does not have one of them. */
export function idsOnDisk(map: IdMap, { uid, gid }: Ids): Ids | undefined {
  const [user, group] = [idOnDisk(map, "u", uid), idOnDisk(map, "g", gid)];
  return user === undefined || group === undefined ? undefined : { uid: user, gid: group };
}

/** The owner of a file as the container sees it. */
export function idsInside(map: IdMap, { uid, gid }: Ids): Ids {
  return { uid: idInside(map, "u", uid), gid: idInside(map, "g", gid) };
}

function idOnDisk(map: IdMap, kind: IdKind, id: number): number | undefined {
  if (map.length === 0) return id;
  const range = map.find((each) => each.kind === kind && id >= each.inside && id < each.inside + each.count);
  return range && id - range.inside + range.onDisk;
}

function idInside(map: IdMap, kind: IdKind, onDisk: number): number {
  if (map.length === 0) return onDisk;
  const candidates = map
    .filter((each) => each.kind === kind)
    .map((each) => onDisk - each.onDisk + each.inside);
  return candidates.find((id) => idOnDisk(map, kind, id) === onDisk) ?? overflowId;
}
