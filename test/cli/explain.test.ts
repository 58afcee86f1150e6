/** `phoenix explain`: an entry of the table of problem codes, or all of them. */
import { expect, test } from "vitest";
import { problemCodes } from "../../src/problem-codes/index.ts";
import { call } from "./edge.ts";

test("one code: title, severity, meaning, what to do", async () => {
  const { code, stdout } = await call(["explain", "phx0401"]);
  const { meaning, fix } = problemCodes.PHX0401;
  expect(code).toBe(0);
  expect(stdout).toBe(`PHX0401: unknown stack (error)\n\n${meaning}\n\nWhat to do: ${fix}\n`);
});

test("without a code: a line for each", async () => {
  const { stdout } = await call(["explain"]);
  const lines = stdout.trimEnd().split("\n");
  expect(lines).toHaveLength(Object.keys(problemCodes).length);
  expect(lines).toContain("PHX0405  error or warning  fault in a Compose file");
});

test("as JSON, one or all", async () => {
  const one = JSON.parse((await call(["explain", "PHX0102", "--output", "json"])).stdout);
  expect(one).toEqual({ code: "PHX0102", ...problemCodes.PHX0102 });
  const all = JSON.parse((await call(["explain", "--output", "json"])).stdout);
  expect(all).toContainEqual(one);
});
