/** Long text on a terminal goes through a pager, and everything else never does. */
import { describe, expect, test } from "vitest";
import { Interruption } from "../../src/cli/interruption.ts";
import { parseOptions } from "../../src/cli/options.ts";
import { deliver } from "../../src/cli/output.ts";
import { isLongerThan, pageOnTerminal, pagerChoice } from "../../src/cli/pager.ts";
import { planCommand } from "../../src/cli/plan.ts";
import { openTerminal, type Pager, type RawOutput } from "../../src/cli/terminal.ts";
import { Secret } from "../../src/secret.ts";

describe("the pager that is chosen", () => {
  test.each([
    [{ TERM: "xterm" }, { kind: "less" }],
    [
      { TERM: "xterm", PAGER: "most -s" },
      { kind: "shell", command: "most -s" },
    ],
    [
      { TERM: "xterm", PAGER: "most", PHOENIX_PAGER: "less -R" },
      { kind: "shell", command: "less -R" },
    ],
    [{ TERM: "xterm", PAGER: "most", PHOENIX_PAGER: "" }, undefined],
    [{ TERM: "xterm", PAGER: "cat" }, undefined],
    [{ TERM: "xterm", PAGER: "" }, { kind: "less" }],
    [{ TERM: "dumb", PAGER: "less" }, undefined],
    [{}, undefined],
  ])("%j", (env, expected) => {
    expect(pagerChoice(env)).toEqual(expected);
  });
});

const output = (more: Partial<RawOutput> = {}): RawOutput & { text: string } => ({
  text: "",
  tty: true,
  columns: 80,
  rows: 24,
  write(text) {
    this.text += text;
  },
  ...more,
});

test("a line that the terminal wraps takes several rows", () => {
  expect(
    isLongerThan(
      output(),
      Array.from({ length: 22 }, () => "x"),
    ),
  ).toBe(false);
  expect(
    isLongerThan(
      output(),
      Array.from({ length: 24 }, () => "x"),
    ),
  ).toBe(true);
  expect(isLongerThan(output(), ["x".repeat(80 * 24)])).toBe(true);
  expect(
    isLongerThan(
      output({ rows: undefined }),
      Array.from({ length: 99 }, () => "x"),
    ),
  ).toBe(false);
});

describe("a long plan", () => {
  const lines = Array.from({ length: 60 }, (_, at) => `line ${at} of hunter2hunter2`);

  /** What was paged, and what was written. */
  async function shown({
    found = {},
    stdout = output(),
    isShown = true,
    definition = planCommand,
  }: {
    found?: Record<string, unknown>;
    stdout?: ReturnType<typeof output>;
    isShown?: boolean;
    definition?: typeof planCommand;
  }): Promise<{ paged: readonly string[]; written: string }> {
    const paged: string[] = [];
    const page: Pager = async (text) => {
      paged.push(text);
      return isShown;
    };
    const stdin = { tty: false, readLine: async () => undefined };
    const terminal = openTerminal({ stdout, stderr: output(), stdin, env: {}, directory: "/", page });
    terminal.conceal([new Secret("hunter2hunter2")]);
    const call = {
      terminal,
      options: parseOptions(found, {}, "/"),
      definition,
      interruption: new Interruption(),
    };
    await deliver(
      call,
      {},
      () => ({ format: "phoenix.lab/1" }) as never,
      () => lines,
    );
    return { paged, written: stdout.text };
  }

  test("is paged on a terminal, without secrets", async () => {
    const { paged, written } = await shown({});
    expect(paged).toHaveLength(1);
    expect(paged[0]).toContain("line 59");
    expect(paged[0]).not.toContain("hunter2");
    expect(written).toBe("");
  });

  test.each([
    ["in a pipe", { stdout: output({ tty: false, rows: undefined, columns: undefined }) }],
    ["with --no-pager", { found: { pager: false } }],
    ["as JSON", { found: { output: "json" } }],
    ["on a terminal that is high enough", { stdout: output({ rows: 99 }) }],
    ["of another command", { definition: { ...planCommand, isPaged: undefined as never } }],
  ])("is not paged %s", async (_, more) => {
    const { paged, written } = await shown(more);
    expect(paged).toEqual([]);
    expect(written).not.toBe("");
  });

  test("is written when the pager does not start", async () => {
    expect((await shown({ isShown: false })).written).toContain("line 59");
  });
});

describe("a real pager", () => {
  const page = (command: string, text: string): Promise<boolean> =>
    pageOnTerminal(
      text,
      { ...process.env, TERM: "xterm", PHOENIX_PAGER: command },
      new AbortController().signal,
    );

  test("may end before it has read everything", async () => {
    expect(await page("true", "x\n".repeat(1_000_000))).toBe(true);
    expect(await page("exit 1", "x\n")).toBe(true);
  });

  test("that is missing shows nothing", async () => {
    expect(await page("exec /nonexistent/pager 2>/dev/null", "x\n")).toBe(false);
  });
});

test("Ctrl-C belongs to the pager while it runs", async () => {
  const interruption = new Interruption();
  await interruption.withoutKeyboard(async () => {
    expect(interruption.hasKeyboard).toBe(false);
  });
  expect(interruption.hasKeyboard).toBe(true);
});
