/** Every key of the site's files, with what the reference says of it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileShapes } from "../../src/site/shapes/schemas.ts";
import { type ObjectShape, type Shape, shapeFor } from "../../src/site/shapes/shape.ts";
import { type JsonNode, parseJson } from "../../src/site/text/json.ts";
import { objectsSince } from "./shapes.ts";

const root = join(import.meta.dirname, "../..");

/** What a key has that says no other version. */
export const firstVersion = "0.1";

export interface KeyObject {
  readonly shape: ObjectShape;
  readonly keys: readonly Key[];
}

export interface Key {
  readonly name: string;
  readonly shape: Shape;
  readonly isRequired: boolean;
  /** What is so without the key: "9443", "the guest's name"; absent where nothing takes its place. */
  readonly preset?: string | undefined;
  /** A value in JSON; absent where the key holds objects, which have keys of their own. */
  readonly example?: string | undefined;
  readonly since: string;
  /** Without the sentence about the default. */
  readonly about: string;
}

/** The objects of each file, outer ones first; an object stands where it comes first. */
export function keyObjects(): ReadonlyMap<keyof typeof fileShapes, readonly KeyObject[]> {
  const examples = examplesByKey();
  const seen = new Set<string>();
  const oldest = oldestVersions();
  const found = new Map<keyof typeof fileShapes, readonly KeyObject[]>();
  for (const name of fileNames)
    found.set(
      name,
      objectsSince(fileShapes[name].shape, firstVersion).flatMap(({ shape, since }) => {
        if (seen.has(shape.name)) return [];
        seen.add(shape.name);
        return [{ shape, keys: keysOf(shape, oldest.get(shape.name) ?? since, examples) }];
      }),
    );
  return found;
}

/** "0.10" comes after "0.9". */
const byNumbers = new Intl.Collator("en", { numeric: true });

/** The version that brought each object: the oldest, where it is used in several places. */
function oldestVersions(): ReadonlyMap<string, string> {
  const oldest = new Map<string, string>();
  for (const name of fileNames)
    for (const { shape, since } of objectsSince(fileShapes[name].shape, firstVersion)) {
      const known = oldest.get(shape.name) ?? since;
      oldest.set(shape.name, byNumbers.compare(since, known) < 0 ? since : known);
    }
  return oldest;
}

const fileNames = Object.keys(fileShapes) as readonly (keyof typeof fileShapes)[];

function keysOf(object: ObjectShape, since: string, examples: ReadonlyMap<string, string>): readonly Key[] {
  return Object.entries(object.keys).flatMap(([name, shape]): readonly Key[] => {
    if (shape.kind === "anything") return [];
    const { about, preset } = splitAbout(shape.about ?? "");
    return [
      {
        name,
        shape,
        isRequired: object.needs.includes(name),
        preset,
        example: examples.get(idOf(object, name)),
        since: shape.since ?? since,
        about,
      },
    ];
  });
}

/** "The bridge. Default: vmbr0." → "The bridge." and "vmbr0"; "Default in X: Y." → "Y, in X". */
function splitAbout(text: string): { about: string; preset: string | undefined } {
  const [, about, where, preset] = /^(.*?)\s*Default(?: (in [^:]*))?: (.+?)\.?$/s.exec(text) ?? [];
  if (about === undefined || preset === undefined) return { about: text, preset: undefined };
  return { about, preset: where === undefined ? preset : `${preset}, ${where}` };
}

function idOf(object: ObjectShape, key: string): string {
  return `${object.name}.${key}`;
}

/** The first value of each key in the sites of examples/, and of rare keys in examples.json; short ones count before long ones. */
function examplesByKey(): ReadonlyMap<string, string> {
  const examples = new Map<string, string>();
  const add = (id: string, value: unknown): void => {
    const text = spaced(value);
    const known = examples.get(id);
    if (text.length <= longest && (known === undefined || known.length > 2 * text.length))
      examples.set(id, text);
  };
  for (const { name, value } of documents()) visit(fileShapes[name].shape, value, add);
  return examples;
}

/** A longer example tells less than the example sites do. */
const longest = 72;

function documents(): readonly { name: keyof typeof fileShapes; value: unknown }[] {
  const sites = readdirSync(join(root, "examples")).map((name) => join(root, "examples", name));
  const rare = JSON.parse(readFileSync(join(root, "script/reference/examples.json"), "utf8"));
  return fileNames.flatMap((name) => [
    ...sites.flatMap((site) =>
      pathsOf(site, fileShapes[name].file).map((path) => ({
        name,
        value: plain(parseJson(readFileSync(path, "utf8")).root),
      })),
    ),
    { name, value: rare[name] },
  ]);
}

function pathsOf(site: string, file: string): readonly string[] {
  const [folder = "", rest] = file.split("/NAME/");
  const stacks = join(site, folder);
  if (rest !== undefined && !existsSync(stacks)) return [];
  const paths =
    rest === undefined ? [join(site, file)] : readdirSync(stacks).map((name) => join(stacks, name, rest));
  return paths.filter((path) => existsSync(path));
}

/** Visits every key of a value that a shape knows. */
function visit(shape: Shape | undefined, value: unknown, add: (id: string, value: unknown) => void): void {
  if (Array.isArray(value)) {
    const list = shapeFor(shape, "array");
    if (list?.kind === "list") for (const item of value) visit(list.of, item, add);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  const holder = shapeFor(shape, "object");
  for (const [key, member] of Object.entries(value)) {
    if (holder?.kind === "map") visit(holder.of, member, add);
    if (holder?.kind !== "object") continue;
    const inner = holder.byName.get(key);
    const isAlias = !(key in holder.keys);
    const name = isAlias ? Object.keys(holder.keys).find((each) => holder.keys[each] === inner) : key;
    if (inner === undefined || name === undefined) continue;
    add(idOf(holder, name), member);
    visit(inner, member, add);
  }
}

function plain(node: JsonNode): unknown {
  switch (node.kind) {
    case "object":
      return Object.fromEntries([...node.members].map(([key, { value }]) => [key, plain(value)]));
    case "array":
      return node.items.map(plain);
    case "null":
      return null;
    default:
      return node.value;
  }
}

/** JSON on one line, with spaces. */
function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}: ${spaced(member)}`);
  return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
}
