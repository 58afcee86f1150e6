/** The command line of ssh, as far as programs use it between machines (ssh(1), ssh_config(5), OpenSSH 10). Pure. */
import type { CommandResult } from "../../src/hosts/host.ts";
import { failed } from "../parts.ts";

export interface SshCall {
  readonly user: string;
  readonly address: string;
  /** What follows the destination, joined by spaces: the other side's shell reads it. Empty for a connection alone. */
  readonly line: string;
  /** `-o` and what letters stand for, by names in lower case. Of an option that is given twice, the first counts. */
  readonly options: ReadonlyMap<string, string>;
  /** `-O check`, `-O exit`. */
  readonly control?: string;
  readonly noInput: boolean;
}

/** Letters with a value, and the options that they stand for. */
const valued: Readonly<Record<string, string>> = {
  e: "escapechar",
  i: "identityfile",
  l: "user",
  p: "port",
  S: "controlpath",
};

const flags: Readonly<Record<string, readonly [string, string] | undefined>> = {
  M: ["controlmaster", "yes"],
  T: undefined,
  n: undefined,
  N: undefined,
  f: undefined,
  q: undefined,
  x: undefined,
  a: undefined,
  "4": undefined,
};

/** @returns how ssh ends where it cannot read its command line */
export function sshCall(args: readonly string[]): SshCall | CommandResult {
  const options = new Map<string, string>();
  const set = (name: string, value: string): void => {
    if (!options.has(name)) options.set(name, value);
  };
  let control: string | undefined;
  const letters = new Set<string>();
  let at = 0;
  for (; at < args.length; at += 1) {
    const arg = args[at] ?? "";
    if (arg === "--") {
      at += 1;
      break;
    }
    if (!arg.startsWith("-")) break;
    const letter = arg.charAt(1);
    if (letter === "o" || letter === "O" || Object.hasOwn(valued, letter)) {
      const joined = arg.slice(2);
      if (joined === "") at += 1;
      const value = joined === "" ? (args[at] ?? "") : joined;
      if (letter === "O") control = value;
      else if (letter === "o") {
        const [, name = "", text = ""] = /^\s*(\w+)\s*[=\s]\s*(.*)$/.exec(value) ?? [];
        set(name.toLowerCase(), text);
      } else set(valued[letter] ?? "", value);
      continue;
    }
    for (const flag of arg.slice(1)) {
      if (!Object.hasOwn(flags, flag)) return failed(255, `unknown option -- ${flag}`);
      letters.add(flag);
      const meaning = flags[flag];
      if (meaning !== undefined) set(...meaning);
    }
  }
  const [destination, ...words] = args.slice(at);
  if (destination === undefined)
    return failed(255, "usage: ssh [-46AaCfGgKkMNnqsTtVvXxYy] destination [command [argument ...]]");
  const split = destination.lastIndexOf("@");
  return {
    user: split < 0 ? (options.get("user") ?? "root") : destination.slice(0, split),
    address: destination.slice(split + 1),
    line: words.filter((word, index) => index > 0 || word !== "--").join(" "),
    options,
    ...(control === undefined ? {} : { control }),
    noInput: letters.has("n") || letters.has("N") || letters.has("f"),
  };
}

/** The words of a simple command for a POSIX shell; undefined when the line is more than that. */
export function wordsOf(line: string): readonly string[] | undefined {
  const words: string[] = [];
  const pattern = /\s*((?:'[^']*'|"(?:[^"\\$`]|\\["\\$`])*"|\\[\s\S]|[^\s'"\\$`;&|<>()*?[\]{}~#!])+)/y;
  const end = line.trimEnd().length;
  while (pattern.lastIndex < end) {
    const found = pattern.exec(line);
    if (found === null) return undefined;
    words.push(unquoted(found[1] ?? ""));
  }
  return words;
}

function unquoted(word: string): string {
  return word.replace(/'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|\\([\s\S])/g, (_, single, double, escaped) =>
    single !== undefined ? single : double !== undefined ? double.replace(/\\([\s\S])/g, "$1") : escaped,
  );
}
