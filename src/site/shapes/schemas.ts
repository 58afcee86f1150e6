/** JSON Schemas of the site's files for editors, from the shapes that the reader checks against. */
import { siteFiles } from "./files.ts";
import { lxcShape, vmShape } from "./guests.ts";
import { hypervisorShape } from "./hypervisor.ts";
import { noteKeys, notePrefix, type ObjectShape, type Shape } from "./shape.ts";
import { certificatesShape, stackShape, stacksShape } from "./stack.ts";

/** The site's JSON files and their shapes, by the names of their schemas. */
export const fileShapes = {
  hypervisor: { file: siteFiles.hypervisor, shape: hypervisorShape },
  lxc: { file: siteFiles.lxc, shape: lxcShape },
  vm: { file: siteFiles.vm, shape: vmShape },
  certificates: { file: siteFiles.certificates, shape: certificatesShape },
  stack: { file: "stacks/NAME/phoenix.json", shape: stackShape },
  stacks: { file: siteFiles.stacks, shape: stacksShape },
} as const satisfies Record<string, { readonly file: string; readonly shape: Shape }>;

/** The name of the file that holds a schema, in a directory of schemas. */
export function schemaFileName(name: string): string {
  return `${name}.schema.json`;
}

type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * The JSON Schema (draft 2020-12) of one of the site's files. It allows more than the
 * reader, which also knows what values mean; but it marks every unknown key, of which the reader ignores those that misspell none.
 */
export function jsonSchema(name: keyof typeof fileShapes): JsonSchema {
  const { file, shape } = fileShapes[name];
  return { $schema: "https://json-schema.org/draft/2020-12/schema", title: file, ...schemaOf(shape) };
}

function schemaOf(shape: Shape): JsonSchema {
  return { ...(shape.about === undefined ? {} : { description: shape.about }), ...bare(shape) };
}

function bare(shape: Shape): JsonSchema {
  switch (shape.kind) {
    case "text":
      return { type: ["string", "number"], ...(shape.examples && { examples: shape.examples }) };
    case "integer":
      return {
        type: ["integer", "string"],
        minimum: shape.least,
        maximum: shape.most,
        pattern: String.raw`^\s*\d+\s*$`,
      };
    case "flag":
      return anyOf({ type: "boolean" }, { type: "string", pattern: anyCase(["true", "false"]) });
    case "choice":
      return anyOf({ enum: shape.of }, { type: "string", pattern: anyCase(shape.of) });
    case "list":
      return { type: "array", items: schemaOf(shape.of) };
    case "map":
      return { type: "object", additionalProperties: nullable(schemaOf(shape.of)) };
    case "object":
      return objectSchema(shape);
    case "either":
      return anyOf(...shape.of.map(schemaOf));
    case "anything":
      return {};
  }
}

/** A key that must be there and has no aliases is required; any other may be null, which the reader takes for absent. */
function objectSchema({ keys, needs }: ObjectShape): JsonSchema {
  const required = needs.filter((key) => keys[key]?.aliases === undefined);
  const properties = Object.entries(keys).flatMap(([key, shape]) => {
    const schema = required.includes(key) ? schemaOf(shape) : nullable(schemaOf(shape));
    const aliases = (shape.aliases ?? []).map((alias) => [
      alias,
      { ...schema, description: `Another name for \`${key}\`.` },
    ]);
    return [[key, schema], ...aliases];
  });
  return {
    type: "object",
    properties: Object.fromEntries(properties),
    patternProperties: { [`^(${notePrefix})`]: {}, [anyCase(noteKeys)]: {} },
    additionalProperties: false,
    ...(required.length === 0 ? {} : { required }),
  };
}

function nullable({ description, ...schema }: JsonSchema): JsonSchema {
  if (Object.keys(schema).length === 0) return { description };
  return { description, ...anyOf(schema, { type: "null" }) };
}

/** Alternatives; those of an alternative without a description of its own are drawn in. */
function anyOf(...schemas: readonly JsonSchema[]): JsonSchema {
  return {
    anyOf: schemas.flatMap((schema) =>
      schema.description === undefined && Array.isArray(schema.anyOf) ? schema.anyOf : [schema],
    ),
  };
}

/** A pattern for these words in upper or lower case. JSON Schema has no flag for that. */
function anyCase(words: readonly string[]): string {
  const folded = words.map((word) =>
    word.replace(/[a-z]/gi, (letter) => `[${letter.toUpperCase()}${letter.toLowerCase()}]`),
  );
  return String.raw`^\s*(${folded.join("|")})\s*$`;
}
