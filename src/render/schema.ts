/**
 * JSON Schemas (draft 2020-12) and the TypeScript types that follow from them: a document is described once, and both its
 * type (`Infer<typeof x>`) and the schema that users print come from there.
 */

declare const described: unique symbol;

/** The JSON Schema of the values of type `T`, as it is printed. */
export interface Schema<out T> {
  readonly [keyword: string]: unknown;
  /** Never there: it carries the type. */
  readonly [described]?: T;
}

/** A member that may be absent. */
interface Optional<T> {
  readonly optional: Schema<T>;
}

/** The members of an object by name. */
export type Members = Readonly<Record<string, Schema<unknown> | Optional<unknown>>>;

export type Infer<S> = S extends Schema<infer T> ? T : never;

type Flat<T> = { readonly [K in keyof T]: T[K] };

type ObjectOf<M extends Members> = Flat<
  { [K in keyof M as M[K] extends Optional<unknown> ? never : K]: Infer<M[K]> } & {
    [K in keyof M as M[K] extends Optional<unknown> ? K : never]?: M[K] extends Optional<infer T> ? T : never;
  }
>;

export const string: Schema<string> = { type: "string" };
export const number: Schema<number> = { type: "number" };
export const integer: Schema<number> = { type: "integer" };
/** ISO 8601 in UTC: "2026-03-01T08:00:00.000Z". */
export const time: Schema<string> = {
  type: "string",
  format: "date-time",
  pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z$",
};
export const boolean: Schema<boolean> = { type: "boolean" };

export function literal<const T extends string | true>(value: T): Schema<T> {
  return { type: typeof value, const: value };
}

export function choice<const T extends string>(...values: readonly T[]): Schema<T> {
  return { type: "string", enum: values };
}

export function array<T>(items: Schema<T>): Schema<readonly T[]> {
  return { type: "array", items };
}

/** An object with these members and no others. */
export function object<const M extends Members>(members: M): Schema<ObjectOf<M>> {
  const entries = Object.entries(members);
  const properties = entries.map(([name, member]) => [name, isOptional(member) ? member.optional : member]);
  return {
    type: "object",
    properties: Object.fromEntries(properties),
    required: entries.filter(([, member]) => !isOptional(member)).map(([name]) => name),
    additionalProperties: false,
  };
}

export function optional<T>(schema: Schema<T>): Optional<T> {
  return { optional: schema };
}

function isOptional(member: Members[string]): member is Optional<unknown> {
  return "optional" in member;
}

/** A value of exactly one of these kinds. */
export function oneOf<const S extends readonly Schema<unknown>[]>(...kinds: S): Schema<Infer<S[number]>> {
  return { oneOf: kinds };
}

/** The same schema with words for its readers. */
export function about<T>(description: string, schema: Schema<T>): Schema<T> {
  return { ...schema, description };
}
