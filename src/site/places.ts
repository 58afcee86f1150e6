/** Places of a site's JSON files by their keys, and keys by their places: for questions about why something is as it is. */
import type { Origin } from "../origin.ts";
import type { SourceRef } from "../resource.ts";
import { fileShapes } from "./shapes/schemas.ts";
import { type ObjectShape, type Shape, shapeFor } from "./shapes/shape.ts";
import { Cell } from "./text/cell.ts";
import { parseJson } from "./text/json.ts";
import { SourceFile } from "./text/source-file.ts";

/** A value of a site's file. */
export interface Entry {
  readonly cell: Cell;
  /** Keys from the outside; an item of a list by its name or id, else by its index. */
  readonly path: readonly string[];
  readonly parent: Entry | undefined;
  readonly children: Entry[];
  /** Of the value, and of its key. */
  readonly first: number;
  readonly last: number;
}

/** What decides: a place of the site, or a default of Phoenix that a key would change. */
export type Decision =
  | { readonly kind: "declared"; readonly at: SourceRef; readonly path: readonly string[] }
  | {
      readonly kind: "default";
      readonly file: string;
      /** The key that would change it. */
      readonly path: readonly string[];
      /** What counts without the key, where the shapes say so. */
      readonly value: string | undefined;
      /** The heading of docs/keys.md that has the key. */
      readonly heading: string | undefined;
    };

interface ReadFile {
  readonly root: Entry;
  readonly byPlace: ReadonlyMap<string, Entry>;
}

export class SitePlaces {
  readonly #sources: ReadonlyMap<string, string>;
  readonly #files = new Map<string, ReadFile | undefined>();
  readonly #decisions = new WeakMap<Origin, { readonly decision: Decision | undefined }>();

  /** @param sources the texts of the site's files by their names */
  constructor(sources: ReadonlyMap<string, string>) {
    this.#sources = sources;
  }

  get files(): readonly string[] {
    return [...this.#sources.keys()];
  }

  /** The lines of a file; undefined when the site has no such file. */
  lines(file: string): readonly string[] | undefined {
    return this.#sources.get(file)?.split("\n");
  }

  /** Whether a value, or a whole file, begins at a place. */
  has(at: SourceRef): boolean {
    return this.#entryAt(at) !== undefined;
  }

  /** What decides an origin; undefined for an optional one whose keys are not there. */
  decide(origin: Origin): Decision | undefined {
    const known = this.#decisions.get(origin) ?? { decision: this.#decide(origin) };
    this.#decisions.set(origin, known);
    return known.decision;
  }

  #decide({ at, keys, optional }: Origin): Decision | undefined {
    const entry = this.#entryAt(at);
    if (keys === undefined || entry === undefined) {
      if (keys !== undefined && optional === true) return undefined;
      return { kind: "declared", at, path: entry?.path ?? [] };
    }
    for (const key of keys) {
      const found = below(entry, key.split("/"));
      if (found !== undefined) return { kind: "declared", at: placeOf(found), path: found.path };
    }
    if (optional === true) return undefined;
    return defaultOf(at.file, entry, (keys[0] ?? "").split("/"));
  }

  /** The innermost value that a line of a file is about: one that begins on it, else the one around it. */
  entryOn(file: string, line: number): Entry | undefined {
    const read = this.#read(file);
    if (read === undefined) return undefined;
    let found = read.root;
    for (;;) {
      const next =
        found.children.find((child) => child.first === line && child.last === line) ??
        found.children.find((child) => child.first <= line && line <= child.last);
      if (next === undefined) return found;
      found = next;
    }
  }

  /** Every value of a file. */
  entries(file: string): readonly Entry[] {
    return [...new Set(this.#read(file)?.byPlace.values() ?? [])];
  }

  #entryAt({ file, line, column }: SourceRef): Entry | undefined {
    const read = this.#read(file);
    return line === 1 && column === 1 ? read?.root : read?.byPlace.get(`${line}:${column}`);
  }

  #read(file: string): ReadFile | undefined {
    if (!this.#files.has(file)) this.#files.set(file, readFile(file, this.#sources.get(file)));
    return this.#files.get(file);
  }
}

/** Undefined for what is not one of the site's JSON files, or not valid JSON. */
function readFile(name: string, text: string | undefined): ReadFile | undefined {
  const shape = Object.values(fileShapes).find(
    ({ file }) => file === name || (file.includes("NAME") && /^stacks\/[^/]+\/phoenix\.json$/.test(name)),
  )?.shape;
  if (text === undefined || shape === undefined) return undefined;
  try {
    const file = new SourceFile(name, text);
    const byPlace = new Map<string, Entry>();
    const root = entryOf(new Cell(file, parseJson(text).root, shape), undefined, [], byPlace);
    return { root, byPlace };
  } catch {
    return undefined;
  }
}

function entryOf(
  cell: Cell,
  parent: Entry | undefined,
  path: readonly string[],
  byPlace: Map<string, Entry>,
): Entry {
  const { file, node } = cell;
  const children: Entry[] = [];
  const entry: Entry = {
    cell,
    path,
    parent,
    children,
    first: cell.keyRef.line,
    last: file.ref(Math.max(node.start, node.end - 1)).line,
  };
  for (const { line, column } of [cell.ref, cell.keyRef])
    if (!byPlace.has(`${line}:${column}`)) byPlace.set(`${line}:${column}`, entry);
  for (const [key, value] of cell.entries()) children.push(entryOf(value, entry, [...path, key], byPlace));
  for (const [at, item] of cell.items.entries())
    children.push(entryOf(item, entry, [...path, itemName(item) ?? String(at)], byPlace));
  return entry;
}

/** What an item of a list is called. */
function itemName(item: Cell): string | undefined {
  if (!item.isObject) return item.text?.split("=")[0];
  for (const key of ["name", "vmid", "ctid", "common_name", "destination_in_container"]) {
    const text = item.get(key)?.text;
    if (text !== undefined) return text;
  }
  return undefined;
}

/** The entry at the end of some steps; a value that is not an object or a list takes the steps that are left. */
function below(entry: Entry, steps: readonly string[]): Entry | undefined {
  let found = entry;
  for (const step of steps) {
    if (step === "..") {
      if (found.parent === undefined) return undefined;
      found = found.parent;
      continue;
    }
    const { node } = found.cell;
    if (node.kind !== "object" && node.kind !== "array") return found === entry ? undefined : found;
    const next = node.kind === "object" ? member(found, step) : item(found, step);
    if (next === undefined) return undefined;
    found = next;
  }
  return found;
}

function member(entry: Entry, key: string): Entry | undefined {
  const cell = entry.cell.get(key);
  return cell && entry.children.find((child) => child.cell.node === cell.node);
}

function item(entry: Entry, name: string): Entry | undefined {
  const named = entry.children.find(
    ({ cell }) => (cell.isObject ? cell.get("name")?.text : cell.text)?.toLowerCase() === name.toLowerCase(),
  );
  // A list of one kind of objects, of which the first counts.
  return named ?? (entry.children[0]?.cell.isObject === true ? member(entry.children[0], name) : undefined);
}

/** The place of a value; of an object or a list that of its key. */
function placeOf({ cell }: Entry): SourceRef {
  return cell.ref;
}

function defaultOf(file: string, entry: Entry, steps: readonly string[]): Decision {
  const keys = steps.filter((step) => step !== "..");
  let shape: Shape | undefined = entry.cell.shape;
  let owner: ObjectShape | undefined;
  for (const key of keys) {
    const object = shapeFor(shape, "object") ?? listed(shape);
    if (object?.kind !== "object") break;
    owner = object;
    shape = object.byName.get(key);
  }
  const value = /Default: (.*?)\.?$/s.exec(shape?.about ?? "")?.[1];
  return { kind: "default", file, path: [...entry.path, ...keys], value, heading: owner?.name };
}

/** The shape of the items of a list. */
function listed(shape: Shape | undefined): Shape | undefined {
  const list = shapeFor(shape, "array");
  return list?.kind === "list" ? shapeFor(list.of, "object") : undefined;
}
