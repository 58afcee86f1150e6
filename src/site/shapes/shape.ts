/**
 * Shapes: tables of the keys that an object has, their other names, and the kind of their values. One table serves the reader
 * that reports what does not fit, the cells that find a value by any of its names, the JSON Schemas for editors, and the docs.
 */

/** What the keys of notes begin with, as a regular expression: nobody reads such a key. */
export const notePrefix = String.raw`\$|_(?!_)|//|#`;

/** Keys that are notes as a whole, in upper or lower case. */
export const noteKeys: readonly string[] = ["comment", "comments", "description", "note", "notes"];

interface About {
  /** For editors and the docs; a last sentence "Default: …" says what is so without the key. */
  readonly about?: string | undefined;
  /** The version that brought the key, where it is not the first one. What is below the key is as new. */
  readonly since?: string;
  /** Other names of the key that has this shape. The first one present counts, the key itself before them. */
  readonly aliases?: readonly string[];
}

export type Shape =
  | (About & {
      readonly kind: "text";
      readonly examples?: readonly string[];
      /** It may hold any character, also line ends. */
      readonly any?: true;
    })
  | (About & { readonly kind: "integer"; readonly least: number; readonly most: number })
  | (About & { readonly kind: "flag" })
  | (About & { readonly kind: "choice"; readonly of: readonly string[] })
  | (About & { readonly kind: "list"; readonly of: Shape })
  | MapShape
  | ObjectShape
  | (About & { readonly kind: "either"; readonly of: readonly Shape[] })
  | (About & { readonly kind: "anything" });

export interface MapShape extends About {
  readonly kind: "map";
  readonly of: Shape;
  readonly keys?: RegExp;
}

export interface ObjectShape extends About {
  readonly kind: "object";
  /** What it is called in messages: "a firewall rule". */
  readonly name: string;
  readonly keys: Readonly<Record<string, Shape>>;
  /** The shapes of `keys`, by their aliases too. */
  readonly byName: ReadonlyMap<string, Shape>;
  /** Keys that must be there, under any of their names. */
  readonly needs: readonly string[];
}

/** The anchor of an object's keys in docs/keys.md: "dns-server". @param name of its shape: "the DNS server" */
export function keysHeading(name: string): string {
  return name
    .replace(/^(?:an?|the) /, "")
    .toLowerCase()
    .replaceAll("'", "")
    .replaceAll(" ", "-");
}

/** Text, or a number that stands for its digits. Editors offer the examples. */
export const text = (about?: string, ...examples: readonly string[]): Shape => ({
  kind: "text",
  about,
  ...(examples.length === 0 ? {} : { examples }),
});

/** Text of any characters and lines: the value of a variable, a secret. */
export const anyText = (about?: string): Shape => ({ kind: "text", about, any: true });

/** A whole number, or text that holds its digits. */
export const integer = (about?: string, least = 0, most = Number.MAX_SAFE_INTEGER): Shape => ({
  kind: "integer",
  about,
  least,
  most,
});

export const port = (about: string): Shape => integer(about, 1, 65535);

/** true or false, or text that holds one of the two words. */
export const flag = (about?: string): Shape => ({ kind: "flag", about });

/** One of a few words, in upper or lower case. */
export const choice = (of: readonly string[], about?: string): Shape => ({ kind: "choice", of, about });

export const list = (of: Shape, about?: string): Shape => ({ kind: "list", of, about });

/** The shape of a key that the version brought. */
export const since = <S extends Shape>(version: string, shape: S): S => ({ ...shape, since: version });

/** An object whose keys the user chooses: ids, names. */
export const map = (of: Shape, about?: string, keys?: RegExp): MapShape => ({
  kind: "map",
  of,
  about,
  ...(keys === undefined ? {} : { keys }),
});

/** An object; a key is written with its other names after it ("type|direction"). `needs` names keys without these. */
export function object(
  name: string,
  needs: readonly string[],
  written: Readonly<Record<string, Shape>>,
): ObjectShape {
  const byName = new Map<string, Shape>();
  const keys: Record<string, Shape> = {};
  for (const [names, shape] of Object.entries(written)) {
    const [key = "", ...aliases] = names.split("|");
    keys[key] = aliases.length === 0 ? shape : { ...shape, aliases };
    for (const each of [key, ...(keys[key].aliases ?? [])]) byName.set(each, keys[key]);
  }
  return { kind: "object", name, keys, byName, needs };
}

/** Several shapes that differ in their JSON type: text, list, object. */
export const either = (about: string, ...of: readonly Shape[]): Shape => ({ kind: "either", about, of });

const anything: Shape = { kind: "anything" };

/** Keys that Phoenix knows and does not read. */
export function ignored(...names: readonly string[]): Readonly<Record<string, Shape>> {
  return Object.fromEntries(names.map((name) => [name, anything]));
}

/** The shape for a value of a JSON type: itself, or the alternative for that type. */
export function shapeFor(shape: Shape | undefined, type: "object" | "array"): Shape | undefined {
  if (shape?.kind === "either")
    return shape.of.map((one) => shapeFor(one, type)).find((one) => one !== undefined);
  const isList = shape?.kind === "list";
  const isObject = shape?.kind === "object" || shape?.kind === "map";
  return (type === "array" ? isList : isObject) ? shape : undefined;
}
