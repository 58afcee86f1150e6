/** Does what a page says, as its reader would: one command after the other, in one directory; then holds the page to what came of it. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { call, type Said } from "../cli/edge.ts";
import { type Block, blocksOf, callsIn, entriesIn } from "./commands.ts";

/** A reader's shell. Calls of phoenix run in this process, everything else in bash. */
class Session {
  readonly #env: Record<string, string> = {};
  readonly #directory: string;
  #code = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async run(command: string): Promise<Said> {
    const exported = /^export (\w+)=(.*)$/.exec(command);
    if (exported !== null) {
      const [, name = "", value = ""] = exported;
      this.#env[name] = value.replaceAll(/"/g, "").replaceAll("$PWD", this.#directory);
      return { code: 0, stdout: "", stderr: "" };
    }
    if (command === "echo $?") return { code: 0, stdout: `${this.#code}\n`, stderr: "" };
    const calls = callsIn(command);
    const said = calls.length === 0 ? this.#inBash(command) : await this.#phoenix(calls);
    this.#code = said.code ?? -1;
    return said;
  }

  /** Calls with `&&` between them. */
  async #phoenix(calls: readonly (readonly string[])[]): Promise<Said> {
    let all: Said = { code: 0, stdout: "", stderr: "" };
    for (const words of calls) {
      const { code, stdout, stderr } = await call(words, this.#env, undefined, this.#directory);
      all = { code, stdout: all.stdout + stdout, stderr: all.stderr + stderr };
      if (code !== 0) break;
    }
    return all;
  }

  #inBash(command: string): Said {
    const { status, stdout, stderr } = spawnSync("bash", ["-c", command], {
      cwd: this.#directory,
      env: { ...process.env, ...this.#env },
      encoding: "utf8",
    });
    return { code: status, stdout, stderr };
  }
}

/**
 * Executes every block of a page and returns what is not as the page says, with its line: an exit code that is neither 0 nor said (by
 * "exit 3" in a comment, or by `echo $?`), output that does not appear, a text to replace that is not there. In shown output "…" stands for anything.
 */
export async function followed(page: string, directory: string): Promise<readonly string[]> {
  const session = new Session(directory);
  const wrong: string[] = [];
  for (const block of blocksOf(page)) {
    const said = (what: string): void => void wrong.push(`line ${block.line}: ${what}`);
    if (block.info.startsWith("diff ")) edit(block, directory, said);
    else if (/^(?:sh|console)$/.test(block.info)) await follow(block, session, said);
    else said(`a block of an unknown kind: ${block.info}`);
  }
  return wrong;
}

async function follow(block: Block, session: Session, complain: (what: string) => void): Promise<void> {
  const entries = entriesIn(block);
  for (const [at, { command, output }] of entries.entries()) {
    const { code, stdout, stderr } = await session.run(command);
    const isShown = entries[at + 1]?.command === "echo $?";
    const expected = Number(/\s#.*\bexit (\d+)/.exec(command)?.[1] ?? 0);
    if (code !== expected && !isShown) complain(`${command}: exit code ${code}: ${stdout}${stderr}`);
    const missing = firstMissing(output, `${stdout}\n${stderr}`);
    if (missing !== undefined) complain(`${command}: no such line:\n${missing}\nin\n${stdout}${stderr}`);
  }
}

/** The first of the lines that is not in the text behind the ones before it; undefined when all are there in this order. */
function firstMissing(lines: readonly string[], text: string): string | undefined {
  const rows = text.split("\n");
  let from = 0;
  for (const line of lines) {
    if (/^\s*…?\s*$/.test(line)) continue;
    const pattern = patternOf(line);
    const at = rows.findIndex((row, index) => index >= from && pattern.test(row));
    if (at < 0) return line;
    from = at + 1;
  }
  return undefined;
}

/** Durations differ from run to run, and with them the columns; "…" within a line is any text. */
function patternOf(line: string): RegExp {
  const escaped = line
    .trim()
    .replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")
    .replaceAll(/\d+(?:\\\.\d+)? m?s\b/g, "[\\d.]+ m?s")
    .replaceAll(/\s+/g, "\\s+")
    .replaceAll("…", ".*");
  return new RegExp(`^\\s*${escaped}\\s*$`);
}

/** Replaces the lines with "-" of a diff block by those with "+", in the file that it names. */
function edit({ info, text }: Block, directory: string, complain: (what: string) => void): void {
  const path = join(directory, info.slice("diff ".length));
  const side = (mark: string): string =>
    text
      .split("\n")
      .filter((row) => row.startsWith(mark) || row.startsWith(" "))
      .map((row) => row.slice(1))
      .join("\n");
  const before = readFileSync(path, "utf8");
  if (before.split(side("-")).length !== 2) complain(`${info}: found not exactly once:\n${side("-")}`);
  writeFileSync(
    path,
    before.replace(side("-"), () => side("+")),
  );
}
