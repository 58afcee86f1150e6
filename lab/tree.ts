/**
 * Where a lab host's files really are. A host's tree is walked as its kernel would: symbolic links mean what they mean on
 * that host, mounts lead into another tree, and ".." ends at the host's root. So no path leads out of the lab.
 */
import { lstatSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { HostName } from "../src/resource.ts";
import type { LabMount } from "./facts.ts";
import { codeOf } from "./store.ts";

/** As many links as Linux follows in one path (path_resolution(7)). */
const linkLimit = 40;

/** Mounts within mounts: a site needs two. */
const mountLimit = 8;

/** What is counted on the way along one path. */
interface Counts {
  links: number;
  readonly mounts: number;
}

export interface Trees {
  /** DIR/hosts/lxc-101. */
  root(host: HostName): string;
  /** The real path of an absolute path on a host; nothing needs to be there. A last link is followed unless `follow` is false. */
  locate(host: HostName, absolute: string, follow?: boolean): string;
  /** Whether something is mounted exactly there. */
  isMount(host: HostName, absolute: string): boolean;
}

/** "lxc/101" lives in the tree lxc-101. */
export function treeOf(host: HostName): string {
  return host.replace("/", "-");
}

/** @param diskOf the tree of the node that has a guest: its `local` mounts are there */
export function createTrees(
  directory: string,
  mounts: readonly LabMount[],
  diskOf: (host: HostName) => string = () => "pve",
): Trees {
  const base = join(directory, "hosts");
  const table = new Map<string, Map<string, LabMount>>();
  for (const mount of mounts) {
    const tree = treeOf(mount.host);
    const points = table.get(tree) ?? new Map<string, LabMount>();
    points.set(mount.path, mount);
    table.set(tree, points);
  }

  const walk = (tree: string, absolute: string, follow: boolean, counts: Counts): string => {
    if (!absolute.startsWith("/")) throw new Error(`not an absolute path: ${JSON.stringify(absolute)}`);
    if (absolute.includes("\0")) throw new Error("a path with a NUL character");
    const points = table.get(tree);
    const rest = names(absolute);
    let at: string[] = [];
    while (rest.length > 0) {
      const name = rest.shift() ?? "";
      if (name === "..") {
        at.pop();
        continue;
      }
      at.push(name);
      if (points?.has(`/${at.join("/")}`) === true) continue;
      if (rest.length === 0 && !follow) break;
      const target = linkAt(real(tree, at, counts));
      if (target === undefined) continue;
      counts.links += 1;
      if (counts.links > linkLimit) throw tooManyLinks(absolute);
      rest.unshift(...names(target));
      if (target.startsWith("/")) at = [];
      else at.pop();
    }
    return real(tree, at, counts);
  };

  /** The real path of components that hold no link: below the innermost mount, or below the tree's own root. */
  const real = (tree: string, at: readonly string[], { links, mounts }: Counts): string => {
    const points = table.get(tree);
    for (let length = points === undefined ? 0 : at.length; length > 0; length -= 1) {
      const mount = points?.get(`/${at.slice(0, length).join("/")}`);
      if (mount === undefined || mount.except?.includes(at[length] ?? "") === true) continue;
      if (mounts >= mountLimit) throw tooManyLinks(`/${at.join("/")}`);
      const from = mount.local === true ? diskOf(mount.host) : mount.tree;
      const source = walk(from, mount.source, true, { links, mounts: mounts + 1 });
      return join(source, ...at.slice(length));
    }
    return join(base, tree, ...at);
  };

  return {
    root: (host) => join(base, treeOf(host)),
    locate: (host, absolute, follow = true) => walk(treeOf(host), absolute, follow, { links: 0, mounts: 0 }),
    isMount: (host, absolute) => table.get(treeOf(host))?.has(`/${names(absolute).join("/")}`) === true,
  };
}

function names(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}

function linkAt(path: string): string | undefined {
  try {
    // Asked first: most paths are not links, and readlink throws for those.
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true
      ? readlinkSync(path)
      : undefined;
  } catch (error) {
    if (["EINVAL", "ENOENT", "ENOTDIR"].includes(codeOf(error) ?? "")) return undefined;
    throw error;
  }
}

/** Links that form a cycle lead nowhere, as stat(2) sees it. */
export function unlessLoop(find: () => string): string | undefined {
  try {
    return find();
  } catch (error) {
    if (codeOf(error) === "ELOOP") return undefined;
    throw error;
  }
}

function tooManyLinks(path: string): Error {
  return Object.assign(new Error(`${path}: Too many levels of symbolic links`), { code: "ELOOP" });
}
