/** One file of Traefik's file provider: template, YAML, and the strict decoding that refuses unknown fields (3.0.4 to 3.7.15). */
import { parseAllDocuments } from "yaml";
import { type Field, type Fields, mayBeEmpty, roots } from "./shapes.ts";

/** A decoded section: routers, services, middlewares … by name. */
export type Section = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export interface DynamicConfiguration {
  readonly routers: Section;
  readonly services: Section;
  readonly middlewares: Section;
  readonly serversTransports: Section;
}

export const emptyConfiguration: DynamicConfiguration = {
  routers: {},
  services: {},
  middlewares: {},
  serversTransports: {},
};

/** Why Traefik refuses a file, in its own words. */
export class RefusedFile extends Error {}

/**
 * Decodes a file. Without any content it is an empty configuration, no failure: all its routes vanish. Of several YAML
 * documents only the first counts.
 * @throws RefusedFile
 */
export function decodeDynamic(text: string): DynamicConfiguration {
  const documents = parseAllDocuments(templated(text), { uniqueKeys: true });
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
  const { http } = Object.fromEntries(
    known.map(([name, member]) => [keyOf(roots, name) ?? "", decoded(name, member, roots)]),
  );
  const section = (name: string): Section =>
    isMap(http) && isMap(http[name]) ? (http[name] as Section) : {};
  return {
    routers: section("routers"),
    services: section("services"),
    middlewares: section("middlewares"),
    serversTransports: section("serversTransports"),
  };
}

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

function decoded(name: string, value: unknown, known: Fields): unknown {
  const field = known[keyOf(known, name) ?? ""];
  if (field === undefined) throw new RefusedFile(`field not found, node: ${name}`);
  return decodedAs(name, value, field, mayBeEmpty.has(name.toLowerCase()));
}

function decodedAs(name: string, value: unknown, field: Field, emptyIsFine: boolean): unknown {
  if (typeof field === "string") return simple(name, value, field, emptyIsFine);
  if (Array.isArray(value)) return value.map((item) => decodedAs(name, item, field, true));
  if (!isMap(value)) throw new RefusedFile(`${name} cannot be a simple value`);
  const members = present(name, value, emptyIsFine);
  if (isMapOf(field)) {
    // What has a name of its own may be empty: a router without anything is a router that does not work.
    return Object.fromEntries(members.map(([key, each]) => [key, decodedAs(key, each, field[1], true)]));
  }
  // Where a name stands there in two cases, the canonical one counts.
  const canonicalLast = members.toSorted(
    ([a], [b]) => Number(Object.hasOwn(field, a)) - Number(Object.hasOwn(field, b)),
  );
  return Object.fromEntries(
    canonicalLast.map(([key, each]) => [keyOf(field, key) ?? key, decoded(key, each, field)]),
  );
}

function simple(
  name: string,
  value: unknown,
  kind: "any" | "number" | "boolean",
  emptyIsFine: boolean,
): unknown {
  if (kind === "number" && !/^[+-]?\d+$/.test(String(value)))
    throw new RefusedFile(
      `${name}: strconv.ParseInt: parsing ${JSON.stringify(String(value))}: invalid syntax`,
    );
  if (kind === "boolean" && !/^(true|false|[01tf]|TRUE|FALSE|True|False)$/i.test(String(value)))
    throw new RefusedFile(
      `${name}: strconv.ParseBool: parsing ${JSON.stringify(String(value))}: invalid syntax`,
    );
  return isMap(value) ? Object.fromEntries(present(name, value, emptyIsFine)) : value;
}

/** Members that are null are not there; `routers: {}` is refused. */
function present(
  name: string,
  value: Readonly<Record<string, unknown>>,
  emptyIsFine: boolean,
): readonly (readonly [string, unknown])[] {
  const members = Object.entries(value).filter(([, member]) => member !== null && member !== undefined);
  if (members.length === 0 && !emptyIsFine)
    throw new RefusedFile(`${name} cannot be a standalone element (type map[string]*dynamic.${name})`);
  return members;
}

function isMapOf(field: Fields | readonly ["map of", Field]): field is readonly ["map of", Field] {
  return Array.isArray(field);
}

/** Field names count in any case. */
function keyOf(known: Fields, name: string): string | undefined {
  return Object.keys(known).find((key) => key.toLowerCase() === name.toLowerCase());
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
