/** A value of a site's file with its place and its shape: what the readers work with. A value of another kind reads as absent. */
import type { SourceRef } from "../../resource.ts";
import { type Shape, shapeFor } from "../shapes/shape.ts";
import type { JsonMember, JsonNode } from "./json.ts";
import type { SourceFile } from "./source-file.ts";

export class Cell {
  readonly node: JsonNode;
  readonly file: SourceFile;
  /** What the value was checked against; aliases of its keys are in it. */
  readonly shape: Shape | undefined;
  readonly #key: JsonMember | undefined;

  constructor(file: SourceFile, node: JsonNode, shape?: Shape, key?: JsonMember) {
    this.file = file;
    this.node = node;
    this.shape = node.kind === "object" || node.kind === "array" ? shapeFor(shape, node.kind) : shape;
    this.#key = key;
  }

  /** The place of the value; for an object or a list that of its key, or its opening bracket. */
  get ref(): SourceRef {
    const { kind, start, end } = this.node;
    if (kind !== "object" && kind !== "array") return this.file.ref(start, end);
    return this.#key === undefined ? this.file.ref(start, start + 1) : this.keyRef;
  }

  get keyRef(): SourceRef {
    return this.#key === undefined ? this.ref : this.file.ref(this.#key.start, this.#key.end);
  }

  /** The member under this key, or else under the first of its aliases that is there. null reads as absent. */
  get(key: string): Cell | undefined {
    if (this.node.kind !== "object") return undefined;
    const { members } = this.node;
    const member = presentIn(members, key) ?? this.#underAlias(members, key);
    return member === undefined ? undefined : this.#child(member);
  }

  /** The members of an object in their order, without nulls. */
  entries(): readonly (readonly [key: string, value: Cell])[] {
    if (this.node.kind !== "object") return [];
    const entries: (readonly [string, Cell])[] = [];
    for (const member of this.node.members.values())
      if (member.value.kind !== "null") entries.push([member.key, this.#child(member)]);
    return entries;
  }

  /** The items of a list. */
  get items(): readonly Cell[] {
    const of = this.shape?.kind === "list" ? this.shape.of : undefined;
    return this.node.kind === "array" ? this.node.items.map((item) => new Cell(this.file, item, of)) : [];
  }

  /** The items of a list, or the value itself where it is not a list. */
  get each(): readonly Cell[] {
    return this.node.kind === "array" ? this.items : [this];
  }

  get isObject(): boolean {
    return this.node.kind === "object";
  }

  /** Text without the spaces around it, or the digits of a number. */
  get text(): string | undefined {
    const { node } = this;
    if (node.kind === "string") return node.value.trim();
    return node.kind === "number" ? String(node.value) : undefined;
  }

  /** Text exactly as written; numbers and booleans as JSON prints them. */
  get literal(): string | undefined {
    const { node } = this;
    if (node.kind === "string") return node.value;
    return node.kind === "number" || node.kind === "boolean" ? String(node.value) : undefined;
  }

  /** A whole number, or text that holds its digits. */
  get integer(): number | undefined {
    const { node } = this;
    if (node.kind === "number") return Number.isSafeInteger(node.value) ? node.value : undefined;
    if (node.kind !== "string" || !/^\s*-?\d{1,15}\s*$/.test(node.value)) return undefined;
    return Number(node.value);
  }

  /** A boolean, or the text "true" or "false". */
  get flag(): boolean | undefined {
    const { node } = this;
    if (node.kind === "boolean") return node.value;
    if (node.kind !== "string") return undefined;
    const word = node.value.trim().toLowerCase();
    return word === "true" ? true : word === "false" ? false : undefined;
  }

  #underAlias(members: ReadonlyMap<string, JsonMember>, key: string): JsonMember | undefined {
    if (this.shape?.kind !== "object") return undefined;
    for (const alias of this.shape.byName.get(key)?.aliases ?? []) {
      const member = presentIn(members, alias);
      if (member !== undefined) return member;
    }
    return undefined;
  }

  #child(member: JsonMember): Cell {
    const { shape } = this;
    const of =
      shape?.kind === "object" ? shape.byName.get(member.key) : shape?.kind === "map" ? shape.of : undefined;
    return new Cell(this.file, member.value, of, member);
  }
}

function presentIn(members: ReadonlyMap<string, JsonMember>, key: string): JsonMember | undefined {
  const member = members.get(key);
  return member?.value.kind === "null" ? undefined : member;
}
