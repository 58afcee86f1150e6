/** JSON Schemas of the site's files for editors, made from the same shapes that the reader checks against. */
import { z } from "zod";
import { lxcShape, vmShape } from "./guests.ts";
import { hypervisorShape } from "./hypervisor.ts";
import type { ObjectShape, Shape } from "./shape.ts";
import { certificatesShape, stackShape, stacksShape } from "./stack.ts";

const shapes = {
  hypervisor: hypervisorShape,
  lxc: lxcShape,
  vm: vmShape,
  certificates: certificatesShape,
  stack: stackShape,
  stacks: stacksShape,
} as const satisfies Record<string, Shape>;

export type FileSchemaName = keyof typeof shapes;

/** What each file must look like: more lenient than the reader, which also knows what values mean. */
export const fileSchemas: Readonly<Record<FileSchemaName, z.ZodType>> = {
  hypervisor: schemaOf(shapes.hypervisor),
  lxc: schemaOf(shapes.lxc),
  vm: schemaOf(shapes.vm),
  certificates: schemaOf(shapes.certificates),
  stack: schemaOf(shapes.stack),
  stacks: schemaOf(shapes.stacks),
};

/** The JSON Schema (draft 2020-12) of one of the site's files. */
export function jsonSchema(name: FileSchemaName): unknown {
  const { $schema, ...schema } = z.toJSONSchema(fileSchemas[name], { io: "input" });
  return { $schema, title: titles[name], ...schema };
}

const titles: Readonly<Record<FileSchemaName, string>> = {
  hypervisor: "etc/phoenix_hypervisor_config.json",
  lxc: "etc/phoenix_lxc_configs.json",
  vm: "etc/phoenix_vm_configs.json",
  certificates: "etc/certificate-manifest.json",
  stack: "stacks/NAME/phoenix.json",
  stacks: "etc/phoenix_stacks_config.json",
};

function schemaOf(shape: Shape): z.ZodType {
  const schema = bare(shape);
  return shape.about === undefined ? schema : schema.describe(shape.about);
}

function bare(shape: Shape): z.ZodType {
  switch (shape.kind) {
    case "text":
      return z.union([z.string(), z.number()]);
    case "integer":
      return z.union([z.int().min(shape.least).max(shape.most), z.string().regex(/^\s*\d+\s*$/)]);
    case "flag":
      return z.union([z.boolean(), z.string().regex(/^\s*([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])\s*$/)]);
    case "choice":
      return z.union([z.enum([...shape.of]), z.string().regex(anyCase(shape.of))]);
    case "list":
      return z.array(schemaOf(shape.of));
    case "map":
      return z.record(z.string(), schemaOf(shape.of).nullable());
    case "object":
      return objectSchema(shape);
    case "either":
      return z.union(shape.of.map(schemaOf) as [z.ZodType, z.ZodType, ...z.ZodType[]]);
    case "anything":
      return z.unknown();
  }
}

function objectSchema({ keys, needs }: ObjectShape): z.ZodType {
  const always = new Set(needs.filter((need) => typeof need === "string"));
  return z.looseObject(
    Object.fromEntries(
      Object.entries(keys).map(([key, shape]) => {
        const schema = schemaOf(shape);
        return [key, always.has(key) ? schema : schema.nullish()];
      }),
    ),
  );
}

/** Editors know no flags of patterns: each letter in both cases. */
function anyCase(words: readonly string[]): RegExp {
  const folded = words.map((word) =>
    word.replace(/[a-z]/gi, (letter) => `[${letter.toUpperCase()}${letter.toLowerCase()}]`),
  );
  return new RegExp(`^(${folded.join("|")})$`);
}
