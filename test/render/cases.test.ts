/** Plans, results, problems and the rest against the screens beside them. UPDATE=1 writes the screens anew. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import type { Plan, RunResult } from "../../src/engine/plan.ts";
import type { ExitCode } from "../../src/errors.ts";
import type { Problem } from "../../src/problem.ts";
import { errorLines } from "../../src/render/errors.ts";
import { checkDocument, planDocument, resultDocument } from "../../src/render/json.ts";
import {
  type OutputDocument,
  outputJsonSchema,
  type outputSchemas,
} from "../../src/render/output-schemas.ts";
import { type CheckFacts, checkLines } from "../../src/render/problems.ts";
import { type StatusFacts, statusDocument, statusLines } from "../../src/render/status.ts";
import { type PlanFacts, planLines } from "../../src/render/text-plan.ts";
import { resultLines } from "../../src/render/text-result.ts";
import { paintOf, type View } from "../../src/render/view.ts";
import { faultsOf } from "../json-schema.ts";

type Case = {
  hostNames: Record<string, string>;
  /** Words that no output may hold. */
  absent?: string[];
} & (
  | { kind: "plan"; plan: Plan; facts: PlanFacts }
  | { kind: "result"; result: RunResult; exitCode: ExitCode }
  | {
      kind: "problems";
      problems: Problem[];
      sources: Record<string, string>;
      size: CheckFacts["size"];
      durationMs: number;
    }
  | { kind: "status"; facts: StatusFacts; nowMs: number }
  | { kind: "error"; error: { message: string; hint: string } }
);

const directory = join(import.meta.dirname, "../cases/render");
const names = readdirSync(directory);

function caseOf(name: string): Case {
  return JSON.parse(readFileSync(join(directory, name, "input.json"), "utf8"));
}

function lines(input: Case, view: View): readonly string[] {
  switch (input.kind) {
    case "plan":
      return planLines(input.plan, input.facts, view);
    case "result":
      return resultLines(input.result, input.exitCode, view);
    case "problems": {
      return checkLines(checkFacts(input), new Map(Object.entries(input.sources)), view);
    }
    case "status":
      return statusLines(input.facts, input.nowMs, view);
    case "error":
      return errorLines(input.error, view);
  }
}

function checkFacts({ problems, size, durationMs }: Extract<Case, { kind: "problems" }>): CheckFacts {
  const notes = ["etc/x.json:4:23: this secret is read from outside of the site: /root/password"];
  const off = size === undefined ? [] : [{ component: "nginx", reason: "no gateway is declared" }];
  return { problems, notes, size, off, durationMs };
}

function documentOf(input: Case): [keyof typeof outputSchemas, OutputDocument] | undefined {
  switch (input.kind) {
    case "plan":
      return ["output-plan", planDocument(input.plan, input.facts, 2)];
    case "result":
      return ["output-result", resultDocument(input.result, { site: "/site", world: "pve" }, input.exitCode)];
    case "problems":
      return ["output-check", checkDocument("/site", checkFacts(input), 1)];
    case "status":
      return ["output-status", statusDocument(input.facts)];
    case "error":
      return undefined;
  }
}

function view(input: Case, width: number, color = false): View {
  return {
    paint: paintOf(color),
    width,
    hostName: (host) => input.hostNames[host] ?? host,
    full: false,
    redact: (text) => text,
  };
}

function expectScreen(name: string, file: string, text: string): void {
  const path = join(directory, name, file);
  if (process.env.UPDATE === "1") writeFileSync(path, text);
  const expected = existsSync(path) ? readFileSync(path, "utf8") : undefined;
  if (text === expected) rmSync(`${path}.actual`, { force: true });
  else writeFileSync(`${path}.actual`, text);
  expect(text).toBe(expected);
}

describe.each(names)("%s", (name) => {
  const input = caseOf(name);
  const screens = [
    ["pipe.txt", Number.POSITIVE_INFINITY],
    ["80.txt", 80],
    ["120.txt", 120],
  ] as const;

  test.each(screens)("%s", (file, width) => {
    expectScreen(name, file, `${lines(input, view(input, width)).join("\n")}\n`);
  });

  test("colour adds nothing but colour", () => {
    const colored = lines(input, view(input, 80, true)).join("\n");
    expect(colored).toContain("\u001b[");
    expect(stripVTControlCharacters(colored)).toBe(lines(input, view(input, 80)).join("\n"));
  });

  test("without colour there is no control character, no trailing space, and nothing that must not be seen", () => {
    const document = documentOf(input)?.[1];
    for (const [, width] of screens) {
      const text = `${lines(input, view(input, width)).join("\n")}\n`;
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
      expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/);
      expect(text).not.toMatch(/ \n/);
      expect(text).not.toMatch(/\b(?:undefined|null|NaN)\b|!\s*$/m);
    }
    for (const word of input.absent ?? []) {
      expect(lines(input, view(input, 80)).join("\n")).not.toContain(word);
      if (input.kind === "plan") expect(JSON.stringify(document)).not.toContain(word);
    }
  });

  test("on 80 columns no line is wider, unless it is one word", () => {
    for (const line of lines(input, view(input, 80)))
      if (line.trim().includes(" ") && !/(?:error|warning)\[/.test(line))
        expect(line.length, line).toBeLessThanOrEqual(80);
  });

  test("its document is as its schema says, no member more", () => {
    const made = documentOf(input);
    if (made === undefined) return;
    const [schema, document] = made;
    expect(faultsOf(outputJsonSchema(schema), document)).toEqual([]);
  });
});
