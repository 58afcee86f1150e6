/** The YAML of a compose file, read as Compose's parser reads it (go-yaml v3). Pure. */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  type Pair,
  parseAllDocuments,
  type Scalar,
  visit,
  type YAMLMap,
} from "yaml";
import { invalid } from "./compose-errors.ts";
import { isYamlObject, type YamlObject } from "./compose-values.ts";

/**
 * The documents of a text merged into one, the later ones over the earlier ones.
 * @throws ComposeError in Compose's words
 */
export function parseComposeYaml(text: string): YamlObject {
  const documents = parseAllDocuments(text, { merge: true, prettyErrors: false });
  if (!Array.isArray(documents) || documents.length === 0) throw invalid("empty compose file");
  const values = documents.map((document) => readDocument(document, text));
  for (const value of values) if (!isYamlObject(value)) throw invalid("top-level object must be a mapping");
  const merged = (values as YamlObject[]).reduce(override);
  if (Object.keys(merged).length === 0) throw invalid("empty compose file");
  return merged;
}

function readDocument(document: Document, text: string): unknown {
  const refuse = (words: string, at?: number): Error =>
    invalid(`yaml: ${at === undefined ? "" : `line ${text.slice(0, at).split("\n").length}: `}${words}`);
  const [error] = document.errors;
  if (error !== undefined) throw refuse(error.message, error.pos[0]);
  if (document.directives?.docStart === true && /^%YAML/m.test(text))
    throw refuse("found incompatible YAML document");
  visit(document, {
    Alias: (_, alias, path) => {
      const anchored = alias.resolve(document);
      if (anchored === undefined) throw refuse(`unknown anchor '${alias.source}' referenced`);
      if (path.includes(anchored)) throw refuse(`anchor '${alias.source}' value contains itself`);
    },
    Scalar: (_, scalar) => {
      const number = numberOf(scalar);
      if (number !== undefined) scalar.value = number;
    },
    Map: (_, map) => checkMap(map as YAMLMap, document, refuse),
  });
  return withTextKeys(document.toJS({ mapAsMap: true, maxAliasCount: 1000 }), []);
}

/** Numbers that go-yaml v3 still reads as YAML 1.1 does: `0755`, `1_000`; those beyond JavaScript's keep their digits as text. */
function numberOf({ source = "", type, tag }: Scalar): number | string | undefined {
  if (type !== "PLAIN" || tag !== undefined) return undefined;
  const plain = source.replaceAll("_", "");
  if (/^[-+]?0[0-7_]+$/.test(source)) return Number.parseInt(plain, 8);
  if (/^[-+]?[1-9][\d_]*$/.test(source)) return Number.isSafeInteger(Number(plain)) ? Number(plain) : plain;
  // A date becomes a time, which no place of the schema takes.
  if (/^\d{4}-\d\d?-\d\d?$/.test(source)) throw invalid("invalid jsonType time.Time");
  return undefined;
}

function checkMap(map: YAMLMap, document: Document, refuse: (words: string, at?: number) => Error): void {
  const merges = map.items.filter(
    ({ key }) => isScalar(key) && ["<<", "Symbol(<<)"].includes(String(key.value)),
  );
  if (merges.length > 1) throw refuse('mapping key "<<" already defined');
  for (const { key, value } of map.items as Pair[]) {
    if (isMap(key) || (!isScalar(key) && !isAlias(key) && key !== null))
      throw refuse(`invalid map key: ${String(key)}`);
    if (!merges.some((merge) => merge.value === value)) continue;
    const merged = isAlias(value) ? value.resolve(document) : value;
    const parts = isMap(merged) ? [merged] : ((merged as { items?: unknown[] } | undefined)?.items ?? [null]);
    if (!parts.every((part) => isMap(isAlias(part) ? part.resolve(document) : part)))
      throw refuse("map merge requires map or sequence of maps as the value");
  }
}

/** @throws ComposeError for a key that is a number, a boolean or null */
function withTextKeys(value: unknown, path: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((each, at) => withTextKeys(each, [...path, `[${at}]`]));
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  if (!(value instanceof Map)) return value;
  return Object.fromEntries(
    [...(value as Map<unknown, unknown>)].map(([key, each]) => {
      if (typeof key !== "string")
        throw invalid(
          `non-string key ${path.length === 0 ? "at top level" : `in ${path.join(".")}`}: ${key === null ? "<nil>" : String(key)}`,
        );
      return [key, withTextKeys(each, [...path, key])];
    }),
  );
}

/** Mappings are merged, lists joined, anything else replaced. */
function override(base: YamlObject, over: YamlObject): YamlObject {
  const merged = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(over)) {
    const before = merged.get(key);
    if (isYamlObject(before) && isYamlObject(value)) merged.set(key, override(before, value));
    else if (Array.isArray(before) && Array.isArray(value)) merged.set(key, [...before, ...value]);
    else merged.set(key, value);
  }
  return Object.fromEntries(merged);
}
