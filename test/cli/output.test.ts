/** What leaves the process: colours where they are wanted, secrets never, a bug's trace in a private file. */
import { execFileSync } from "node:child_process";
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Interruption } from "../../src/cli/interruption.ts";
import { parseOptions } from "../../src/cli/options.ts";
import { deliver, viewOf } from "../../src/cli/output.ts";
import { report } from "../../src/cli/report.ts";
import { type Edge, openTerminal, type RawOutput } from "../../src/cli/terminal.ts";
import { CommandError, RefusedError } from "../../src/errors.ts";
import { errorDocument } from "../../src/render/json.ts";
import { Secret } from "../../src/secret.ts";
import { call } from "./edge.ts";

const directory = mkdtempSync(join(tmpdir(), "phoenix-output-"));
afterAll(() => rmSync(directory, { recursive: true }));

class Memory implements RawOutput {
  text = "";
  readonly tty: boolean;
  readonly rows = undefined;
  readonly columns: number | undefined;
  constructor(columns?: number) {
    this.tty = columns !== undefined;
    this.columns = columns;
  }
  write(text: string): void {
    this.text += text;
  }
}

function terminal(env: Record<string, string> = {}, columns?: number) {
  const stdout = new Memory(columns);
  const stderr = new Memory(columns);
  const edge: Edge = {
    stdout,
    stderr,
    stdin: { tty: false, readLine: async () => undefined },
    env,
    directory,
  };
  return { stdout, stderr, terminal: openTerminal(edge) };
}

const options = (found: Record<string, unknown> = {}) => parseOptions(found, {}, directory);

describe("colour", () => {
  test.each([
    ["a terminal", {}, 80, "auto", true],
    ["a pipe", {}, undefined, "auto", false],
    ["NO_COLOR", { NO_COLOR: "1" }, 80, "auto", false],
    ["an empty NO_COLOR", { NO_COLOR: "" }, 80, "auto", true],
    ["FORCE_COLOR in a pipe", { FORCE_COLOR: "1" }, undefined, "auto", true],
    ["FORCE_COLOR=0", { FORCE_COLOR: "0" }, 80, "auto", false],
    ["NO_COLOR and FORCE_COLOR", { NO_COLOR: "1", FORCE_COLOR: "1" }, 80, "auto", false],
    ["a dumb terminal", { TERM: "dumb" }, 80, "auto", false],
    ["--color always in a pipe", { NO_COLOR: "1" }, undefined, "always", true],
    ["--color never", { FORCE_COLOR: "1" }, 80, "never", false],
  ] as const)("%s", (_, env, columns, color, expected) => {
    const { terminal: opened } = terminal(env, columns);
    const view = viewOf(opened.stdout, opened, { color, full: false });
    expect(view.paint.red("x") !== "x").toBe(expected);
    expect(view.width).toBe(columns ?? Number.POSITIVE_INFINITY);
  });
});

describe("secrets", () => {
  test("are taken out of everything that is written, in text and in JSON", async () => {
    const { terminal: opened, stdout, stderr } = terminal();
    opened.conceal([new Secret('pa"ss\\word'), new Secret("tok")]);
    opened.stdout.write('the password is pa"ss\\word\n');
    opened.stderr.write(`${JSON.stringify({ password: 'pa"ss\\word' })} tok\n`);
    expect(stdout.text).toBe("the password is (secret)\n");
    expect(stderr.text).toBe('{"password":"(secret)"} tok\n');
    const file = join(directory, "result.json");
    const document = errorDocument({ name: "CommandError", message: 'pa"ss\\word', exitCode: 1 });
    await deliver(
      { terminal: opened, options: options({ output: "json", jsonInto: file }) },
      document,
      (shown) => shown,
      () => [],
    );
    expect(JSON.parse(readFileSync(file, "utf8")).message).toBe("(secret)");
    expect(JSON.parse(stdout.text.slice(stdout.text.indexOf("{")))).toEqual(
      JSON.parse(readFileSync(file, "utf8")),
    );
    expect(readdirSync(directory)).toEqual(["result.json"]);
  });
});

describe("redaction works on values, not on finished text", () => {
  test("a secret that is a number leaves numbers and the document's own words alone", async () => {
    const { terminal: opened, stdout } = terminal();
    opened.conceal([new Secret("100000"), new Secret("update"), new Secret("kind")]);
    const document = {
      ...errorDocument({ name: "SiteError", message: "100000, update", exitCode: 1 }),
      n: 100000,
    };
    await deliver(
      { terminal: opened, options: options({ output: "json" }) },
      document,
      (shown) => shown,
      () => [],
    );
    expect(JSON.parse(stdout.text)).toEqual({
      format: "phoenix.error/1",
      kind: "SiteError",
      message: "(secret), (secret)",
      exitCode: 1,
      n: 100000,
    });
  });

  test("no line end of a narrow terminal splits a secret with spaces", async () => {
    const { terminal: opened, stderr } = terminal({}, 24);
    opened.conceal([new Secret("correct horse battery staple")]);
    await report(new RefusedError("cannot use correct horse battery staple"), opened, options());
    expect(stderr.text).not.toMatch(/correct|horse|battery|staple/);
  });

  test("what looks like a secret is hidden before any site is read", async () => {
    const { terminal: opened, stderr } = terminal();
    await report(new CommandError("pve", 1, "dial postgres://u:canary-4@db: refused"), opened, options());
    expect(stderr.text).toContain("dial postgres://u:(secret)@db: refused");
  });

  test("characters that turn or hide text are escapes in JSON as well", async () => {
    const { terminal: opened, stdout } = terminal();
    await report(new RefusedError("a\u202eb\u200bc\u009bd\ufeff"), opened, options({ output: "ndjson" }));
    expect(stdout.text).toContain("a\\u202eb\\u200bc\\u009bd\\ufeff");
    expect(JSON.parse(stdout.text).message).toBe("a\u202eb\u200bc\u009bd\ufeff");
  });
});

describe("the file of --json-into", () => {
  test("can be read by its owner only", async () => {
    const path = join(directory, "private.json");
    writeFileSync(path, "", { mode: 0o644 });
    await call(["check", "--site", "/nonexistent", "--json-into", path]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    rmSync(path);
  });

  test("is proved before anything is done, and nothing is left of the attempt", async () => {
    const before = readdirSync(directory);
    for (const [path, why] of [
      [directory, "it is a directory"],
      [join(directory, "nowhere/result.json"), "no such file or directory"],
      [join(directory, "result.json/deeper.json"), "result.json is not a directory"],
    ] as const) {
      const { code, stdout, stderr } = await call(["check", "--site", "/nonexistent", "--json-into", path]);
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toContain(`cannot write the result to ${path}: `);
      expect(stderr).toContain(why);
    }
    expect(readdirSync(directory)).toEqual(before);
  });

  test("holds the error when a run ends in one, never the result of an earlier run", async () => {
    const path = join(directory, "result.json");
    writeFileSync(path, "an earlier result");
    const { code } = await call(["check", "--site", "/nonexistent", "--json-into", path]);
    expect(code).toBe(1);
    expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({
      format: "phoenix.error/1",
      message: "the directory /nonexistent does not exist",
      exitCode: 1,
    });
  });
});

describe("what is no ordinary file stays what it is", () => {
  const args = ["check", "--site", "/nonexistent", "--json-into"];

  test("a link leads to the new text", async () => {
    const [target, link] = [join(directory, "target.json"), join(directory, "link.json")];
    writeFileSync(target, "an earlier result");
    symlinkSync(target, link);
    await call([...args, link]);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(JSON.parse(readFileSync(target, "utf8"))).toMatchObject({ format: "phoenix.error/1" });
    expect(readdirSync(directory).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  test("a pipe is written into", async () => {
    const pipe = join(directory, "pipe");
    execFileSync("mkfifo", [pipe]);
    const reading = readFile(pipe, "utf8");
    await call([...args, pipe]);
    expect(JSON.parse(await reading)).toMatchObject({ format: "phoenix.error/1" });
    expect(lstatSync(pipe).isFIFO()).toBe(true);
  });
});

describe("errors", () => {
  test("say what and what now, and nothing of the program's inside", async () => {
    const { terminal: opened, stdout, stderr } = terminal();
    const error = new RefusedError("refused: too much\n  etc/x.json:1:2", {
      hint: "repeat it with --allow prune",
    });
    expect(await report(error, opened, options())).toBe(5);
    expect(stderr.text).toBe(
      "Error: refused: too much\n  etc/x.json:1:2\n  hint: repeat it with --allow prune\n",
    );
    expect(stdout.text).toBe("");
  });

  test("are documents where JSON was asked for", async () => {
    const { terminal: opened, stdout } = terminal();
    await report(new CommandError("pve", 3, "nginx failed"), opened, options({ output: "ndjson" }));
    expect(JSON.parse(stdout.text)).toEqual({
      format: "phoenix.error/1",
      kind: "CommandError",
      message: "nginx failed",
      hint: "put right what the command says about pve, then run the command again",
      exitCode: 1,
    });
  });

  test("that are bugs leave one line and a private file without secrets", async () => {
    const { terminal: opened, stderr } = terminal();
    opened.conceal([new Secret("hunter2-hunter2")]);
    const bug = new TypeError("cannot read hunter2-hunter2", { cause: new Error("beneath") });
    expect(await report(bug, opened, options())).toBe(1);
    expect(stderr.text).toMatch(
      /^Error: internal error: TypeError: cannot read \(secret\)\n {2}hint: this is a bug/,
    );
    expect(stderr.text).not.toMatch(/^\s+at /m);
    const path = /report it with (\S+)/.exec(stderr.text)?.[1] ?? "";
    const trace = readFileSync(path, "utf8");
    expect(trace).toContain("cannot read (secret)");
    expect(trace).toContain("caused by Error: beneath");
    expect(trace).toMatch(/^ {4}at /m);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    rmSync(join(path, ".."), { recursive: true });
  });

  test("quote no secret of a text that a library was reading", async () => {
    const { terminal: opened, stderr } = terminal();
    await report(
      new Error("bad alias in DB_PASSWORD: *canary-77\n\n  DB_PASSWORD: *canary-77\n  ^"),
      opened,
      options(),
    );
    const path = /report it with (\S+)/.exec(stderr.text)?.[1] ?? "";
    expect(stderr.text + readFileSync(path, "utf8")).not.toContain("canary-77");
    rmSync(join(path, ".."), { recursive: true });
  });

  test("show their stack only where PHOENIX_DEBUG=1 asks for it", async () => {
    const { terminal: opened, stderr } = terminal({ PHOENIX_DEBUG: "1" });
    await report(new TypeError("a bug"), opened, options());
    expect(stderr.text).toMatch(/^ {4}at /m);
    rmSync(join(/report it with (\S+)/.exec(stderr.text)?.[1] ?? "", ".."), { recursive: true });
  });
});

describe("interruption", () => {
  test("stops at once where nothing is being changed", () => {
    const interruption = new Interruption();
    interruption.interrupt("signal");
    expect([interruption.stop.aborted, interruption.now.aborted, interruption.reason]).toEqual([
      true,
      true,
      "signal",
    ]);
  });

  test("lets a change be finished first, and stops at once the second time", () => {
    const interruption = new Interruption();
    let told = 0;
    interruption.completeStepFirst(() => {
      told += 1;
    });
    interruption.interrupt("timeout");
    expect([interruption.stop.aborted, interruption.now.aborted, told]).toEqual([true, false, 1]);
    interruption.interrupt("signal");
    expect([interruption.now.aborted, told, interruption.reason]).toEqual([true, 1, "timeout"]);
  });
});
