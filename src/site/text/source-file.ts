/** The files of a site as text: read once, within limits, each failure a problem with its place. */
import {
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  type Stats,
  statSync,
} from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { codeOf, messageOf } from "../../errors.ts";
import { nearest } from "../../formats/text/nearest.ts";
import type { SourceRef } from "../../resource.ts";
import { siteFiles } from "../shapes/files.ts";
import type { Problems } from "./problems.ts";

/** Bytes: 16 MiB, many times the configuration of ten thousand guests. It keeps logs and dumps out. */
export const largestFile = 16 * 1024 * 1024;

const byteOrderMark = "\ufeff";

/** A text whose offsets become lines and columns. */
export class SourceFile {
  /** Relative to the site's root. */
  readonly name: string;
  readonly text: string;
  #lines: readonly number[] | undefined;

  constructor(name: string, text: string) {
    this.name = name;
    this.text = text;
  }

  /** The place of a span of offsets. */
  ref(start: number, end: number = start): SourceRef {
    const line = this.#lineOf(start);
    const lineStart = this.#starts[line] ?? 0;
    const next = this.#starts[line + 1] ?? this.text.length + 1;
    const place = { file: this.name, line: line + 1, column: start - lineStart + 1 };
    return end > start && end < next ? { ...place, endColumn: end - lineStart + 1 } : place;
  }

  get #starts(): readonly number[] {
    if (this.#lines === undefined) {
      const starts = [0];
      for (let at = this.text.indexOf("\n"); at >= 0; at = this.text.indexOf("\n", at + 1))
        starts.push(at + 1);
      this.#lines = starts;
    }
    return this.#lines;
  }

  /** The line, from 0, that holds an offset: the last that starts at or before it. */
  #lineOf(offset: number): number {
    const starts = this.#starts;
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** A file that a site was read from, for whoever keeps it. */
export interface SiteFile {
  /** Relative to the site's root. */
  readonly name: string;
  /** As it is on disk, secrets and a byte order mark included. */
  readonly text: string;
  /** What is secret in it as far as its reader knows; "whole" when any part of it may be. */
  readonly secrets: readonly { readonly start: number; readonly end: number }[] | "whole";
}

/** Reads files below one root and remembers their text for excerpts. */
export class SiteFiles {
  readonly root: string;
  readonly sources = new Map<string, string>();
  readonly #read = new Map<string, SiteFile>();
  readonly #problems: Problems;
  readonly #linksOut = new Set<string>();

  constructor(root: string, problems: Problems) {
    this.root = root;
    this.#problems = problems;
  }

  /**
   * A file's text without a byte order mark; undefined, with a problem reported, when it cannot be read.
   * @param asked the place that names the file, where the problem is shown; absent for the files that every site has
   */
  async read(name: string, asked?: SourceRef): Promise<SourceFile | undefined> {
    const at = asked ?? { file: name, line: 1, column: 1 };
    try {
      if (name.includes("\0"))
        throw Object.assign(new Error("a path cannot have a NUL character"), { code: "ENOENT" });
      const link = this.linkOut(name);
      if (link !== undefined) return this.#reportLink(link, asked);
      const path = realpathSync.native(join(this.root, name));
      const found = statSync(path);
      if (!found.isFile()) {
        const what = found.isDirectory() ? "a directory" : "a device or socket";
        return this.#problems.report("PHX0002", at, `${name} is ${what}, not a regular file`);
      }
      if (found.size > largestFile)
        return this.#problems.report(
          "PHX0003",
          at,
          `${name} is ${Math.ceil(found.size / 1024 / 1024)} MiB, more than the limit of 16 MiB`,
          { hint: "check whether it is a log or a dump instead of a configuration file" },
        );
      return this.#decode(name, readFileSync(path), at);
    } catch (error) {
      const isMissing = codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR";
      if (isMissing)
        this.#problems.report("PHX0001", at, `${name} does not exist`, {
          hint: offered(this.neighbour(name)),
        });
      else this.#problems.report("PHX0002", at, `cannot read ${name}: ${reasonOf(error)}`);
      return undefined;
    }
  }

  /** Every file that was read, in the order of their names. */
  get all(): readonly SiteFile[] {
    return [...this.#read.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Hides a whole file from excerpts: any part of it may be secret. */
  concealWhole(name: string): void {
    this.sources.delete(name);
    const file = this.#read.get(name);
    if (file !== undefined) this.#read.set(name, { ...file, secrets: "whole" });
  }

  /** Hides a span of a file, a secret, from excerpts. Places stay correct. */
  conceal({ name }: SourceFile, start: number, end: number): void {
    const file = this.#read.get(name);
    if (file !== undefined && file.secrets !== "whole") {
      const shift = file.text.startsWith(byteOrderMark) ? 1 : 0;
      const span = { start: start + shift, end: end + shift };
      this.#read.set(name, { ...file, secrets: [...file.secrets, span] });
    }
    const text = this.sources.get(name);
    if (text !== undefined)
      this.sources.set(name, text.slice(0, start) + "*".repeat(end - start) + text.slice(end));
  }

  /** Hides the values of a line from excerpts: all that comes after its key. */
  concealLine({ file, line }: SourceRef): void {
    const lines = this.sources.get(file)?.split("\n");
    const text = lines?.[line - 1];
    if (lines === undefined || text === undefined) return;
    const shown = /^\s*(?:- +)?(?:["']?[\w.-]+["']?\s*:\s*)?/.exec(text)?.[0].length ?? 0;
    lines[line - 1] = text.slice(0, shown) + text.slice(shown).replace(/\S/g, "*");
    this.sources.set(file, lines.join("\n"));
  }

  /** Whether a file or directory of this name exists; a link counts, wherever it leads. */
  async exists(name: string): Promise<boolean> {
    if (name.includes("\0")) return false;
    return this.linkOut(name) !== undefined || entryAt(join(this.root, name)) !== undefined;
  }

  /** The name of a path relative to the root, when the path lies within it (links followed). */
  async within(path: string): Promise<string | undefined> {
    const name = relative(this.root, isAbsolute(path) ? path : join(this.root, path));
    return isInside(name) && this.linkOut(name) === undefined ? name : undefined;
  }

  /**
   * The one rule of the site's boundary: the name of the first link on the way to a file that leads out of the site, also when it leads
   * to nothing; undefined when there is none. Reads nothing of what it leads to.
   * @param name relative to the root
   */
  linkOut(name: string): string | undefined {
    const root = realpathSync.native(this.root);
    const parts = name.split(sep);
    for (let depth = 1; depth <= parts.length; depth++) {
      const link = parts.slice(0, depth).join(sep);
      const path = join(this.root, link);
      const found = entryAt(path);
      if (found === undefined) return undefined;
      if (found.isSymbolicLink() && !isInside(relative(root, destinationOf(path)))) return link;
    }
    return undefined;
  }

  /** Once for each link: a link to a directory is on the way to several files. */
  #reportLink(link: string, asked: SourceRef | undefined): undefined {
    if (this.#linksOut.has(link)) return;
    this.#linksOut.add(link);
    const at = asked ?? { file: link, line: 1, column: 1 };
    this.#problems.report("PHX0007", at, `${link} is a link that leads out of the site`, {
      hint: "replace it by what it leads to",
    });
  }

  /** A file of nearly this name in the same directory. */
  neighbour(name: string): string | undefined {
    try {
      const directory = dirname(name);
      const own: readonly string[] = Object.values(siteFiles);
      const paths = readdirSync(join(this.root, directory)).map((file) => join(directory, file));
      const near = nearest(
        basename(name),
        paths.filter((path) => path !== name && !own.includes(path)).map((path) => basename(path)),
      );
      return near === undefined ? undefined : join(directory, near);
    } catch {
      return undefined;
    }
  }

  /** Names of the directories and links in a directory, hidden ones left out; empty when it is not there. */
  directories(name: string): readonly string[] {
    try {
      return readdirSync(join(this.root, name), { withFileTypes: true })
        .filter((entry) => !entry.name.startsWith(".") && (entry.isDirectory() || entry.isSymbolicLink()))
        .map((entry) => entry.name)
        .sort();
    } catch {
      return [];
    }
  }

  /** Remembers a file's text as it is on disk, and returns it without a byte order mark. */
  protected remember(name: string, text: string): SourceFile {
    // Read again for another stack, it stays as secret as it is.
    if (!this.#read.has(name)) this.#read.set(name, { name, text, secrets: [] });
    const shown = text.startsWith(byteOrderMark) ? text.slice(1) : text;
    this.sources.set(name, shown);
    return new SourceFile(name, shown);
  }

  #decode(name: string, bytes: Buffer, at: SourceRef): SourceFile | undefined {
    try {
      return this.remember(name, new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
    } catch {
      return this.#problems.report("PHX0004", at, `${name} is not UTF-8 text`, {
        hint: "save it as UTF-8; Phoenix does not read UTF-16 or Latin-1",
      });
    }
  }
}

/** Files of a site as they were kept: only what its references name is read from disk. */
export class KeptSiteFiles extends SiteFiles {
  readonly #texts: ReadonlyMap<string, string>;

  /** @param texts the files' texts by their names */
  constructor(root: string, problems: Problems, texts: ReadonlyMap<string, string>) {
    super(root, problems);
    this.#texts = texts;
  }

  override async read(name: string, asked?: SourceRef): Promise<SourceFile | undefined> {
    const text = this.#texts.get(name);
    return text === undefined ? super.read(name, asked) : this.remember(name, text);
  }

  override async exists(name: string): Promise<boolean> {
    return this.#texts.has(name) || [...this.#texts.keys()].some((one) => one.startsWith(`${name}/`));
  }

  override async within(path: string): Promise<string | undefined> {
    const name = relative(this.root, resolve(this.root, path));
    return isInside(name) ? name : undefined;
  }

  override neighbour(): undefined {
    return undefined;
  }

  override directories(name: string): readonly string[] {
    const below = [...this.#texts.keys()].filter((one) => one.startsWith(`${name}/`));
    const parts = below.map((one) => one.slice(name.length + 1).split("/"));
    return [
      ...new Set(
        parts.flatMap(([first, ...rest]) => (first !== undefined && rest.length > 0 ? [first] : [])),
      ),
    ].sort();
  }
}

/** Whether a path, or one relative to the root, lies below the root by its name. */
export function isBelow(root: string, path: string): boolean {
  return !path.startsWith("~/") && isInside(relative(root, resolve(root, path)));
}

function offered(name: string | undefined): string | undefined {
  return name === undefined ? undefined : `did you mean ${name}?`;
}

function isInside(name: string): boolean {
  return name !== ".." && !name.startsWith(`..${sep}`) && !isAbsolute(name);
}

/** What is at a path, a link itself included; undefined when nothing can be. */
function entryAt(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (codeOf(error) === "ENOTDIR" || codeOf(error) === "ELOOP") return undefined;
    throw error;
  }
}

/** Where a link leads in the end; of one that leads to nothing, the place that it names. */
function destinationOf(link: string): string {
  try {
    return realpathSync.native(link);
  } catch (error) {
    // A cycle of links leads nowhere else.
    if (codeOf(error) === "ELOOP") return realpathSync.native(dirname(link));
    return resolve(realpathSync.native(dirname(link)), readlinkSync(link));
  }
}

/** The system's reason without the path, which the message already names: "permission denied". */
function reasonOf(error: unknown): string {
  return /^[A-Z0-9]+: ([^,]+)/.exec(messageOf(error))?.[1] ?? messageOf(error);
}
