/**
 * Hosts that people made by hand, in test/cases/import: import reads each of them, declares what it can, and tells the rest.
 * planted.json lists what somebody put there; no code of the product says what it must find.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { call } from "../cli/edge.ts";
import { hostLab, newDirectory } from "./open.ts";

const cases = "test/cases/import";

interface Planted {
  /** Values of the site. */
  readonly declared: readonly string[];
  /** Named in IMPORT.md. */
  readonly left: readonly string[];
  /** In the site or in IMPORT.md; "a|b" is either text. */
  readonly told: readonly string[];
  /** Nowhere among the site's values: it would be a guess. */
  readonly absent: readonly string[];
}

const read = (path: string) => readFileSync(path, "utf8");

/** Regular files and links below a directory. */
function filesIn(directory: string): readonly string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** Everything that the lab's machines hold: each file's content and mode, and what engines and units know. */
function stateOf(lab: string): ReadonlyMap<string, string> {
  const look = (path: string): string => {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats?.isFile() !== true) return `link to ${readlinkSync(path)}`;
    return `${(stats.mode & 0o7777).toString(8)} ${createHash("sha256").update(readFileSync(path)).digest("hex")}`;
  };
  return new Map(
    ["hosts", "state"].flatMap((part) =>
      filesIn(join(lab, part)).map((path) => [relative(lab, path), look(path)] as const),
    ),
  );
}

/** The texts of a site's files, comments of its JSON taken out. */
function valuesOf(site: string): string {
  const texts = filesIn(site)
    .filter((path) => !/IMPORT\.md$|README\.md$|\/\.(?:vscode|import)\/|\.schema\.json$/.test(path))
    .map((path) => (path.endsWith(".json") ? withoutComments(read(path)) : read(path)));
  return texts.join("\n");
}

/** JSON without `//` and block comments; strings stay as they are. */
function withoutComments(text: string): string {
  return text.replace(/("(?:[^"\\]|\\.)*")|\/\/.*|\/\*[\s\S]*?\*\//g, (_, string?: string) => string ?? "");
}

/** Words that were planted as secrets. */
function canariesOf(name: string): readonly string[] {
  const texts = filesIn(join(cases, name)).map((path) => (statSync(path).isFile() ? read(path) : ""));
  return [...new Set(texts.flatMap((text) => text.match(/canary[-\w]*/gi) ?? []))];
}

/** Whether each line is still there; of a rule that the site declares, the comment may have become Phoenix's. */
function keepsLines(before = "", after: string): boolean {
  const bare = (line: string) => line.replace(/#.*/, "").trim();
  const rules = new Set(after.split("\n").map(bare));
  const lines = new Set(after.split("\n"));
  return before
    .split("\n")
    .every((line) => lines.has(line) || (/^(IN|OUT) /.test(line) && rules.has(bare(line))));
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

const importing = (lab: string, site: string, ...more: readonly string[]) =>
  call(["import", site, "--lab", lab, ...more]);

const expectNoFailure = ({ code, stdout, stderr }: Awaited<ReturnType<typeof call>>) => {
  expect(`${stdout}${stderr}`).not.toMatch(/internal error|at \S+ \(.*:\d+:\d+\)/);
  expect([0, 2], stderr).toContain(code);
};

describe.each(readdirSync(cases))("%s", (name) => {
  const planted = JSON.parse(read(join(cases, name, "planted.json"))) as Planted;
  const imported = once(async () => {
    const lab = await hostLab(name);
    const before = stateOf(lab);
    const site = join(await newDirectory(), "site");
    const said = await importing(lab, site);
    return { lab, before, after: stateOf(lab), site, said };
  });

  test("is imported, and stays as it is", async () => {
    const { said, before, after } = await imported();
    expectNoFailure(said);
    expect(after).toEqual(before);
  });

  test("is declared or told, thing by thing, and nothing is guessed", async () => {
    const { site } = await imported();
    const [values, report] = [valuesOf(site), read(join(site, "IMPORT.md"))];
    const isIn = (text: string) => (one: string) => one.split("|").some((each) => text.includes(each));
    expect({
      undeclared: planted.declared.filter((one) => !isIn(values)(one)),
      unreported: planted.left.filter((one) => !isIn(report)(one)),
      dropped: planted.told.filter((one) => !isIn(values + report)(one)),
      guessed: planted.absent.filter(isIn(values)),
    }).toEqual({ undeclared: [], unreported: [], dropped: [], guessed: [] });
  });

  test("gives a site without errors", async () => {
    const { site } = await imported();
    const { code, stdout, stderr } = await call(["check", "--site", site]);
    expect(code, stdout + stderr).toBe(0);
  });

  test("keeps its secrets in files of mode 600, and its texts off the terminal's controls", async () => {
    const { site, said, lab } = await imported();
    const machine = await call(["plan", "--site", site, "--lab", lab, "--output", "json"]);
    const document = await importing(lab, join(await newDirectory(), "site"), "--output", "json");
    const open = filesIn(site).filter((path) => (statSync(path).mode & 0o77) !== 0);
    const texts = [said, machine, document].flatMap(({ stdout, stderr }) => [stdout, stderr]);
    texts.push(...open.map(read));
    expect(canariesOf(name).filter((canary) => texts.some((text) => text.includes(canary)))).toEqual([]);
    expect(texts.filter((text) => /(?![\n\t])[\p{Cc}\p{Cf}]/u.test(text))).toEqual([]);
  });

  test("is imported again without a difference", async () => {
    const { lab, site } = await imported();
    const before = filesIn(site).map(read);
    const said = await importing(lab, site);
    expectNoFailure(said);
    expect(said.stdout + said.stderr).not.toMatch(/^[-+] /m);
    expect(filesIn(site).map(read)).toEqual(before);
  });

  test("keeps everything that nobody declared when the site is synced", async () => {
    const { lab, site, before } = await imported();
    const paths = [...before.keys()].filter((path) => path.endsWith(".fw"));
    const firewalls = new Map(paths.map((path) => [path, read(join(lab, path))]));
    const diagnosis = await call(["doctor", "--site", site, "--lab", lab]);
    const said = await call(["sync", "all", "--site", site, "--lab", lab]);
    // Nodes of a cluster that are off are left alone and named, which ends with 4.
    const isDone = said.code === 0 || (said.code === 4 && /is offline; left alone: /.test(said.stdout));
    expect(isDone || said.code === 5, said.stdout + said.stderr).toBe(true);
    // The doctor has an error where a sync is refused or leaves a node alone, and only there.
    expect(diagnosis.code === 0, diagnosis.stdout + diagnosis.stderr).toBe(said.code === 0);
    const after = stateOf(lab);
    const changed = [...before.keys()].filter((path) => after.get(path) !== before.get(path));
    const ours = (path: string) => !path.startsWith("hosts/") && !path.startsWith("state/docker-");
    const kept = (path: string) =>
      path.endsWith(".fw") && keepsLines(firewalls.get(path), read(join(lab, path)));
    expect(changed.filter((path) => !ours(path) && !kept(path))).toEqual([]);
  });
});
