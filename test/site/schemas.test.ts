/** The schemas accept what the reader accepts, and say what each key means. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { fileShapes, jsonSchema } from "../../src/site/shapes/schemas.ts";
import { base, cases, inDirectory, layOut } from "./tree.ts";

const files = {
  hypervisor: "etc/phoenix_hypervisor_config.json",
  lxc: "etc/phoenix_lxc_configs.json",
  vm: "etc/phoenix_vm_configs.json",
  certificates: "etc/certificate-manifest.json",
  stack: "stacks/wiki/phoenix.json",
} as const;

const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true });
const names = Object.keys(fileShapes) as (keyof typeof fileShapes)[];
const validators = new Map<string, ReturnType<typeof ajv.compile>>(
  names.map((name) => [name, ajv.compile(jsonSchema(name))]),
);

/** What a file's schema says against a value. */
function faults(name: string, value: unknown): readonly unknown[] {
  const validate = validators.get(name);
  return validate?.(value) === true ? [] : (validate?.errors ?? ["no such schema"]);
}

describe("a schema", () => {
  test.each(Object.entries(files))("%s accepts the base site", (name, file) => {
    const value: unknown = JSON.parse(readFileSync(join(base, file), "utf8"));
    expect(faults(name, value)).toEqual([]);
  });

  test("accepts every shape that the reader accepts and that is plain JSON", async () => {
    // Files that are nothing but guests have no key that an editor could choose a schema by.
    const shapes = readdirSync(join(cases, "same")).filter((name) => !/comments|at-the-top/.test(name));
    for (const name of shapes)
      await inDirectory(async (directory) => {
        layOut(directory, readFileSync(join(cases, "same", name), "utf8"));
        for (const [schema, file] of Object.entries(files)) {
          if (name.startsWith("stack-in-the-older-file") && schema === "stack") continue;
          const value: unknown = JSON.parse(readFileSync(join(directory, file), "utf8"));
          expect(faults(schema, value), `${name}: ${file}`).toEqual([]);
        }
      });
  });

  test("refuses what the reader refuses", () => {
    expect(faults("hypervisor", { domain_name: "x" })).not.toEqual([]);
    expect(faults("vm", { vms: [{ vmid: "x", name: "y" }] })).not.toEqual([]);
  });

  test.each(names)("%s is a JSON Schema with words for editors", (name) => {
    const schema = jsonSchema(name);
    expect(schema).toMatchObject({ $schema: "https://json-schema.org/draft/2020-12/schema" });
    const text = JSON.stringify(schema);
    expect(text).toContain('"description"');
    expect(text).not.toContain('"$ref"');
  });

  test("marks a key that is not known, and no note", () => {
    const guest = (key: string) => ({ lxc_configs: { "101": { name: "x", [key]: {} } } });
    for (const key of ["traefik_servce", "colour", "__proto", "commentary"])
      expect(faults("lxc", guest(key)), key).not.toEqual([]);
    for (const key of ["_mine", "$comment", "#old", "//", "Comment", "notes"])
      expect(faults("lxc", guest(key)), key).toEqual([]);
  });

  test("offers the words of a choice, and takes them in any case", () => {
    const service = (scheme: string) => ({
      lxc_configs: { "101": { name: "x", traefik_service: { name: "x", port: 1, scheme } } },
    });
    expect(JSON.stringify(jsonSchema("lxc"))).toContain('{"enum":["http","https","h2c"]}');
    expect(faults("lxc", service("HTTPS"))).toEqual([]);
    expect(faults("lxc", service("gopher"))).not.toEqual([]);
  });

  test("has the aliases of a key, and says which key it is", () => {
    const { properties } = jsonSchema("vm") as {
      properties: Record<string, { description: string; anyOf: unknown }>;
    };
    expect(properties.vm_configs?.anyOf).toEqual(properties.vms?.anyOf);
    expect(properties.vm_configs?.description).toBe("Another name for `vms`.");
  });
});
