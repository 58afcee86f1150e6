/** `phoenix schema`: JSON Schemas of site files, for editors, and of output documents, for programs. */
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type ExitCode, exitCodes, messageOf, SiteError, UsageError } from "../errors.ts";
import { didYouMean } from "../formats/text/nearest.ts";
import { option } from "../option-names.ts";
import type { Call, CommandDefinition } from "./command.ts";

export const schemaCommand: CommandDefinition = {
  name: "schema",
  arguments: "[name]",
  summary: "print the JSON Schema of a site file or an output document",
  description: ["Without a name it lists the names. The schemas are JSON Schema, draft 2020-12."],
  options: [
    {
      flags: `${option.into} <dir>`,
      description: "write all schemas to DIR/NAME.schema.json",
      completes: "directories",
    },
  ],
  examples: [
    ["phoenix schema", "the names"],
    ["phoenix schema output-plan", `what \`phoenix plan ${option.output} json\` prints`],
    ["phoenix schema --into .schemas", "all schemas, for your editor"],
  ],
  exits: [
    ["converged", "printed"],
    ["error", "cannot write to the directory"],
    ["usage", "unknown schema"],
  ],
  completes: async () => [...(await allSchemas()).keys()],
  run: runSchema,
};

async function runSchema({ args, own, terminal, options }: Call): Promise<ExitCode> {
  const schemas = await allSchemas();
  const [wanted, ...more] = args;
  if (more.length > 0) throw new UsageError("`phoenix schema` prints one schema at a time");
  if (typeof own.into === "string") {
    await writeAll(resolve(terminal.directory, own.into), schemas);
    return exitCodes.converged;
  }
  if (wanted === undefined) {
    const names = [...schemas.keys()];
    terminal.stdout.write(options.output === "text" ? `${names.join("\n")}\n` : `${JSON.stringify(names)}\n`);
    return exitCodes.converged;
  }
  const schema = schemas.get(wanted);
  if (schema === undefined)
    throw new UsageError(`unknown schema "${wanted}"`, {
      hint: didYouMean(wanted, [...schemas.keys()]) ?? "`phoenix schema` lists the names",
    });
  terminal.stdout.write(textOf(schema()));
  return exitCodes.converged;
}

/** The schemas by name, each made when it is asked for. */
async function allSchemas(): Promise<ReadonlyMap<string, () => unknown>> {
  const [{ fileShapes, jsonSchema }, { outputJsonSchema, outputSchemas }] = await Promise.all([
    import("../site/shapes/schemas.ts"),
    import("../render/output-schemas.ts"),
  ]);
  const outputs = Object.keys(outputSchemas) as (keyof typeof outputSchemas)[];
  const files = Object.keys(fileShapes) as (keyof typeof fileShapes)[];
  return new Map<string, () => unknown>([
    ...files.map((name) => [name, () => jsonSchema(name)] as const),
    ...outputs.map((name) => [name, () => outputJsonSchema(name)] as const),
  ]);
}

async function writeAll(directory: string, schemas: ReadonlyMap<string, () => unknown>): Promise<void> {
  const { schemaFileName } = await import("../site/shapes/schemas.ts");
  try {
    await mkdir(directory, { recursive: true });
    for (const [name, schema] of schemas)
      await writeFile(join(directory, schemaFileName(name)), textOf(schema()));
  } catch (error) {
    throw new SiteError(`cannot write the schemas to ${directory}: ${messageOf(error)}`);
  }
}

function textOf(schema: unknown): string {
  return `${JSON.stringify(schema, null, 2)}\n`;
}
