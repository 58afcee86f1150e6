/** The built program on a terminal, in a pipe, and where colour is not wanted. */
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import { start } from "../edge.ts";

const root = join(import.meta.dirname, "../../..");
const program = join(root, "bin/phoenix");
const clean = {
  ...process.env,
  PHOENIX_SITE: "",
  PHOENIX_LAB: "",
  NO_COLOR: "",
  FORCE_COLOR: "",
  TERM: "xterm",
};

/** What a terminal of that many columns is sent: script(1) of util-linux is the terminal. */
function onTerminal(line: string, columns: number, env: Record<string, string> = {}): string {
  const command = `stty cols ${columns} rows 40; '${process.execPath}' '${program}' ${line}`;
  return execFileSync("script", ["-qec", command, "/dev/null"], {
    env: { ...clean, ...env },
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  }).replaceAll("\r\n", "\n");
}

const hasScript = spawnSync("script", ["--version"]).status === 0;

describe.skipIf(!hasScript)("an error on a terminal", () => {
  const line = "plan --only dns,nginks || true";

  test("is coloured, and the same words as in a pipe", async () => {
    const shown = onTerminal(line, 80);
    expect(shown).toContain("\u001b[31m");
    const piped = await start(["plan", "--only", "dns,nginks"]);
    expect(stripVTControlCharacters(shown)).toBe(piped.stderr);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
    expect(piped.stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });

  test("has no colour with NO_COLOR, TERM=dumb or --color never", () => {
    for (const shown of [
      onTerminal(line, 80, { NO_COLOR: "1" }),
      onTerminal(line, 80, { TERM: "dumb" }),
      onTerminal(`--color never ${line}`, 80),
    ])
      expect(shown).not.toContain("\u001b");
  });

  test("is wrapped to the terminal", () => {
    const widest = (columns: number): number => {
      const shown = stripVTControlCharacters(onTerminal("plan --skip mesh || true", columns));
      return Math.max(...shown.split("\n").map((shownLine) => shownLine.length));
    };
    expect(widest(60)).toBeLessThanOrEqual(60);
    expect(widest(120)).toBeGreaterThan(60);
  });
});

describe("the program itself", () => {
  const { version, engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

  test.each(["phoenix", "phoenix-cli"])("bin/%s --version", (name) => {
    const said = execFileSync(join(root, "bin", name), ["--version"], { encoding: "utf8" });
    expect(said).toBe(`phoenix ${version}\n`);
  });

  test("an older Node is refused, with the version that is needed", () => {
    const older = 'Object.defineProperty(process,"versions",{value:{node:"18.20.4"}})';
    const said = spawnSync(process.execPath, ["--import", `data:text/javascript,${older}`, program, "plan"], {
      encoding: "utf8",
    });
    const needed = engines.node.replace(">=", "");
    expect(said.stderr).toMatch(`Error: phoenix needs Node.js ${needed} or newer; this is Node.js 18.20.4 (`);
    expect(said.stderr).toMatch(/\n {2}hint: /);
    expect(said).toMatchObject({ status: 1, stdout: "" });
  });

  test("without a Node the error says so", () => {
    const said = spawnSync(program, ["plan"], { env: { PATH: import.meta.dirname }, encoding: "utf8" });
    expect(said.stderr).toBe("Error: phoenix needs Node.js 20.19 or newer, and node is not on the PATH\n");
    expect(said).toMatchObject({ status: 1, stdout: "" });
  });

  test("--version says the version wherever it stands", async () => {
    for (const argv of [["-V"], ["--version"], ["plan", "--version"], ["--quiet", "-V"]])
      expect(await start(argv), argv.join(" ")).toEqual({
        code: 0,
        stdout: `phoenix ${version}\n`,
        stderr: "",
      });
  });

  test("a reader that goes away is no error", () => {
    const said = spawnSync("sh", ["-c", `'${process.execPath}' '${program}' --help | head -n 1; exit 0`], {
      env: clean,
      encoding: "utf8",
    });
    expect(said).toMatchObject({ stderr: "" });
    expect(said.stdout).toMatch(/^Usage: phoenix/);
  });
});
