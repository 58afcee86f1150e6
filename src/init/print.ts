/**
 * Prints one of the site's files for people who read such a file for the first time: above each key that the file did not have
 * yet stands what its shape says about it. Pure.
 */
import { noteKeys, type ObjectShape, type Shape, shapeFor } from "../site/shapes/shape.ts";

/** A value of JSON; where a note is wanted above it, with that note. */
export type Written =
  | string
  | number
  | boolean
  | Noted
  | readonly Written[]
  | { readonly [key: string]: Written };

/** A value with what is said above it, in place of what its shape says. */
export class Noted {
  readonly note: string;
  readonly value: Exclude<Written, Noted>;

  constructor(note: string, value: Exclude<Written, Noted>) {
    this.note = note;
    this.value = value;
  }
}

export const noted = (note: string, value: Exclude<Written, Noted>): Noted => new Noted(note, value);

const width = 110;

/**
 * The text of a file that holds `value`.
 * @param about lines of a comment at its beginning
 */
export function printFile(value: Written, shape: Shape, about: readonly string[]): string {
  const lines = new Printer().lines(value, shape, "");
  const [first = "", ...rest] = lines;
  return `${[first, ...about.map((line) => `  // ${line}`), ...rest].join("\n")}\n`;
}

class Printer {
  /** Keys that were explained already, by the name of their object. */
  readonly #explained = new Set<string>();

  /** The lines of a value: the first one without its indentation. */
  lines(written: Written, shape: Shape | undefined, indent: string): readonly string[] {
    const value = written instanceof Noted ? written.value : written;
    if (typeof value !== "object") return [JSON.stringify(value)];
    if (isList(value)) return this.#list(value, shapeFor(shape, "array"), indent);
    return this.#object(value, shapeFor(shape, "object"), indent);
  }

  #list(items: readonly Written[], shape: Shape | undefined, indent: string): readonly string[] {
    const plain = inline(items);
    if (items.every((item) => typeof item !== "object") && plain.length + indent.length < width)
      return [plain];
    const inner = `${indent}  `;
    const itemShape = shape?.kind === "list" ? shape.of : undefined;
    const lines = items.flatMap((item, at) => {
      const comma = at < items.length - 1 ? "," : "";
      const short = inline(item);
      const printed =
        hasNotes(item) || short.length + inner.length > 2 * width || !isFlat(item)
          ? this.lines(item, itemShape, inner)
          : [short];
      return [...this.#comment(item, undefined, inner), ...entry(inner, "", printed, comma)];
    });
    return ["[", ...lines, `${indent}]`];
  }

  #object(
    value: { readonly [key: string]: Written },
    shape: Shape | undefined,
    indent: string,
  ): readonly string[] {
    const inner = `${indent}  `;
    const entries = Object.entries(value);
    if (entries.length === 0) return ["{}"];
    const object = shape?.kind === "object" ? shape : undefined;
    const lines = entries.flatMap(([key, member], at) => {
      const comma = at < entries.length - 1 ? "," : "";
      const memberShape = object?.byName.get(key) ?? (shape?.kind === "map" ? shape.of : undefined);
      const note = this.#comment(member, object && this.#newWords(object, key), inner);
      const printed = this.lines(member, memberShape, inner);
      return [...note, ...entry(inner, `${JSON.stringify(key)}: `, printed, comma)];
    });
    return ["{", ...lines, ...this.#moreKeys(object, value, inner), `${indent}}`];
  }

  /** What the shape says about a key that this file did not have yet. */
  #newWords(object: ObjectShape, key: string): string | undefined {
    const id = `${object.name}.${key}`;
    if (this.#explained.has(id)) return undefined;
    this.#explained.add(id);
    const shape = object.byName.get(key);
    return shape?.about ?? (shape?.kind === "list" ? shape.of.about : undefined);
  }

  /** Names the keys that the first object of its kind does not have, for whoever looks for them. */
  #moreKeys(object: ObjectShape | undefined, value: object, indent: string): readonly string[] {
    if (object === undefined || this.#explained.has(object.name)) return [];
    this.#explained.add(object.name);
    const others = Object.entries(object.keys)
      .filter(([key, shape]) => shape.kind !== "anything" && !(key in value) && !noteKeys.includes(key))
      .map(([key]) => key);
    return others.length === 0 ? [] : comment(`More keys of ${object.name}: ${others.join(", ")}.`, indent);
  }

  #comment(written: Written, words: string | undefined, indent: string): readonly string[] {
    const note = written instanceof Noted ? written.note : words;
    return note === undefined || note === "" ? [] : comment(note, indent);
  }
}

function entry(
  indent: string,
  key: string,
  [first = "", ...rest]: readonly string[],
  comma: string,
): readonly string[] {
  const lines = [`${indent}${key}${first}`, ...rest];
  return [...lines.slice(0, -1), `${lines.at(-1)}${comma}`];
}

function comment(text: string, indent: string): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && indent.length + 3 + line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].map((each) => `${indent}// ${each}`);
}

/** A value on one line. */
function inline(written: Written): string {
  const value = written instanceof Noted ? written.value : written;
  if (typeof value !== "object") return JSON.stringify(value);
  if (isList(value)) return `[${value.map(inline).join(", ")}]`;
  const members = Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}: ${inline(member)}`);
  return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
}

/** Whether an object has texts, numbers and flags only. */
function isFlat(written: Written): boolean {
  const value = written instanceof Noted ? written.value : written;
  return (
    typeof value === "object" &&
    !isList(value) &&
    Object.values(value).every((each) => typeof each !== "object")
  );
}

function hasNotes(written: Written): boolean {
  const value = written instanceof Noted ? written.value : written;
  return (
    typeof value === "object" && !isList(value) && Object.values(value).some((each) => each instanceof Noted)
  );
}

/** As Array.isArray, for lists that cannot be changed. */
function isList(value: object): value is readonly Written[] {
  return Array.isArray(value);
}
