/** The file system of lab hosts: real files in the lab's directory, with the modes and owners that root would see. */
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  type Stats,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import type { Clock } from "../src/component.ts";
import type { HostName } from "../src/resource.ts";
import { type Account, accountNames, accountOf, root } from "./accounts.ts";
import type { LabStore } from "./context.ts";
import type { LabMount } from "./facts.ts";
import { isNode } from "./nodes.ts";
import { isBelow, kindOf, lstatIfThere, systemError, temporaryIn } from "./real-files.ts";
import { readTextIfThere } from "./store.ts";
import { type Trees, unlessLoop } from "./tree.ts";
import { type Access, mayAccess, type Namespace, namespaceOf } from "./user-namespace.ts";

export interface FileStatus {
  readonly kind: "file" | "directory" | "link" | "other";
  /** Octal digits without leading zero. */
  readonly mode: string;
  readonly account: Account;
  readonly size: number;
  /** Milliseconds since the epoch, by the lab's clock. */
  readonly modifiedMs: number;
}

export interface FileOptions {
  /** Octal digits; 644 for files and 755 for directories unless given. */
  readonly mode?: string;
  readonly account?: Account;
  /** A directory on the host for the temporary file. */
  readonly staging?: string;
}

/** All paths are absolute, as the host sees them. Every change goes through `changing`. Failures are the system's own errors. */
export interface LabFiles {
  status(host: HostName, path: string, follow?: boolean): FileStatus | undefined;
  read(host: HostName, path: string): Buffer;
  /** A file's text, undefined when there is none, or its links form a cycle. */
  text(host: HostName, path: string): string | undefined;
  linkTarget(host: HostName, path: string): string | undefined;
  list(host: HostName, directory: string): readonly string[];
  /** Replaces a file whole; a link in its place is replaced, not followed. */
  write(host: HostName, path: string, content: string | Uint8Array, options?: FileOptions): void;
  /** `mkdir -p`: makes what is missing; the mode is the last directory's. */
  makeDirectory(host: HostName, path: string, options?: FileOptions): void;
  makeLink(host: HostName, target: string, path: string): void;
  /** Removes whatever is there, directories with their content; absent is fine. A mount point is busy. */
  remove(host: HostName, path: string): void;
  move(host: HostName, from: string, to: string): void;
  changeMode(host: HostName, path: string, options: Pick<FileOptions, "mode" | "account">): void;
  /** Sets the modification time to now. */
  touch(host: HostName, path: string): void;
  /** Whether a process of the host may read the file: one of an unprivileged container may not read what others keep from it. */
  isReadable(host: HostName, path: string, process: Account): boolean;
  ownerNames(host: HostName, account: Account): string;
  accountOf(host: HostName, spec: string): Account | string;
}

/** What the real file system cannot keep without root; the rest is in the real file's mode. */
interface Attributes {
  readonly uid?: number;
  readonly gid?: number;
  readonly mode?: string;
}

type AttributeTable = Record<string, Attributes>;

const document = "modes";

/** /etc/pve gives every file the same mode and owner (pve-cluster 9.1): 640 root:www-data. */
const pmxcfs = { mode: "640", account: { uid: 0, gid: 33 } };

let changes = 0;

/** How many changes of files this process has made in labs. */
export function changeCount(): number {
  return changes;
}

export interface FilesOptions {
  readonly directory: string;
  readonly store: LabStore;
  readonly trees: Trees;
  readonly mounts: readonly LabMount[];
  readonly clock: Pick<Clock, "now">;
  /** Called before each change, with what it is. */
  readonly changing: (what: string) => void;
  /** The configuration of a container, by its number. */
  readonly containerConfig: (id: number) => string | undefined;
  /** What a file says that is not on the disk; undefined for every other one. */
  readonly madeUp: (host: HostName, path: string) => string | undefined;
  /** The names of such files in a directory. */
  readonly madeUpNames: (host: HostName, path: string) => readonly string[];
  /** Whether the host may change /etc/pve now. */
  readonly mayChangeCluster: (host: HostName) => boolean;
}

export function createFiles(options: FilesOptions): LabFiles {
  return new HostFiles(options);
}

class HostFiles implements LabFiles {
  readonly #base: string;
  readonly #options: FilesOptions;

  constructor(options: FilesOptions) {
    this.#base = join(options.directory, "hosts");
    this.#options = options;
  }

  status(host: HostName, path: string, follow = true): FileStatus | undefined {
    const madeUp = this.#options.madeUp(host, path);
    if (madeUp !== undefined)
      return { ...pmxcfs, kind: "file", mode: "440", size: Buffer.byteLength(madeUp), modifiedMs: 0 };
    const real = unlessLoop(() => (follow ? this.#at(host, path) : this.#place(host, path)));
    const stats = real === undefined ? undefined : lstatIfThere(real);
    if (real === undefined || stats === undefined) return undefined;
    const onDisk = this.#onDisk(real, stats);
    const { mode, account } = isPmxcfs(host, path) && stats.isFile() ? pmxcfs : onDisk;
    return {
      kind: kindOf(stats),
      mode,
      account: this.#shared(host, real)?.namespace.toContainer(account) ?? account,
      size: stats.size,
      modifiedMs: stats.mtimeMs,
    };
  }

  read(host: HostName, path: string): Buffer {
    const madeUp = this.#options.madeUp(host, path);
    return madeUp === undefined ? readFileSync(this.#readable(host, path)) : Buffer.from(madeUp);
  }

  text(host: HostName, path: string): string | undefined {
    const madeUp = this.#options.madeUp(host, path);
    if (madeUp !== undefined) return madeUp;
    const real = unlessLoop(() => this.#readable(host, path));
    return real === undefined ? undefined : readTextIfThere(real);
  }

  isReadable(host: HostName, path: string, process: Account): boolean {
    return this.#allows(host, this.#at(host, path), process, 4);
  }

  linkTarget(host: HostName, path: string): string | undefined {
    if (this.#options.trees.isMount(host, path)) return undefined;
    const real = this.#place(host, path);
    return lstatIfThere(real)?.isSymbolicLink() === true ? readlinkSync(real) : undefined;
  }

  list(host: HostName, path: string): readonly string[] {
    return [...readdirSync(this.#readable(host, path)), ...this.#options.madeUpNames(host, path)].sort();
  }

  write(
    host: HostName,
    path: string,
    content: string | Uint8Array,
    { mode = "644", account = root, staging }: FileOptions = {},
  ): void {
    const { clock } = this.#options;
    const real = this.#place(host, path);
    this.#change(host, real, `write ${path}`);
    if (lstatIfThere(dirname(real)) !== undefined && !this.#allows(host, dirname(real), root, 2))
      throw systemError("EACCES", path);
    mkdirSync(dirname(real), { recursive: true, mode: 0o755 });
    const temporary = temporaryIn(staging === undefined ? dirname(real) : this.#at(host, staging));
    try {
      writeFileSync(temporary, content, { mode: 0o600 });
      utimesSync(temporary, clock.now() / 1000, clock.now() / 1000);
      chmodSync(temporary, Number.parseInt(mode, 8) | 0o600);
      renameSync(temporary, real);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
    this.#setMode(host, real, mode, account, 0o600);
  }

  makeDirectory(host: HostName, path: string, { mode = "755", account = root }: FileOptions = {}): void {
    const real = this.#at(host, path);
    if (lstatIfThere(real)?.isDirectory() === true) return;
    this.#change(host, real, `make ${path}`);
    mkdirSync(real, { recursive: true, mode: 0o755 });
    this.#setMode(host, real, mode, account, 0o700);
  }

  makeLink(host: HostName, target: string, path: string): void {
    const real = this.#place(host, path);
    this.#change(host, real, `link ${path}`);
    mkdirSync(dirname(real), { recursive: true });
    const temporary = temporaryIn(dirname(real));
    symlinkSync(target, temporary);
    renameSync(temporary, real);
    this.#setAttributes(real, undefined);
  }

  remove(host: HostName, path: string): void {
    if (this.#options.trees.isMount(host, path)) throw systemError("EBUSY", path);
    const real = this.#place(host, path);
    if (lstatIfThere(real) === undefined) return;
    this.#change(host, real, `remove ${path}`);
    rmSync(real, { recursive: true });
    this.#setAttributes(real, undefined);
  }

  move(host: HostName, from: string, to: string): void {
    const [source, target] = [this.#place(host, from), this.#place(host, to)];
    for (const real of [source, target]) this.#change(host, real, `move ${from}`);
    const kept = this.#attributes(source);
    renameSync(source, target);
    this.#setAttributes(source, undefined);
    this.#setAttributes(target, kept);
  }

  changeMode(host: HostName, path: string, { mode, account }: Pick<FileOptions, "mode" | "account">): void {
    const status = this.status(host, path);
    if (status === undefined) throw systemError("ENOENT", path);
    const real = this.#at(host, path);
    this.#change(host, real, `change the mode of ${path}`);
    const needed = status.kind === "directory" ? 0o700 : 0o600;
    this.#setMode(host, real, mode ?? status.mode, account ?? status.account, needed);
  }

  touch(host: HostName, path: string): void {
    const { clock } = this.#options;
    const real = this.#at(host, path);
    this.#change(host, real, `touch ${path}`);
    utimesSync(real, clock.now() / 1000, clock.now() / 1000);
  }

  ownerNames(host: HostName, account: Account): string {
    return accountNames(account, this.#etc(host, "passwd"), this.#etc(host, "group"));
  }

  accountOf(host: HostName, spec: string): Account | string {
    return accountOf(spec, this.#etc(host, "passwd"), this.#etc(host, "group"));
  }

  /** Called before each change of a real path. @throws EACCES for one of /etc/pve without quorum */
  #change(host: HostName, real: string, what: string): void {
    this.#options.changing(what);
    changes += 1;
    const { trees, mayChangeCluster } = this.#options;
    if (isBelow(real, join(trees.root("pve"), "etc/pve")) && !mayChangeCluster(host))
      throw systemError("EACCES", what);
  }

  #etc(host: HostName, name: string): string {
    return this.text(host, `/etc/${name}`) ?? "";
  }

  #at(host: HostName, path: string): string {
    return this.#options.trees.locate(host, path);
  }

  /** The real place of a name itself, a last link not followed. */
  #place(host: HostName, path: string): string {
    return this.#options.trees.locate(host, path, false);
  }

  /** The namespace of a container that sees the real path below a mount point, and that mount's own real path. */
  #shared(host: HostName, real: string): { namespace: Namespace; base: string } | undefined {
    const id = /^lxc\/(\d+)$/.exec(host)?.[1];
    if (id === undefined || isBelow(real, this.#options.trees.root(host))) return undefined;
    const { mounts, trees } = this.#options;
    const [mount] = mounts
      .filter((each) => each.host === host && each.tree === "pve")
      .map(({ path, source, local }) => ({
        path,
        base: local === true ? trees.locate(host, path) : trees.locate("pve", source),
      }))
      .filter(({ base }) => isBelow(real, base))
      .sort((a, b) => b.base.length - a.base.length);
    const config = this.#options.containerConfig(Number(id));
    if (mount === undefined || config === undefined) return undefined;
    const namespace = namespaceOf(config, mount.path);
    return namespace && { namespace, base: mount.base };
  }

  /** Whether a process may do that with a file, and enter the directories that lead there from the mount point. */
  #allows(host: HostName, real: string, process: Account, access: Access): boolean {
    const shared = this.#shared(host, real);
    const stats = lstatIfThere(real);
    if (shared === undefined || stats === undefined) return true;
    if (!mayAccess(shared.namespace, this.#onDisk(real, stats), process, access)) return false;
    return real === shared.base || this.#allows(host, dirname(real), process, 1);
  }

  /** @throws EACCES when the host's root may not read what is there */
  #readable(host: HostName, path: string): string {
    const real = this.#at(host, path);
    if (!this.#allows(host, real, root, 4)) throw systemError("EACCES", path);
    return real;
  }

  #onDisk(real: string, stats: Stats): { readonly account: Account; readonly mode: string } {
    const { uid = 0, gid = 0, mode = (stats.mode & 0o7777).toString(8) } = this.#attributes(real);
    return { account: { uid, gid }, mode };
  }

  #attributes(real: string): Attributes {
    return this.#options.store.read<AttributeTable>(document)?.[relative(this.#base, real)] ?? {};
  }

  #setAttributes(real: string, next: Attributes | undefined): void {
    const { store } = this.#options;
    const table = { ...store.read<AttributeTable>(document) };
    const key = relative(this.#base, real);
    const below = Object.keys(table).filter((each) => each === key || each.startsWith(`${key}/`));
    if (below.length === 0 && isEmpty(next)) return;
    for (const each of next === undefined ? below : [key]) delete table[each];
    if (next !== undefined && !isEmpty(next)) table[key] = next;
    store.write(document, table);
  }

  /** Keeps our own access, whatever the mode says: without root a file of mode 0 could not be read again. */
  #setMode(host: HostName, real: string, mode: string, account: Account, needed: number): void {
    const wanted = Number.parseInt(mode, 8);
    const shared = this.#shared(host, real);
    const owner = shared === undefined ? account : shared.namespace.toDisk(account);
    if (owner === undefined) throw systemError("EINVAL", real);
    chmodSync(real, wanted | needed);
    this.#setAttributes(real, {
      ...(owner.uid === 0 ? {} : { uid: owner.uid }),
      ...(owner.gid === 0 ? {} : { gid: owner.gid }),
      ...((wanted | needed) === wanted ? {} : { mode: wanted.toString(8) }),
    });
  }
}

/** Whether the path is below /etc/pve on a node, where pmxcfs decides about modes. */
export function isPmxcfs(host: HostName, path: string): boolean {
  return isNode(host) && path.startsWith("/etc/pve/");
}

function isEmpty(attributes: Attributes | undefined): boolean {
  return attributes === undefined || Object.keys(attributes).length === 0;
}
