/** What a command loads at its start: everything that another command needs would delay it. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { sourceFiles } from "../architecture.ts";

const files = new Map(sourceFiles(join(import.meta.dirname, "../..")).map((file) => [file.path, file]));

/** The files that one loads with it: imports, without types and without those in functions. */
function loadedWith(path: string, seen = new Set<string>()): ReadonlySet<string> {
  const file = files.get(path);
  if (file === undefined || seen.has(path)) return seen;
  seen.add(path);
  const code = file.text
    .replace(/^import type [^;]*;/gm, "")
    .replace(/^import \{(?:\s*type \w+(?: as \w+)?,?)+\s*\} from [^;]*;/gm, "");
  for (const imported of file.imports)
    if (new RegExp(`from "[./\\w-]*${imported.split("/").at(-1)?.replaceAll(".", "\\.")}"`).test(code))
      loadedWith(imported, seen);
  return seen;
}

test("the table of commands loads neither a session nor a component", () => {
  const loaded = [...loadedWith("cli/commands.ts")];
  expect(loaded).toContain("cli/check.ts");
  expect(
    loaded.filter((path) => /^cli\/(?:session|display|world)\.ts$|^(?:hosts|journal|apis)\//.test(path)),
  ).toEqual([]);
});
