/** Which guest is on which node of a cluster: an index of the directories with the guests' configurations, as pmxcfs has one. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { GuestName } from "../src/resource.ts";
import type { LabFacts } from "./facts.ts";
import { isFresh, type Look, lookNow } from "./fresh.ts";
import type { LabNode } from "./nodes.ts";

export interface ListedGuest {
  readonly id: string;
  readonly node: string;
  readonly type: "lxc" | "qemu";
}

export interface Whereabouts {
  /** By nodes, containers first, then by number as text. */
  readonly listed: readonly ListedGuest[];
  readonly nodes: ReadonlyMap<GuestName, LabNode>;
}

interface Known extends Whereabouts {
  /** What changes when a configuration comes or goes. */
  readonly times: string;
  readonly look: Look;
}

const known = new WeakMap<LabFacts, Known>();

/** Looks at the directories' times, and into them when one has changed. */
export function whereabouts(
  { facts, directory }: { readonly facts: LabFacts; readonly directory: string },
  nodes: readonly LabNode[],
): Whereabouts {
  const before = known.get(facts);
  const look = lookNow();
  if (before !== undefined && isFresh(before.look, look)) return before;
  const places = nodes.flatMap((node) =>
    (["lxc", "qemu"] as const).map((type) => ({
      node,
      type,
      path: join(directory, "hosts/pve/etc/pve/nodes", node.name, type === "lxc" ? "lxc" : "qemu-server"),
    })),
  );
  const times = places.map(({ path }) => timesOf(path)).join(" ");
  if (before?.times === times) {
    known.set(facts, { ...before, look });
    return before;
  }
  const found = places
    .filter(({ path }) => timesOf(path) !== "")
    .flatMap(({ node, type, path }) =>
      readdirSync(path)
        .sort()
        .flatMap((file) => /^(\d+)\.conf$/.exec(file)?.[1] ?? [])
        .map((id) => ({ id, node, type })),
    );
  const now: Known = {
    times,
    look,
    listed: found.map(({ id, node, type }) => ({ id, node: node.name, type })),
    nodes: new Map(
      found.map(({ id, node, type }) => [`${type === "lxc" ? "lxc" : "vm"}/${Number(id)}`, node]),
    ),
  };
  known.set(facts, now);
  return now;
}

function timesOf(path: string): string {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? "" : `${stats.ino}-${stats.mtimeNs}-${stats.ctimeNs}-${stats.nlink}`;
}
