/** The reference says everything about each key: what is so without it, an example that is valid, the version that brought it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { firstVersion, type Key, keyObjects } from "../../script/reference/keys.ts";
import { fileShapes, jsonSchema } from "../../src/site/shapes/schemas.ts";
import type { Shape } from "../../src/site/shapes/shape.ts";
import { faultsOf } from "../json-schema.ts";

const root = join(import.meta.dirname, "../..");

const all: readonly { readonly id: string; readonly key: Key }[] = [...keyObjects().values()]
  .flat()
  .flatMap(({ shape, keys }) => keys.map((key) => ({ id: `${shape.name}.${key.name}`, key })));

const idsOf = (which: (key: Key) => boolean): readonly string[] =>
  all.filter(({ key }) => which(key)).map(({ id }) => id);

/** Whether values of the shape are objects, or lists of them: their own keys have the examples. */
function holdsObjects(shape: Shape): boolean {
  if (shape.kind === "list") return holdsObjects(shape.of);
  if (shape.kind === "either") return shape.of.some(holdsObjects);
  return shape.kind === "object" || shape.kind === "map";
}

test("there are keys at all", () => {
  expect(all.length).toBeGreaterThan(150);
});

test("each says what it means", () => {
  const isPlain = (key: Key): boolean => !holdsObjects(key.shape);
  expect(idsOf((key) => isPlain(key) && key.about === "")).toEqual([]);
});

test("each that holds a value has an example", () => {
  expect(idsOf((key) => !holdsObjects(key.shape) && key.example === undefined)).toEqual([]);
});

test("each flag, number and choice that may be absent has a default", () => {
  // An id stands in the entry, or is the key of the entry; of the shared volumes only the firewall is enabled.
  const isApart = (id: string): boolean => /\.ctid$|^a shared volume\.enabled$/.test(id);
  const kinds = ["flag", "integer", "choice"];
  const missing = idsOf(
    (key) => kinds.includes(key.shape.kind) && !key.isRequired && key.preset === undefined,
  );
  expect(missing.filter((id) => !isApart(id))).toEqual([]);
});

test("each that 0.2 did not have says the version that brought it, and no other one does", () => {
  const released = readFileSync(join(root, "test/cases/keys-0.2.txt"), "utf8").trim().split("\n");
  expect(idsOf(({ since }) => since === firstVersion).toSorted()).toEqual(released);
});

test.each(Object.keys(fileShapes) as (keyof typeof fileShapes)[])("rare examples of %s are valid", (name) => {
  const examples = JSON.parse(readFileSync(join(root, "script/reference/examples.json"), "utf8"));
  expect(faultsOf(jsonSchema(name), examples[name])).toEqual([]);
});
