/** One file of Traefik's file provider: template, YAML, and the strict decoding that refuses unknown fields (3.0.4 to 3.7.15). */
import { parseAllDocuments, type ScalarTag, type Tags } from "yaml";
import { GoError, parseBool, parseDuration, parseInt64 } from "./go.ts";
import { type Field, type Kind, roots, type Struct } from "./shapes.ts";

/** A decoded section: routers, services, middlewares … by name. */
export type Section = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export interface DynamicConfiguration {
  readonly routers: Section;
  readonly services: Section;
  readonly middlewares: Section;
  readonly serversTransports: Section;
  /** Names of TLS options. */
  readonly tlsOptions: readonly string[];
}

export const emptyConfiguration: DynamicConfiguration = {
  routers: {},
  services: {},
  middlewares: {},
  serversTransports: {},
  tlsOptions: [],
};

/** Why Traefik refuses a file, in its own words. */
export class RefusedFile extends Error {}

/**
 * Decodes a file. Without any content it is an empty configuration, no failure: all its routes vanish. Of several YAML
 * documents only the first counts. An integer beyond 2^53 becomes its digits.
 * @throws RefusedFile
 */
export function decodeDynamic(text: string): DynamicConfiguration {
  const options = { uniqueKeys: true, merge: true, customTags };
  const documents = parseAllDocuments(templated(text), options);
  const document = Array.isArray(documents) ? documents[0] : undefined;
  const error = document?.errors[0];
  if (error !== undefined) throw new RefusedFile(`yaml: ${error.message.split("\n", 1)[0]}`);
  const value: unknown = document?.toJS();
  if (value === null || value === undefined) return emptyConfiguration;
  if (!isMap(value))
    throw new RefusedFile("yaml: unmarshal errors: cannot unmarshal into map[string]interface {}");
  const known = Object.entries(value).filter(
    ([name, member]) => keyOf(roots, name) !== undefined && member !== null,
  );
  try {
    const { http, tls } = decodedStruct("", Object.fromEntries(known), { ...roots, mayBeEmpty: true });
    const section = (name: string): Section =>
      isMap(http) && isMap(http[name]) ? (http[name] as Section) : {};
    return {
      routers: section("routers"),
      services: section("services"),
      middlewares: section("middlewares"),
      serversTransports: section("serversTransports"),
      tlsOptions: isMap(tls) && isMap(tls.options) ? Object.keys(tls.options) : [],
    };
  } catch (error) {
    if (error instanceof GoError) throw new RefusedFile(error.message);
    throw error;
  }
}

/** Integers as go-yaml reads them: of any size, with underscores. */
const integer: ScalarTag = {
  tag: "tag:yaml.org,2002:int",
  default: true,
  test: /^[-+]?\d[\d_]*$/,
  resolve: (text) => {
    const value = BigInt(text.replaceAll("_", "").replace(/^\+/, ""));
    // Beyond 64 bits it is a float.
    return value < -(2n ** 63n) || value >= 2n ** 64n ? Number(value) : value;
  },
};

const customTags = (tags: Tags): Tags => [integer, ...tags];

/** Every file is a Go template before it is YAML. Calls of functions are more than the lab can do. */
function templated(text: string): string {
  const open = text.indexOf("{{");
  if (open < 0) return text;
  if (!text.includes("}}", open)) throw new RefusedFile("template: :1: unclosed action");
  return text
    .replace(
      /\{\{-?\s*(?:env\s+[`"][^`"]*[`"]|[`"]([^`"]*)[`"])\s*-?\}\}/g,
      (_, literal?: string) => literal ?? "",
    )
    .replace(/\{\{[\s\S]*?\}\}/g, (action) => {
      throw new RefusedFile(`template: the lab cannot evaluate ${action}`);
    });
}

/** Decodes a value that is not null. @throws GoError @throws RefusedFile */
export function decodedField(name: string, value: unknown, field: Field): unknown {
  if (typeof field === "string") return decodedValue(value, field);
  if (isNested(field)) {
    const [kind, inner] = field;
    const members = membersOf(value);
    if (kind === "map of" && members.length === 0) throw standalone(name);
    // What has a name or a number of its own may be empty: a router without anything is a router that does not work.
    const own = typeof inner === "object" && !isNested(inner) ? { ...inner, mayBeEmpty: true } : inner;
    const entries = members.map(([key, each]) => [key, decodedField(key, each, own)] as const);
    return kind === "map of" ? Object.fromEntries(entries) : entries.map(([, each]) => each);
  }
  return decodedStruct(name, value, field);
}

function decodedStruct(name: string, value: unknown, struct: Struct): Readonly<Record<string, unknown>> {
  const members = membersOf(value);
  if (members.length === 0 && !struct.mayBeEmpty) throw standalone(name);
  // Where a name stands there in two cases, the canonical one counts.
  const canonicalLast = members.toSorted(
    ([a], [b]) => Number(Object.hasOwn(struct.fields, a)) - Number(Object.hasOwn(struct.fields, b)),
  );
  return Object.fromEntries(
    canonicalLast.flatMap(([key, each]) => {
      const known = keyOf(struct, key);
      const field = struct.fields[known ?? ""];
      if (known === undefined || field === undefined) throw new RefusedFile(`field not found, node: ${key}`);
      return isSwitchedOff(each, field) ? [] : [[known, decodedField(key, each, field)]];
    }),
  );
}

/** "false", and any other word but "true", where something that may be empty stands. */
function isSwitchedOff(value: unknown, field: Field): boolean {
  if (typeof field === "string" || isNested(field) || !field.mayBeEmpty) return false;
  return !isMap(value) && !Array.isArray(value) && !/^(?:true)?$/i.test(textOf(value));
}

function decodedValue(value: unknown, kind: Kind): unknown {
  switch (kind) {
    case "any":
      return isMap(value) ? value : textOf(value);
    case "text":
      return textOf(value);
    case "list": {
      const text = Array.isArray(value) ? "" : textOf(value);
      const items = Array.isArray(value) ? value.map(textOf) : text === "" ? [] : text.split(",");
      return items.map((item) => item.trim());
    }
    case "number": {
      const number = parseInt64(textOf(value));
      return Number.isSafeInteger(Number(number)) ? Number(number) : String(number);
    }
    case "boolean":
      return parseBool(textOf(value));
    case "duration":
      parseDuration(textOf(value));
      return textOf(value);
  }
}

/** A scalar as Go prints it. */
function textOf(value: unknown): string {
  // Where no list belongs, it has become one text.
  if (Array.isArray(value)) return `║24║${value.map(textOf).join("║")}`;
  if (typeof value === "number" && Number.isInteger(value)) return BigInt(value).toString();
  return typeof value === "number" ? value.toFixed(6) : isMap(value) ? "" : String(value ?? "");
}

function standalone(name: string): RefusedFile {
  return new RefusedFile(`${name} cannot be a standalone element (type map[string]*dynamic.${name})`);
}

/** Members by name; those of a list are called [0], [1] …, those that are null are not there. */
function membersOf(value: unknown): readonly (readonly [string, unknown])[] {
  const members = Array.isArray(value)
    ? value.filter(isMap).map((each, at) => [`[${at}]`, each] as const)
    : isMap(value)
      ? Object.entries(value)
      : [];
  return members.filter(([, member]) => member !== null && member !== undefined);
}

function isNested(field: Field): field is readonly ["map of" | "list of", Field] {
  return Array.isArray(field);
}

/** Field names count in any case. */
function keyOf({ fields }: Struct, name: string): string | undefined {
  return Object.keys(fields).find((key) => key.toLowerCase() === name.toLowerCase());
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
