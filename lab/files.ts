/** The file system of lab hosts: real files in the lab's directory, with the modes and owners that root would see. */
import {
  chmodSync,
  lstatSync,
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
import { codeOf, readTextIfThere } from "./store.ts";
import type { Trees } from "./tree.ts";

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
  /** A file's text, undefined when there is none. */
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

export interface FilesOptions {
  readonly directory: string;
  readonly store: LabStore;
  readonly trees: Trees;
  readonly clock: Pick<Clock, "now">;
  /** Called before each change, with what it is. */
  readonly changing: (what: string) => void;
}

export function createFiles({ directory, store, trees, clock, changing }: FilesOptions): LabFiles {
  const base = join(directory, "hosts");
  const keyOf = (real: string): string => relative(base, real);
  const attributes = (real: string): Attributes => store.read<AttributeTable>(document)?.[keyOf(real)] ?? {};
  const setAttributes = (real: string, next: Attributes | undefined): void => {
    const table = { ...store.read<AttributeTable>(document) };
    const key = keyOf(real);
    const below = Object.keys(table).filter((each) => each === key || each.startsWith(`${key}/`));
    if (below.length === 0 && isEmpty(next)) return;
    for (const each of next === undefined ? below : [key]) delete table[each];
    if (next !== undefined && !isEmpty(next)) table[key] = next;
    store.write(document, table);
  };
  /** Our own access is kept, whatever the mode says: without root a file of mode 0 could not be read again. */
  const attribute = (real: string, mode: string, account: Account, needed: number): void => {
    const wanted = Number.parseInt(mode, 8);
    chmodSync(real, wanted | needed);
    setAttributes(real, {
      ...(account.uid === 0 ? {} : { uid: account.uid }),
      ...(account.gid === 0 ? {} : { gid: account.gid }),
      ...((wanted | needed) === wanted ? {} : { mode: wanted.toString(8) }),
    });
  };
  const at = (host: HostName, path: string): string => trees.locate(host, path);
  /** The real place of a name itself, a last link not followed. */
  const place = (host: HostName, path: string): string => trees.locate(host, path, false);
  const temporaryIn = (real: string): string =>
    join(real, `.phx.${Math.random().toString(36).slice(2, 8).padEnd(6, "0")}`);

  const files: LabFiles = {
    status: (host, path, follow = true) => {
      const real = follow ? at(host, path) : place(host, path);
      const stats = lstatIfThere(real);
      if (stats === undefined) return undefined;
      const { uid = 0, gid = 0, mode } = attributes(real);
      const own = isPmxcfs(host, path) && stats.isFile() ? pmxcfs : undefined;
      return {
        kind: kindOf(stats),
        mode: own?.mode ?? mode ?? (stats.mode & 0o7777).toString(8),
        account: own?.account ?? { uid, gid },
        size: stats.size,
        modifiedMs: stats.mtimeMs,
      };
    },
    read: (host, path) => readFileSync(at(host, path)),
    text: (host, path) => readTextIfThere(at(host, path)),
    linkTarget: (host, path) => {
      if (trees.isMount(host, path)) return undefined;
      const real = place(host, path);
      return lstatIfThere(real)?.isSymbolicLink() === true ? readlinkSync(real) : undefined;
    },
    list: (host, path) => readdirSync(at(host, path)).sort(),
    write: (host, path, content, { mode = "644", account = root, staging } = {}) => {
      changing(`write ${path}`);
      const real = place(host, path);
      mkdirSync(dirname(real), { recursive: true, mode: 0o755 });
      const temporary = temporaryIn(staging === undefined ? dirname(real) : at(host, staging));
      try {
        writeFileSync(temporary, content, { mode: 0o600 });
        utimesSync(temporary, clock.now() / 1000, clock.now() / 1000);
        chmodSync(temporary, Number.parseInt(mode, 8) | 0o600);
        renameSync(temporary, real);
      } catch (error) {
        rmSync(temporary, { force: true });
        throw error;
      }
      attribute(real, mode, account, 0o600);
    },
    makeDirectory: (host, path, { mode = "755", account = root } = {}) => {
      const real = at(host, path);
      const before = lstatIfThere(real);
      if (before?.isDirectory() === true) return;
      changing(`make ${path}`);
      mkdirSync(real, { recursive: true, mode: 0o755 });
      attribute(real, mode, account, 0o700);
    },
    makeLink: (host, target, path) => {
      changing(`link ${path}`);
      const real = place(host, path);
      const temporary = temporaryIn(dirname(real));
      symlinkSync(target, temporary);
      renameSync(temporary, real);
      setAttributes(real, undefined);
    },
    remove: (host, path) => {
      if (trees.isMount(host, path)) throw systemError("EBUSY", path);
      const real = place(host, path);
      if (lstatIfThere(real) === undefined) return;
      changing(`remove ${path}`);
      rmSync(real, { recursive: true });
      setAttributes(real, undefined);
    },
    move: (host, from, to) => {
      changing(`move ${from}`);
      const [source, target] = [place(host, from), place(host, to)];
      const kept = attributes(source);
      renameSync(source, target);
      setAttributes(source, undefined);
      setAttributes(target, kept);
    },
    changeMode: (host, path, { mode, account }) => {
      const status = files.status(host, path);
      if (status === undefined) throw systemError("ENOENT", path);
      changing(`change the mode of ${path}`);
      const needed = status.kind === "directory" ? 0o700 : 0o600;
      attribute(at(host, path), mode ?? status.mode, account ?? status.account, needed);
    },
    touch: (host, path) => {
      changing(`touch ${path}`);
      utimesSync(at(host, path), clock.now() / 1000, clock.now() / 1000);
    },
    ownerNames: (host, account) => accountNames(account, etc(host, "passwd"), etc(host, "group")),
    accountOf: (host, spec) => accountOf(spec, etc(host, "passwd"), etc(host, "group")),
  };
  const etc = (host: HostName, name: string): string => files.text(host, `/etc/${name}`) ?? "";
  return files;
}

/** Whether the path is below /etc/pve on the hypervisor, where pmxcfs decides about modes. */
export function isPmxcfs(host: HostName, path: string): boolean {
  return host === "pve" && path.startsWith("/etc/pve/");
}

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

function isEmpty(attributes: Attributes | undefined): boolean {
  return attributes === undefined || Object.keys(attributes).length === 0;
}

function lstatIfThere(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    throw error;
  }
}

function kindOf(stats: Stats): FileStatus["kind"] {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "directory";
  return stats.isSymbolicLink() ? "link" : "other";
}
