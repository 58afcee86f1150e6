/**
 * Checks values against the keywords of JSON Schema that the Compose specification's schema uses (draft 7). Unlike a general
 * validator it reports each cause once, where alternatives fail as well, and takes time in proportion to the document.
 */
import type { Value, ValueMember, ValueType } from "./typed.ts";

export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly oneOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly uniqueItems?: boolean;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** What does not fit: the value at `path`, or the member there that it may not have. */
export type Misfit = {
  /** Keys and indexes from the document on. */
  readonly path: readonly string[];
  /** Where it stands. */
  readonly at: Value["at"];
  readonly value: Value;
} & (
  | { readonly fault: "type"; readonly expected: readonly string[] }
  | { readonly fault: "unknown key"; readonly known: readonly string[] }
  | { readonly fault: "invalid name" }
  | { readonly fault: "missing key"; readonly key: string }
  | { readonly fault: "unknown word"; readonly allowed: readonly unknown[] }
  | { readonly fault: "pattern" }
  | { readonly fault: "limit"; readonly words: string }
  | { readonly fault: "repeated" }
);

/** Of more in one document nobody reads. */
const most = 50;

/** The misfits of a document; values that are unknown fit everywhere. */
export function misfits(document: Value, root: Schema): readonly Misfit[] {
  return new Checker(root).check(document, root, []);
}

class Checker {
  readonly #root: Schema;
  readonly #patterns = new Map<string, RegExp>();

  constructor(root: Schema) {
    this.#root = root;
  }

  check(value: Value, written: Schema, path: readonly string[]): readonly Misfit[] {
    const schema = this.#resolved(written);
    if (value.isUnknown) return [];
    if (schema.oneOf !== undefined) return this.#checkAny(value, schema.oneOf, path);
    const at = { path, at: value.at, value };
    const expected = schema.type === undefined ? [] : [schema.type].flat();
    if (expected.length > 0 && !expected.some((type) => isOf(value, type)))
      return [{ ...at, fault: "type", expected }];
    const { simple } = value;
    const found: Misfit[] = [];
    if (schema.enum !== undefined && !schema.enum.includes(simple))
      found.push({ ...at, fault: "unknown word", allowed: schema.enum });
    if (typeof simple === "string" && schema.pattern !== undefined && !this.#matches(schema.pattern, simple))
      found.push({ ...at, fault: "pattern" });
    const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = schema;
    if (typeof simple === "number" && simple < minimum)
      found.push({ ...at, fault: "limit", words: `at least ${minimum}` });
    if (typeof simple === "number" && simple > maximum)
      found.push({ ...at, fault: "limit", words: `at most ${maximum}` });
    if (value.type === "array") found.push(...this.#checkItems(value, schema, path));
    if (value.type === "object") found.push(...this.#checkMembers(value, schema, path));
    return found;
  }

  /** Of alternatives that all fail, the one speaks that has the value's type; where none has it, the type is what is wrong. */
  #checkAny(value: Value, alternatives: readonly Schema[], path: readonly string[]): readonly Misfit[] {
    const tried = alternatives.map((schema) => this.check(value, schema, path));
    const isAt = ({ path: other }: Misfit): boolean => other.length === path.length;
    const typed = tried.filter((found) => !found.some((one) => one.fault === "type" && isAt(one)));
    const [first, ...others] = typed;
    if (first !== undefined)
      return others.reduce((best, found) => (found.length < best.length ? found : best), first);
    const expected = tried.flat().flatMap((one) => (one.fault === "type" && isAt(one) ? one.expected : []));
    return [{ path, at: value.at, value, fault: "type", expected: [...new Set(expected)] }];
  }

  #checkItems({ items }: Value, schema: Schema, path: readonly string[]): readonly Misfit[] {
    const { items: each, uniqueItems } = schema;
    const found: Misfit[] = [];
    const seen = new Set<string>();
    for (const [at, item] of items.entries()) {
      if (found.length >= most) break;
      const below = [...path, String(at)];
      if (each !== undefined) found.push(...this.check(item, each, below));
      if (uniqueItems !== true || item.simple === undefined) continue;
      const same = `${item.type} ${item.simple}`;
      if (seen.has(same)) found.push({ path: below, at: item.at, value: item, fault: "repeated" });
      seen.add(same);
    }
    return found;
  }

  #checkMembers(value: Value, schema: Schema, path: readonly string[]): readonly Misfit[] {
    const found: Misfit[] = [];
    for (const key of schema.required ?? [])
      if (!value.members.has(key)) found.push({ path, at: value.at, value, fault: "missing key", key });
    for (const [key, member] of value.members) {
      if (found.length >= most) break;
      found.push(...this.#checkMember(key, member, schema, [...path, key]));
    }
    return found;
  }

  #checkMember(
    key: string,
    { at, value }: ValueMember,
    schema: Schema,
    path: readonly string[],
  ): readonly Misfit[] {
    const { properties = {}, patternProperties = {}, additionalProperties = true } = schema;
    const own = Object.hasOwn(properties, key) ? properties[key] : undefined;
    const fitting = Object.keys(patternProperties).filter((pattern) => this.#matches(pattern, key));
    const schemas = [
      ...(own === undefined ? [] : [own]),
      ...fitting.flatMap((each) => patternProperties[each] ?? []),
    ];
    if (schemas.length > 0) return schemas.flatMap((each) => this.check(value, each, path));
    if (typeof additionalProperties === "object") return this.check(value, additionalProperties, path);
    if (additionalProperties) return [];
    const known = Object.keys(properties);
    return [
      {
        path,
        at,
        value,
        ...(known.length > 0 ? { fault: "unknown key", known } : { fault: "invalid name" }),
      },
    ];
  }

  #resolved(schema: Schema): Schema {
    if (schema.$ref === undefined) return schema;
    const [, ...parts] = schema.$ref.split("/");
    return parts.reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], this.#root) as Schema;
  }

  #matches(pattern: string, text: string): boolean {
    const known = this.#patterns.get(pattern) ?? new RegExp(pattern, "u");
    this.#patterns.set(pattern, known);
    return known.test(text);
  }
}

function isOf({ type, simple }: Value, expected: string): boolean {
  return type === (expected as ValueType) || (expected === "integer" && Number.isInteger(simple));
}
