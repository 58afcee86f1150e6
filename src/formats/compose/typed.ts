/**
 * Values of a Compose file with the types that Compose gives them: those of Go's YAML parser (go-yaml 3), and after filling in
 * variables those of the keys that are numbers or booleans.
 */
import { isScalar } from "yaml";
import { numberIn } from "../yaml/index.ts";
import type { ComposeFault, ComposeNode, Place } from "./document.ts";
import { type Rule, rules } from "./values.ts";

export type ValueType = "null" | "boolean" | "number" | "string" | "array" | "object";

export interface Value {
  readonly type: ValueType;
  /** Of a simple value. */
  readonly simple?: string | number | boolean;
  /** Of a list. */
  readonly items: readonly Value[];
  /** Of a mapping. */
  readonly members: ReadonlyMap<string, ValueMember>;
  /** Where it stands: asked for its place only where that is told, for that takes time. */
  readonly at: { readonly place: Place };
  /** Nothing can be said about it: its variables cannot be filled in, or a fault is reported already. */
  readonly isUnknown: boolean;
}

export interface ValueMember {
  /** The key. */
  readonly at: { readonly place: Place };
  readonly value: Value;
}

/** The typed values below a node; `faults` gets what cannot have the type, or the notation, that its key wants. */
export function typedValue(node: ComposeNode, faults: ComposeFault[], rule: Rule = rules): Value {
  const none = { items: [], members: noMembers, at: node, isUnknown: node.isUnknown };
  if (node.isMapping) {
    const members = node.members.map((member): [string, ValueMember] => [
      member.key,
      { at: member, value: typedValue(member.value, faults, rule.below(member.key)) },
    ]);
    return { ...none, type: "object", members: new Map(members) };
  }
  if (node.isList) {
    const items = node.items.map((item) => typedValue(item, faults, rule.below("")));
    return { ...none, type: "array", items };
  }
  const simple = simpleOf(node);
  if (simple === undefined) return { ...none, type: "null" };
  const version = isTime(node)
    ? "2.40 refuses a date"
    : Math.abs(Number(simple)) === Number.POSITIVE_INFINITY && typeof simple === "number"
      ? "2.26 refuses infinity"
      : undefined;
  if (version !== undefined)
    faults.push({
      message: `Compose ${version} without quotes`,
      place: node.place,
      hint: "quote it",
      severity: "warning",
    });
  if (none.isUnknown || rule.kind === undefined) return { ...none, type: typeOf(simple), simple };
  const read = rule.kind.read(simple);
  if (typeof read !== "object") return { ...none, type: typeOf(read), simple: read };
  faults.push({ place: node.place, ...read });
  // Of a value that only some versions refuse, the shape still counts.
  return { ...none, type: typeOf(simple), simple, isUnknown: read.severity !== "warning" };
}

const noMembers: ReadonlyMap<string, ValueMember> = new Map();

function typeOf(simple: string | number | boolean): ValueType {
  return typeof simple as "string" | "number" | "boolean";
}

/** A simple value; undefined for null. */
function simpleOf(node: ComposeNode): string | number | boolean | undefined {
  const { yaml } = node;
  if (!isScalar(yaml) || yaml.value === null) return undefined;
  if (node.hasVariables) return node.text;
  const { value } = yaml;
  return numberIn(yaml) ?? (typeof value === "boolean" ? value : String(value));
}

/** Dates and times: Go's parser makes neither text nor a number of them. */
function isTime({ yaml }: ComposeNode): boolean {
  return (
    isScalar(yaml) &&
    yaml.type === "PLAIN" &&
    /^\d{4}-\d\d?-\d\d?(?:[Tt ]+\d\d?:\d\d:\d\d(?:\.\d+)? *(?:Z|[-+]\d\d?(?::\d\d)?)?)?$/.test(
      yaml.source ?? "",
    )
  );
}
