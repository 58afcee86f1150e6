/** The man pages hold what the command line and the site's files have, and are right for the programs that print them. */
import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { manPages } from "../../script/packaging/man.ts";
import { item, paragraph, printPage } from "../../script/packaging/roff.ts";
import { commands } from "../../src/cli/commands.ts";
import { exitTable, optionsOf } from "../../src/cli/help.ts";
import { globalOptions } from "../../src/cli/options.ts";
import { problemCodes } from "../../src/problem-codes/index.ts";

const foot = { date: "2026-11-28", source: "phoenix 1.2.3" };
const pages = new Map((await manPages()).map((page) => [`${page.name}(${page.section})`, page]));
const text = (name: string): string => {
  const page = pages.get(name);
  return page === undefined ? "" : printPage(page, foot).replaceAll("\\-", "-");
};

test("there is a page for phoenix, for each command, for the site and for the problem codes", () => {
  const ofCommands = commands.map(({ name }) => `phoenix-${name.replaceAll(" ", "-")}(1)`);
  expect([...pages.keys()]).toEqual(["phoenix(1)", ...ofCommands, "phoenix-site(5)", "phoenix-problems(7)"]);
});

test("phoenix(1) has every command and every global option", () => {
  const page = text("phoenix(1)");
  const missing = [
    ...commands.map(({ name }) => `phoenix-${name.replaceAll(" ", "-")}`),
    ...globalOptions.map(({ flags }) => flags),
  ];
  expect(missing.filter((words) => !page.includes(words))).toEqual([]);
});

test.each(commands.map((command) => [command.name, command] as const))(
  "phoenix-%s has its options and exit codes",
  (name, command) => {
    const page = text(`phoenix-${name.replaceAll(" ", "-")}(1)`);
    expect(optionsOf(command).filter(({ flags }) => !page.includes(`.TP\n\\fB${flags}\\fR`))).toEqual([]);
    expect(exitTable(command.exits).filter(([code]) => !page.includes(`.TP\n\\fB${code}\\fR`))).toEqual([]);
  },
);

test("phoenix-site(5) has keys with their other names, and phoenix-problems(7) every code", () => {
  expect(text("phoenix-site(5)")).toMatch(
    /\\fBupstream_servers\\fR\n.*Other names: \\fBforwarders\\fR, \\fBupstreams\\fR\./,
  );
  expect(
    Object.keys(problemCodes).filter((code) => !text("phoenix-problems(7)").includes(`\\fB${code}: `)),
  ).toEqual([]);
});

test("a text never becomes a request or an escape", () => {
  expect(paragraph(".TH x\\y 'z' `--a-b`")).toBe(".PP\n\\&.TH x\\ey \\(aqz\\(aq \\fB\\-\\-a\\-b\\fR");
  expect(item("-y", "", "more")).toBe(".TP\n\\fB\\-y\\fR\nmore");
});

const hasGroff = spawnSync("groff", ["--version"]).status === 0;
test.skipIf(!hasGroff)("groff prints every page without a warning", () => {
  // A word longer than a line, in an example, is no fault of the page.
  for (const [name, page] of pages) {
    const said = spawnSync("groff", ["-man", "-ww", "-Wbreak", "-z", "-k", "-Tutf8"], {
      input: printPage(page, foot),
      encoding: "utf8",
    });
    expect(`${name}: ${said.stderr}`).toBe(`${name}: `);
  }
});
