/** The units of the packages as systemd itself judges them, where it is there. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

const source = join(import.meta.dirname, "../../script/packaging/systemd");
const names = readdirSync(source);
const text = (name: string): string => readFileSync(join(source, name), "utf8");
const isThere = spawnSync("systemd-analyze", ["--version"]).status === 0;

test.runIf(isThere)("systemd understands every line of them", () => {
  const directory = mkdtempSync(join(tmpdir(), "phoenix-units-"));
  // Neither the program nor its manual is installed here.
  for (const name of names)
    writeFileSync(join(directory, name), text(name).replace(/^ExecStart=phoenix /m, "ExecStart=/bin/true "));
  const paths = names.map((name) => join(directory, name));
  const { status, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", ...paths], {
    encoding: "utf8",
  });
  rmSync(directory, { recursive: true });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});

test("a run of theirs can pull the site wherever it is, and remember that it could not look", () => {
  for (const name of names.filter((each) => each.endsWith(".service")))
    expect(text(name)).not.toMatch(/^(?:ProtectHome=(?!no)|ProtectSystem=(?:full|strict)|DynamicUser=yes)/m);
});
