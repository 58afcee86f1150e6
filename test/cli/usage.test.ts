/** The words of the command line: what is understood, what is refused and how, what help says. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { commands } from "../../src/cli/commands.ts";
import { exitMeanings } from "../../src/cli/help.ts";
import { parseOptions } from "../../src/cli/options.ts";
import { parse } from "../../src/cli/parser.ts";
import { targetsOf } from "../../src/cli/targets.ts";
import { componentNames, loadComponents } from "../../src/components/index.ts";
import { exitCodes, UsageError } from "../../src/errors.ts";
import { nearest } from "../../src/formats/text/nearest.ts";
import { inDirectory, layOut } from "../site/tree.ts";
import { call } from "./edge.ts";

const none = { only: [], skip: [] };

describe("the site of a command line", () => {
  const homelab = join(import.meta.dirname, "../../examples/homelab");
  const siteIn = (directory: string, found = {}, env = {}) => parseOptions(found, env, directory).site;

  test("is the one that the working directory is or lies in", () => {
    expect(siteIn(homelab)).toBe(homelab);
    expect(siteIn(join(homelab, "stacks/wiki"))).toBe(homelab);
    expect(siteIn("/")).toBeUndefined();
  });

  test("is the one that is named, and a lab has its own", () => {
    expect(siteIn(homelab, { site: "../other" })).toBe(join(homelab, "../other"));
    expect(siteIn(homelab, {}, { PHOENIX_SITE: "/srv/site" })).toBe("/srv/site");
    expect(siteIn(homelab, { lab: "/tmp/lab" })).toBeUndefined();
  });

  test("a directory within a site is told whose it is", async () => {
    const { code, stderr } = await call(["check", "--site", join(homelab, "etc")]);
    expect(code).toBe(exitCodes.error);
    expect(stderr).toContain(`did you mean --site ${homelab}?`);
  });
});

describe("usage errors", () => {
  test.each([
    [["plna"], "unknown command 'plna'", "did you mean plan?"],
    [["plan", "--ful"], "unknown option '--ful'", "did you mean --full?"],
    [["--bogus"], "unknown option '--bogus'", "`phoenix --help`"],
    [
      ["plan", "--output", "xml"],
      "option '--output <format>' argument 'xml' is invalid",
      "text, json, ndjson",
    ],
    [["plan", "--site"], "option '--site <dir>' argument missing", "`phoenix --help`"],
    [["sync"], "name what to sync", "`phoenix sync all`"],
    [["sync", "alll"], 'unknown component "alll"', "did you mean all?"],
    [["help", "plna"], "unknown command 'plna'", "did you mean plan?"],
    [["sync", "dsn"], 'unknown component "dsn"', "did you mean dns?"],
    [["sync", "stack/chat"], 'unknown component "stack"', "did you mean stacks?"],
    [["sync", "all", "dns"], '"all" already includes', undefined],
    [["sync", "dns", "--only", "firewall"], "named twice", "name them once"],
    [["plan", "--only", "dns,nginks"], '--only: unknown component "nginks"', "did you mean nginx?"],
    [["plan", "--skip", "mesh"], '--skip: unknown component "mesh"', "the components are trust"],
    [["sync", "all", "--allow", "everything"], "argument 'everything' is invalid", "prune"],
    [["sync", "all", "--parallel", "0"], "--parallel must be an integer, at least 1", undefined],
    [["sync", "all", "--timeout", "1h"], "--timeout must be an integer", undefined],
    [["sync", "all", "--lab", "/x", "--host", "root@pve"], "exclude each other", "one of them"],
    [["sync", "all", "--ask"], "--ask needs a terminal", "--yes"],
    [["schema", "output-pln"], 'unknown schema "output-pln"', "did you mean output-plan?"],
    [["explain", "PHX401"], 'unknown problem code "PHX401"', "did you mean PHX0401?"],
    [["explain", "everything"], 'unknown problem code "everything"', "lists all codes"],
    [["completion", "zhs"], 'unknown shell "zhs"', "did you mean zsh?"],
    [["lab", "braek"], "unknown command 'braek'", "did you mean break?"],
    [["lab", "init"], "name the lab's directory", "PHOENIX_LAB"],
    [["lab", "break", "guest-dwon", "--lab", "/nonexistent"], "", undefined],
  ])("phoenix %j: exit 64 or 1, words, no stack trace", async (argv, message, hint) => {
    const { code, stdout, stderr } = await call(argv);
    expect(code).toBe(message === "" ? exitCodes.error : exitCodes.usage);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/^Error: /);
    expect(stderr).toContain(message);
    if (hint !== undefined) expect(stderr.replaceAll(/\s+/g, " ")).toContain(hint);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test("with --output json the error is a document too", async () => {
    const { code, stdout, stderr } = await call(["plan", "--output", "json", "--bogus"]);
    expect(JSON.parse(stdout)).toMatchObject({ format: "phoenix.error/1", kind: "UsageError", exitCode: 64 });
    expect(code).toBe(64);
    expect(stderr).toContain("--bogus");
  });

  test("the name of a stack alone is no component, but it is offered", async () => {
    const site = join(import.meta.dirname, "../../examples/homelab");
    const { code, stderr } = await call(["sync", "wiky", "--site", site]);
    expect({ code, stderr }).toEqual({
      code: exitCodes.usage,
      stderr: 'Error: unknown component "wiky"\n  hint: did you mean stacks/wiki?\n',
    });
  });

  test("nothing at all gets the help, on standard error", async () => {
    expect(await call([])).toMatchObject({ code: 64, stdout: "" });
    expect(await call(["lab"])).toMatchObject({ code: 64, stdout: "" });
  });
});

describe("global options", () => {
  test("stand before or after the command", () => {
    const before = parse(["--site", "/s", "--only=dns", "plan", "--full"], commands);
    const after = parse(["plan", "--full", "--only", "dns", "--site=/s"], commands);
    expect(before).toMatchObject({ kind: "call", found: { site: "/s", only: ["dns"], full: true } });
    expect(after).toEqual(before);
    expect(parse(["lab", "init", "/l", "--site", "/s"], commands)).toMatchObject({
      kind: "call",
      args: ["/l"],
      found: { site: "/s" },
    });
  });

  test("become values, with the environment behind them", () => {
    const found = {
      only: ["dns, nginx", "traefik"],
      allow: ["prune", "lockout"],
      lockWait: "900",
      timeout: "60",
      lab: "lab",
    };
    const options = parseOptions(found, { PHOENIX_SITE: "site", PHOENIX_LAB: "/other" }, "/home/me");
    expect(options).toMatchObject({
      site: "/home/me/site",
      lab: "/home/me/lab",
      only: ["dns", "nginx", "traefik"],
      lockWaitMs: 900_000,
      timeoutMs: 60_000,
      output: "text",
      color: "auto",
      repeat: " --lab lab",
    });
    expect([...options.allow]).toEqual(["prune", "lockout"]);
  });

  test("--host outranks a lab in the environment, and empty variables are none", () => {
    expect(parseOptions({ host: "root@pve" }, { PHOENIX_LAB: "/lab" }, "/").lab).toBeUndefined();
    expect(parseOptions({}, { PHOENIX_LAB: "", PHOENIX_SITE: "" }, "/")).not.toHaveProperty("site");
  });

  test("are repeated in advice so that it can be copied", () => {
    expect(parseOptions({ site: "a b's" }, {}, "/").repeat).toBe(` --site 'a b'\\''s'`);
  });
});

describe("targets", () => {
  test("are everything, components, or single resources", async () => {
    expect(await targetsOf(["all"], none)).toEqual({ only: [], skip: [], resources: [], words: "all" });
    expect(await targetsOf(["dns", "stacks/chat", "stacks/wiki"], none)).toEqual({
      only: ["dns", "stacks"],
      skip: [],
      resources: ["stacks/chat", "stacks/wiki"],
      words: "dns stacks/chat stacks/wiki",
    });
    await expect(targetsOf(["all", "dns"], none)).rejects.toThrow(UsageError);
  });

  test("the names that are known before anything is loaded are the components' own, and so are those in `after`", async () => {
    const components = await loadComponents();
    expect(components.map(({ name }) => name)).toEqual(componentNames);
    expect(components.flatMap(({ after }) => after).filter((name) => !componentNames.includes(name))).toEqual(
      [],
    );
  });
});

test("did you mean: a slip of the finger, not a guess", () => {
  const words = ["plan", "sync", "verify", "status"];
  expect(["paln", "snyc", "verfiy", "stat"].map((word) => nearest(word, words))).toEqual(words);
  expect(["deploy", "x", ""].map((word) => nearest(word, words))).toEqual([undefined, undefined, undefined]);
});

test("`phoenix version` is --version", async () => {
  expect(await call(["version"])).toEqual(await call(["--version"]));
});

describe("exit codes", () => {
  test("mean the same in the help and in the README", () => {
    const readme = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");
    for (const [name, code] of Object.entries(exitCodes))
      expect(readme).toContain(`| ${code} | ${exitMeanings[name as keyof typeof exitCodes]} |`);
  });
});

describe("help", () => {
  test("is also what `phoenix help COMMAND` prints", async () => {
    expect(await call(["help", "lab", "break"])).toEqual(await call(["lab", "break", "--help"]));
    expect(await call(["help"])).toEqual(await call(["--help"]));
  });

  const shown = ["", ...commands.map(({ name }) => name), "lab"];

  test.each(shown)("phoenix %s --help", async (name) => {
    const argv = [...name.split(" ").filter((word) => word !== ""), "--help"];
    const { code, stdout, stderr } = await call(argv);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const path = join(import.meta.dirname, "../cases/help", `${name.replaceAll(" ", "-") || "phoenix"}.txt`);
    if (process.env.UPDATE === "1") writeFileSync(path, stdout);
    const expected = existsSync(path) ? readFileSync(path, "utf8") : undefined;
    if (stdout === expected) rmSync(`${path}.actual`, { force: true });
    else writeFileSync(`${path}.actual`, stdout);
    expect(stdout).toBe(expected);
    const [usage = -1, examples = -1, options = -1, exits = -1] = [
      "Usage:",
      "Examples:",
      "Options",
      "EXIT STATUS",
    ].map((heading) => stdout.indexOf(heading));
    expect(examples).toBeGreaterThan(usage);
    if (options >= 0) expect(options).toBeGreaterThan(examples);
    expect(exits).toBeGreaterThan(examples);
    for (const line of stdout.split("\n")) expect(line.length, line).toBeLessThanOrEqual(120);
  });

  test("every example is a command line that is understood", () => {
    for (const { examples } of commands)
      for (const [line] of examples) {
        const [words = ""] = line.replace(/^source <\(|\)$/g, "").split(/ > /);
        const [name, ...argv] = words.split(" ");
        expect(name).toBe("phoenix");
        expect(parse(argv, commands), line).toMatchObject({ kind: "call" });
      }
  });
});

describe("check of some components", () => {
  test("shows what concerns them, and says what is hidden", async () => {
    await inDirectory(async (directory) => {
      layOut(
        directory,
        '=== etc/certificate-manifest.json\n[]\n=== stacks/wiki/phoenix.json replace\n--- "port": "3000"\n+++ "port": "x y"\n',
      );
      const check = (...more: readonly string[]) => call(["check", "--site", directory, ...more]);
      const [all, dns, notDns] = [await check(), await check("--only", "dns"), await check("--skip", "dns")];
      expect(all.code).toBe(exitCodes.error);
      expect(all.stdout).toMatch(/PHX0505[\s\S]*PHX06|PHX06[\s\S]*PHX0505/);
      expect(dns.code).toBe(exitCodes.converged);
      expect(dns.stdout).not.toMatch(/PHX05|PHX06|PHX07/);
      expect(dns.stdout).toMatch(/not shown, because other components are concerned: \d errors/);
      expect(notDns.code).toBe(exitCodes.error);
      expect(notDns.stdout).toContain("PHX0505");
    });
  });
});
