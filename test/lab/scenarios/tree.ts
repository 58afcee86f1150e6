/** A lab's directory as a value, to tell what a run left behind: every byte, mode and time. */
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

export interface Entry {
  readonly kind: "file" | "directory" | "link";
  /** Octal digits. */
  readonly mode: string;
  /** Nanoseconds since the epoch. */
  readonly modified: bigint;
  /** A file's bytes as Latin-1, a link's target. */
  readonly content: string;
}

export type Tree = ReadonlyMap<string, Entry>;

/** Every path below `directory`, relative to it. */
export function treeOf(directory: string): Tree {
  const tree = new Map<string, Entry>();
  for (const path of readdirSync(directory, { recursive: true, encoding: "utf8" }).sort()) {
    const real = join(directory, path);
    const stats = lstatSync(real, { bigint: true });
    const kind = stats.isDirectory() ? "directory" : stats.isSymbolicLink() ? "link" : "file";
    const content =
      kind === "file" ? readFileSync(real, "latin1") : kind === "link" ? readlinkSync(real) : "";
    tree.set(path, {
      kind,
      mode: (Number(stats.mode) & 0o7777).toString(8),
      modified: stats.mtimeNs,
      content,
    });
  }
  return tree;
}

/** Where the journal keeps its runs and the lock: a sync that had nothing to do still writes down that it ran. */
export const journal = /^hosts\/pve\/var\/lib\/phoenix(\/|$)/;

/** What differs between two trees, one line each: "hosts/pve/etc/hosts: content". */
export function differences(before: Tree, after: Tree, apart: readonly RegExp[] = []): readonly string[] {
  const paths = [...new Set([...before.keys(), ...after.keys()])].sort();
  return paths
    .filter((path) => !apart.some((pattern) => pattern.test(path)))
    .flatMap((path) => {
      const [was, is] = [before.get(path), after.get(path)];
      if (was === undefined) return [`${path}: new`];
      if (is === undefined) return [`${path}: gone`];
      const keys = (["kind", "mode", "content", "modified"] as const).filter((key) => was[key] !== is[key]);
      return keys.length === 0 ? [] : [`${path}: ${keys.join(", ")}`];
    });
}
