/** Checks a file against its shape: values of the wrong type, missing keys, unknown keys. */
import { didYouMean, nearest } from "../../formats/text/nearest.ts";
import type { SourceRef } from "../../resource.ts";
import { firstUnseen } from "../../unseen.ts";
import type { Cell } from "../text/cell.ts";
import type { Problems } from "../text/problems.ts";
import { noteKeys, notePrefix, type ObjectShape, type Shape } from "./shape.ts";

/** How many other places of an unknown key a problem names. */
const maxRelated = 3;

/** Reports everything in `cell` that does not fit `shape`. */
export function checkShape(cell: Cell, shape: Shape, problems: Problems): void {
  const check = new Check(problems);
  check.value(cell, shape);
  check.reportUnknown();
}

interface UnknownKey {
  readonly shape: ObjectShape;
  readonly key: string;
  /** The known key that it misspells: one that its object does not have. */
  readonly meant: string | undefined;
  readonly at: SourceRef[];
  count: number;
}

class Check {
  readonly #problems: Problems;
  /** By kind of object and key, so that a key that a hundred guests have is reported once. */
  readonly #unknown = new Map<string, UnknownKey>();

  constructor(problems: Problems) {
    this.#problems = problems;
  }

  value(cell: Cell, shape: Shape): void {
    if (!this.#fits(cell, shape)) return;
    if (shape.kind === "object") this.#object(cell, shape);
    if (shape.kind === "choice") this.#choice(cell, shape.of);
    if (shape.kind === "text" && shape.any !== true) this.#seen(cell.ref, cell.text ?? "");
    if (shape.kind === "either") {
      const fitting = shape.of.find((one) => fitsKind(cell, one));
      if (fitting !== undefined) this.value(cell, fitting);
    }
    if (shape.kind === "list")
      for (const item of cell.items)
        if (item.node.kind !== "null") this.value(item, shape.of);
        else this.#problems.report("PHX0101", item, "null in a list has no meaning", { hint: "remove it" });
    if (shape.kind === "map")
      for (const [key, value] of cell.entries().filter(([name]) => !isNote(name)))
        if (shape.keys?.test(key) !== false) {
          this.#seen(value.keyRef, key);
          this.value(value, shape.of);
        } else this.#problems.report("PHX0101", value.keyRef, `invalid key ${JSON.stringify(key)}`);
  }

  /** What is seen must be what is meant. */
  #seen(at: SourceRef, text: string): void {
    const character = firstUnseen(text);
    if (character !== undefined)
      this.#problems.report("PHX0108", at, `this text has the character ${character}, which cannot be seen`, {
        hint: "remove it",
      });
  }

  reportUnknown(): void {
    for (const { shape, key, meant, at, count } of this.#unknown.values()) {
      const [first, ...related] = at;
      if (first === undefined) continue;
      const times = count > 1 ? ` (${count} times)` : "";
      const message = `unknown key ${JSON.stringify(key)} in ${shape.name}`;
      if (meant === undefined)
        this.#problems.report("PHX0103", first, `${message} is ignored${times}`, { related });
      else
        this.#problems.report("PHX0107", first, `${message}${times}`, {
          related,
          hint: `did you mean ${JSON.stringify(meant)}? A note for yourself begins with _`,
        });
    }
  }

  #object(cell: Cell, shape: ObjectShape): void {
    for (const [key, value] of cell.entries()) {
      const known = shape.byName.get(key);
      if (known !== undefined) this.value(value, known);
      else if (!isNote(key)) this.#noteUnknown(value, key, shape, cell);
    }
    for (const need of shape.needs) {
      if (cell.get(need) !== undefined) continue;
      const names = [need, ...(shape.keys[need]?.aliases ?? [])];
      const wanted = names.map((name) => JSON.stringify(name)).join(" or ");
      // A misspelling of it is reported as such.
      if (cell.entries().some(([key]) => !shape.byName.has(key) && nearest(key, names) !== undefined))
        continue;
      this.#problems.report("PHX0104", cell, `${shape.name} needs ${wanted}`);
    }
  }

  #noteUnknown(value: Cell, key: string, shape: ObjectShape, object: Cell): void {
    const absent = [...shape.byName.keys()].filter(
      (known) => !object.entries().some(([name]) => name === known),
    );
    const meant = nearest(key, absent);
    const id = `${shape.name}\0${key}\0${meant}`;
    const known = this.#unknown.get(id);
    if (known === undefined) this.#unknown.set(id, { shape, key, meant, at: [value.keyRef], count: 1 });
    else {
      known.count++;
      if (known.at.length <= maxRelated) known.at.push(value.keyRef);
    }
  }

  #choice(cell: Cell, of: readonly string[]): void {
    const word = cell.text ?? "";
    if (of.some((known) => known.toLowerCase() === word.toLowerCase())) return;
    const message = `unknown word ${JSON.stringify(word)}: expected one of ${of.join(", ")}`;
    this.#problems.report("PHX0105", cell, message, { hint: didYouMean(word, of) });
  }

  #fits(cell: Cell, shape: Shape): boolean {
    if (fitsKind(cell, shape)) {
      const { integer } = cell;
      if (shape.kind !== "integer" || integer === undefined) return true;
      if (integer >= shape.least && integer <= shape.most) return true;
      const message = `${integer} is out of range: expected ${shape.least} to ${shape.most}`;
      this.#problems.report("PHX0101", cell, message);
    } else this.#problems.report("PHX0101", cell, `expected ${wordsFor(shape)}, got ${describe(cell)}`);
    return false;
  }
}

/** Keys that hold notes for people, and `$schema` for editors. */
function isNote(key: string): boolean {
  return new RegExp(`^(?:${notePrefix})`).test(key) || noteKeys.includes(key.toLowerCase());
}

function fitsKind(cell: Cell, shape: Shape): boolean {
  switch (shape.kind) {
    case "anything":
      return true;
    case "text":
      return cell.literal !== undefined && cell.node.kind !== "boolean";
    case "choice":
      return cell.node.kind === "string";
    case "integer":
      return cell.integer !== undefined;
    case "flag":
      return cell.flag !== undefined;
    case "list":
      return cell.node.kind === "array";
    case "map":
    case "object":
      return cell.node.kind === "object";
    case "either":
      return shape.of.some((one) => fitsKind(cell, one));
  }
}

const kindWords = {
  integer: "a whole number",
  flag: "true or false",
  list: "a list",
  map: "an object",
  text: "text",
  choice: "text",
  anything: "text",
};

function wordsFor(shape: Shape): string {
  if (shape.kind === "object") return shape.name;
  if (shape.kind === "either") return [...new Set(shape.of.map(wordsFor))].join(" or ");
  return kindWords[shape.kind];
}

/** The type of a value, never the value of a text: it may be a secret. */
function describe(cell: Cell): string {
  const { node } = cell;
  switch (node.kind) {
    case "object":
      return "an object";
    case "array":
      return "a list";
    case "string":
      return node.value === "" ? "empty text" : "text";
    case "number":
      return `the number ${node.value}`;
    case "boolean":
      return String(node.value);
    case "null":
      return "null";
  }
}
