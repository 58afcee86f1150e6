/** The schemas accept what the reader accepts, and say what each key means. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { fileSchemas, jsonSchema } from "../../src/site/shapes/schemas.ts";
import { base, cases, inDirectory, layOut } from "./tree.ts";

const files = {
  hypervisor: "etc/phoenix_hypervisor_config.json",
  lxc: "etc/phoenix_lxc_configs.json",
  vm: "etc/phoenix_vm_configs.json",
  certificates: "etc/certificate-manifest.json",
  stack: "stacks/wiki/phoenix.json",
} as const;

describe("a schema", () => {
  test.each(Object.entries(files))("%s accepts the base site", (name, file) => {
    const value: unknown = JSON.parse(readFileSync(join(base, file), "utf8"));
    expect(fileSchemas[name as keyof typeof files].safeParse(value).error?.issues ?? []).toEqual([]);
  });

  test("accepts every shape that the reader accepts and that is plain JSON", async () => {
    // Files that are nothing but guests have no key that an editor could choose a schema by.
    const names = readdirSync(join(cases, "same")).filter((name) => !/comments|at-the-top/.test(name));
    for (const name of names)
      await inDirectory(async (directory) => {
        layOut(directory, readFileSync(join(cases, "same", name), "utf8"));
        for (const [schema, file] of Object.entries(files)) {
          if (name.startsWith("stack-in-the-older-file") && schema === "stack") continue;
          const value: unknown = JSON.parse(readFileSync(join(directory, file), "utf8"));
          const { error } = fileSchemas[schema as keyof typeof files].safeParse(value);
          expect(error?.issues ?? [], `${name}: ${file}`).toEqual([]);
        }
      });
  });

  test("refuses what the reader refuses", () => {
    expect(fileSchemas.hypervisor.safeParse({ domain_name: "x" }).success).toBe(false);
    expect(fileSchemas.vm.safeParse({ vms: [{ vmid: "x", name: "y" }] }).success).toBe(false);
  });

  test.each(Object.keys(fileSchemas))("%s is a JSON Schema with words for editors", (name) => {
    const schema = jsonSchema(name as keyof typeof fileSchemas);
    expect(schema).toMatchObject({ $schema: "https://json-schema.org/draft/2020-12/schema" });
    const text = JSON.stringify(schema);
    expect(text).toContain('"description"');
    expect(text).not.toContain('"$ref"');
  });
});
