/**
 * What `why` says is held against what happens: each value of a site is changed in turn, and every unit that then differs or is gone must
 * name the changed line, or an entry around it, among its origins.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadComponents } from "../../src/components/index.ts";
import { takingPart } from "../../src/components/parts.ts";
import type { Origin } from "../../src/origin.ts";
import type { Resource } from "../../src/resource.ts";
import { loadSite } from "../../src/site/load.ts";
import type { Entry } from "../../src/site/places.ts";
import type { Context } from "../../src/why/context.ts";
import { contextFor } from "./sites.ts";

const example = join(import.meta.dirname, "../../examples/homelab");
/** A sample of the values: all of them take a minute. */
const every = Number(process.env.PHOENIX_WHY_EVERY ?? 4);
let directory = "";

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "phoenix-why-"));
  cpSync(example, directory, { recursive: true });
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Another valid value of the same kind; undefined where none can be made up. */
function another({ cell: { node } }: Entry): string | undefined {
  if (node.kind === "number") return String(node.value + 1);
  if (node.kind === "boolean") return String(!node.value);
  if (node.kind !== "string") return undefined;
  const { value } = node;
  const address = /^(192\.168\.40\.)(\d+)((?:\/\d+)?)$/.exec(value);
  if (address !== null) return JSON.stringify(`${address[1]}${Number(address[2]) + 100}${address[3]}`);
  if (/^\d+$/.test(value)) return JSON.stringify(String(Number(value) + 1));
  if (/^[a-z][a-z0-9-]*\.oak\.home\.arpa$/.test(value)) return JSON.stringify(`x${value}`);
  return undefined;
}

function valuesOf({ places }: Context): readonly (readonly [file: string, entry: Entry])[] {
  return places.files.flatMap((file) =>
    places.entries(file).flatMap((entry) => (entry.children.length === 0 ? [[file, entry] as const] : [])),
  );
}

/** What follows with another value; undefined when the site has errors then. */
async function changed(
  file: string,
  { cell: { node } }: Entry,
  value: string,
): Promise<ReadonlyMap<string, Resource> | undefined> {
  const path = join(directory, file);
  const text = readFileSync(path, "utf8");
  try {
    writeFileSync(path, text.slice(0, node.start) + value + text.slice(node.end));
    const { site } = await loadSite(directory, { runsCommands: false });
    if (site === undefined) return undefined;
    const desired = takingPart(await loadComponents(), site).flatMap((component) => component.compile(site));
    return new Map(desired.map((resource) => [resource.id, resource]));
  } finally {
    writeFileSync(path, text);
  }
}

test("a unit that a changed value changes names the value's line, or an entry around it", async () => {
  const before = await contextFor(directory);
  const silent: string[] = [];
  let effects = 0;
  for (const [file, entry] of valuesOf(before).filter((_, at) => at % every === 0)) {
    const value = another(entry);
    const after = value === undefined ? undefined : await changed(file, entry, value);
    if (after === undefined) continue;
    for (const { resource, units, why } of before.explained)
      for (const [unit, reason] of units) {
        const now = after.get(resource.id);
        if (now?.units[unit] === resource.units[unit]) continue;
        effects += 1;
        // With the whole resource gone, its own reason tells.
        const origins = now === undefined ? [...reason.origins, ...why.origins] : reason.origins;
        if (!origins.some((origin) => names(before, origin, file, entry)))
          silent.push(`${file}:${entry.first} ${entry.path.join(".")}: ${resource.id} ${unit}`);
      }
  }
  expect(silent).toEqual([]);
  expect(effects).toBeGreaterThan(20);
}, 600_000);

/** Whether an origin's place is the value, or an entry around it that is no whole file. */
function names({ places }: Context, origin: Origin, file: string, entry: Entry): boolean {
  const decision = places.decide(origin);
  if (decision?.kind !== "declared" || decision.at.file !== file) return false;
  for (let around: Entry | undefined = entry; around?.parent !== undefined; around = around.parent)
    if (decision.at.line === around.first) return true;
  return false;
}
