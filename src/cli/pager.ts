/** Long text on a terminal goes through the user's pager. */
import { spawn } from "node:child_process";
import { columnsOf } from "../render/columns.ts";
import type { Pager, RawOutput } from "./terminal.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** What shows long text: `less` where the user has chosen nothing. */
export type PagerChoice = { readonly kind: "less" } | { readonly kind: "shell"; readonly command: string };

/**
 * PHOENIX_PAGER, PAGER, or less; undefined when text is written at once: the chosen one is empty or `cat`, or the terminal cannot be
 * redrawn.
 */
export function pagerChoice({ PHOENIX_PAGER, PAGER, TERM = "" }: Environment): PagerChoice | undefined {
  if (TERM === "" || TERM === "dumb") return undefined;
  const chosen = PHOENIX_PAGER ?? (PAGER === "" ? undefined : PAGER);
  if (chosen === undefined) return { kind: "less" };
  const command = chosen.trim();
  return command === "" || command === "cat" ? undefined : { kind: "shell", command };
}

/** Whether these lines take more rows than the terminal has, where it is one and its size is known. */
export function isLongerThan({ tty, rows, columns = 80 }: RawOutput, lines: readonly string[]): boolean {
  if (!tty || rows === undefined) return false;
  let taken = 0;
  for (const line of lines) {
    taken += Math.max(1, Math.ceil(columnsOf(line) / columns));
    // The prompt of the shell needs a row as well.
    if (taken >= rows) return true;
  }
  return false;
}

/** Shells report with these that a command cannot be run or was not found. */
const notRun = [126, 127];

/** Runs the pager on this process's terminal. It may be left before it has read everything. */
export const pageOnTerminal: Pager = (text, env, signal) =>
  new Promise((resolve) => {
    const choice = pagerChoice(env);
    if (choice === undefined) return resolve(false);
    const [program, words] = choice.kind === "less" ? ["less", []] : ["/bin/sh", ["-c", choice.command]];
    const child = spawn(program, words, {
      // FRX: leave at once what fits, keep colours, and leave the text on the terminal.
      env: { ...env, LESS: env.LESS ?? "FRX" },
      stdio: ["pipe", "inherit", "inherit"],
    });
    const end = (): boolean => child.kill();
    signal.addEventListener("abort", end, { once: true });
    const settle = (isShown: boolean): void => {
      signal.removeEventListener("abort", end);
      resolve(isShown);
    };
    child.once("error", () => settle(false));
    child.once("close", (code) => settle(code === null || !notRun.includes(code)));
    // Left early: what it has not read is not wanted.
    child.stdin.on("error", () => {});
    child.stdin.end(text);
  });
