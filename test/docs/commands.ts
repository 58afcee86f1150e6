/** What the pages tell people to type: code blocks with commands and files, and the commands between backticks. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { docsFiles } from "./files.ts";

const root = join(import.meta.dirname, "../..");

/** A fenced or indented block of a page. */
export interface Block {
  /** The line of its first line, from 1. */
  readonly line: number;
  /** The words behind the fence: "sh", "console", "diff home/etc/x.json"; empty for an indented block. */
  readonly info: string;
  readonly text: string;
}

/** The pages that people read, relative to the repository. */
export const pagePaths: readonly string[] = [
  "README.md",
  "CONTRIBUTING.md",
  ...docsFiles.map((path) => `docs/${path}`).filter((path) => path.endsWith(".md")),
  ...readdirSync(join(root, "examples")).map((name) => `examples/${name}/README.md`),
];

export function readPage(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** The blocks of a page, in their order. */
export function blocksOf(page: string): readonly Block[] {
  const blocks: Block[] = [];
  let open: { line: number; info: string; fence: boolean; rows: string[] } | undefined;
  const close = (): void => {
    if (open !== undefined) blocks.push({ line: open.line, info: open.info, text: open.rows.join("\n") });
    open = undefined;
  };
  let isFree = true;
  for (const [at, row] of page.split("\n").entries()) {
    const fence = /^```(.*)$/.exec(row);
    if (fence !== null) {
      if (open?.fence === true) close();
      else {
        close();
        open = { line: at + 2, info: (fence[1] ?? "").trim(), fence: true, rows: [] };
      }
    } else if (open?.fence === true) open.rows.push(row);
    else if (/^ {4}\S/.test(row) && (isFree || open !== undefined)) {
      open ??= { line: at + 1, info: "", fence: false, rows: [] };
      open.rows.push(row.slice(4));
    } else if (row.trim() !== "") close();
    isFree = row.trim() === "";
  }
  close();
  return blocks;
}

/** A command of a block, and the lines that the block shows as its output. */
export interface Entry {
  readonly command: string;
  readonly output: readonly string[];
}

/** The commands of a block; where it has a `$`, those behind one, and the rest is output. Continued lines and heredocs are one. */
export function entriesIn({ info, text }: Block): readonly Entry[] {
  if (info !== "" && !/^(?:sh|console|bash)\b/.test(info)) return [];
  const isConsole = /^\$ /m.test(text);
  const entries: { command: string; output: string[] }[] = [];
  let end: string | undefined;
  for (const row of text.split("\n")) {
    const last = entries.at(-1);
    if (last !== undefined && end !== undefined) {
      last.command += `\n${row}`;
      if (row === end) end = undefined;
      continue;
    }
    if (last?.command.endsWith("\\") === true) {
      last.command = `${last.command.slice(0, -1)}${row.trim()}`;
      continue;
    }
    const command = isConsole ? /^\$ (.*)$/.exec(row)?.[1] : row;
    if (command === undefined) last?.output.push(row);
    if (command === undefined || command.trim() === "") continue;
    entries.push({ command, output: [] });
    end = /<<'?(\w+)'?/.exec(command)?.[1];
  }
  return entries;
}

export function commandsIn(block: Block): readonly string[] {
  return entriesIn(block).map(({ command }) => command);
}

/** Calls of phoenix in a command line, without the program: each as its words. */
export function callsIn(command: string): readonly (readonly string[])[] {
  return simpleCommands(command).flatMap((words) => {
    const at = words.findIndex((word) => !/^\w+=/.test(word));
    const rest = at < 0 ? [] : words.slice(at);
    const program = rest[0] === "sudo" ? rest.slice(1) : rest;
    return /^(?:\S*\/)?phoenix$/.test(program[0] ?? "") ? [program.slice(1)] : [];
  });
}

/** The words of each command of a line, up to the operators between them; quotes keep spaces, # begins a comment. */
function simpleCommands(line: string): readonly (readonly string[])[] {
  const commands: string[][] = [[]];
  for (const [token] of line.matchAll(
    /&&|\|\|?|;|\s#.*|\s\d?[<>]+\s*\S+|(?:"[^"]*"|'[^']*'|\\.|[^\s"'|;&])+|&/g,
  )) {
    if (/^\s#/.test(token)) break;
    if (/^\s\d?[<>]/.test(token)) continue;
    if (/^(?:&&?|\|\|?|;)$/.test(token)) commands.push([]);
    else commands.at(-1)?.push(token.replaceAll(/"([^"]*)"|'([^']*)'/g, "$1$2"));
  }
  return commands.filter((words) => words.length > 0);
}

/** `phoenix …` between backticks in the prose of a page, each with its line. */
export function inlineCommands(page: string): readonly { readonly line: number; readonly command: string }[] {
  const prose = page.replaceAll(/^```[\s\S]*?^```|^ {4}\S.*$/gm, (block) => block.replaceAll(/[^\n]/g, ""));
  return [...prose.matchAll(/`(phoenix(?: [^`]*)?)`/g)].map(({ 1: command = "", index }) => ({
    line: prose.slice(0, index).split("\n").length,
    command: command.replaceAll(/\s+/g, " "),
  }));
}
