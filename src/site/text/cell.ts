/** A value of a site's file with its place: what the readers work with. Values of a wrong kind read as absent. */
import type { SourceRef } from "../../resource.ts";
import type { JsonMember, JsonNode } from "./json.ts";
import type { SourceFile } from "./source-file.ts";

export class Cell {
  readonly node: JsonNode;
  readonly file: SourceFile;
  readonly #key: { readonly start: number; readonly end: number } | undefined;

  constructor(file: SourceFile, node: JsonNode, key?: { readonly start: number; readonly end: number }) {
    this.file = file;
    this.node = node;
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

  /** The first of these members that is there; undefined when none is. null says the same as absent. */
  get(key: string, other?: string, third?: string, fourth?: string): Cell | undefined {
    if (this.node.kind !== "object") return undefined;
    const { members } = this.node;
    let member = presentIn(members, key);
    if (member === undefined && other !== undefined) member = presentIn(members, other);
    if (member === undefined && third !== undefined) member = presentIn(members, third);
    if (member === undefined && fourth !== undefined) member = presentIn(members, fourth);
    return member === undefined ? undefined : new Cell(this.file, member.value, member);
  }

  /** Whether one of these members is there. */
  has(keys: readonly string[]): boolean {
    return keys.some((key) => this.get(key) !== undefined);
  }

  /** The members of an object in their order, without nulls. */
  entries(): readonly (readonly [key: string, value: Cell])[] {
    if (this.node.kind !== "object") return [];
    const entries: (readonly [string, Cell])[] = [];
    for (const member of this.node.members.values())
      if (member.value.kind !== "null") entries.push([member.key, new Cell(this.file, member.value, member)]);
    return entries;
  }

  /** The items of a list. */
  get items(): readonly Cell[] {
    return this.node.kind === "array" ? this.node.items.map((item) => new Cell(this.file, item)) : [];
  }

  /** The items of a list, or the value itself where one was written without a list. */
  get each(): readonly Cell[] {
    return this.node.kind === "array" ? this.items : [this];
  }

  get isObject(): boolean {
    return this.node.kind === "object";
  }

  /** Text without blanks around it, or the digits of a number. */
  get text(): string | undefined {
    const { node } = this;
    if (node.kind === "string") return node.value.trim();
    return node.kind === "number" ? String(node.value) : undefined;
  }

  /** Text exactly as written; numbers and truth values as JSON prints them. */
  get literal(): string | undefined {
    const { node } = this;
    if (node.kind === "string") return node.value;
    return node.kind === "number" || node.kind === "boolean" ? String(node.value) : undefined;
  }

  /** A whole number, or text that is the digits of one. */
  get integer(): number | undefined {
    const { node } = this;
    if (node.kind === "number") return Number.isSafeInteger(node.value) ? node.value : undefined;
    if (node.kind !== "string" || !/^\s*-?\d{1,15}\s*$/.test(node.value)) return undefined;
    return Number(node.value);
  }

  /** A truth value, or text that says "true" or "false". */
  get flag(): boolean | undefined {
    const { node } = this;
    if (node.kind === "boolean") return node.value;
    if (node.kind !== "string") return undefined;
    const word = node.value.trim().toLowerCase();
    return word === "true" ? true : word === "false" ? false : undefined;
  }
}

function presentIn(members: ReadonlyMap<string, JsonMember>, key: string): JsonMember | undefined {
  const member = members.get(key);
  return member?.value.kind === "null" ? undefined : member;
}
