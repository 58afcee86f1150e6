/** The YAML of a stack file, read as `docker stack` reads it: go-yaml v2, where `y`, `n`, `on` and `off` are booleans. Pure. */
import { parseDocument, visit } from "yaml";
import { isYamlObject, type YamlObject } from "../compose-values.ts";
import { StackError } from "./words.ts";

/** What go-yaml says of the commonest mistakes. */
const goWords: readonly (readonly [RegExp, string])[] = [
  [/^Tabs are not allowed/, "found a tab character that violates indentation"],
  [/^Flow (sequence|map) in block collection/, "did not find expected node content"],
];

/** @throws StackError */
export function parseStackYaml(text: string): YamlObject {
  const document = parseDocument(text, {
    version: "1.1",
    merge: true,
    uniqueKeys: false,
    prettyErrors: false,
    // Sexagesimal numbers and times are text there.
    customTags: (tags) =>
      tags.filter((tag) => typeof tag === "string" || !("format" in tag && tag.format === "TIME")),
  });
  const [error] = document.errors;
  if (error !== undefined) {
    const line = text.slice(0, error.pos[0]).split("\n").length;
    const words = goWords.find(([pattern]) => pattern.test(error.message))?.[1] ?? error.message;
    throw new StackError(`yaml: line ${line}: ${words}`);
  }
  visit(document, {
    Alias: (_, alias) => {
      if (alias.resolve(document) === undefined)
        throw new StackError(`yaml: unknown anchor '${alias.source}' referenced`);
    },
  });
  const value = withTextKeys(document.toJS({ mapAsMap: true, maxAliasCount: 1000 }), []);
  if (isYamlObject(value)) return value;
  throw new StackError("top-level object must be a mapping");
}

/** @throws StackError for a key that is a boolean or a number */
function withTextKeys(value: unknown, path: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((each, at) => withTextKeys(each, [...path, `[${at}]`]));
  if (!(value instanceof Map)) return value;
  return Object.fromEntries(
    [...(value as Map<unknown, unknown>)].map(([key, each]) => {
      if (typeof key !== "string")
        throw new StackError(
          `non-string key ${path.length === 0 ? "at top level" : `in ${path.join(".")}`}: ${key === null ? "<nil>" : String(key)}`,
        );
      return [key, withTextKeys(each, [...path, key])];
    }),
  );
}
