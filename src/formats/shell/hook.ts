/**
 * Post-renewal commands: a declared shell line, parsed so that it runs on a known host, with a timeout and an exit code. Pure.
 */
import type { HostName } from "../../resource.ts";

/** A declared command, and where it really runs. */
export interface Hook {
  readonly host: HostName;
  readonly argv: readonly string[];
}

/** What a command does to a service, as far as its words show. */
export interface HookEffect {
  readonly kind: "reload" | "restart";
  /** The unit or container; the program's name when neither is known. */
  readonly unit: string;
  /** `unit` is a unit of systemd. */
  readonly isUnit?: true;
  /** What must exist for the command to have an effect; a consumer that does not run reads the new files when it starts. */
  readonly needs?: "active-unit" | "container";
}

/**
 * `pct exec ID [--] …` and `qm guest exec ID [--] …` become commands of that guest: `qm guest exec` exits 0 even when the
 * command in the guest failed. Everything else runs on the hypervisor, through a shell only if it has shell syntax outside of
 * quotes.
 */
export function parseHook(command: string): Hook {
  const { words, shell } = splitWords(command);
  if (shell || words.length === 0) return { host: "pve", argv: ["/bin/sh", "-c", command] };
  const plain = words[0] === "sudo" && !words[1]?.startsWith("-") ? words.slice(1) : words;
  return guestCommand(plain) ?? { host: "pve", argv: plain };
}

function guestCommand(words: readonly string[]): Hook | undefined {
  const program = words[0]?.split("/").at(-1);
  const lxc = program === "pct" && words[1] === "exec";
  const vm = program === "qm" && words[1] === "guest" && words[2] === "exec";
  if (!lxc && !vm) return undefined;
  const [id = "", ...rest] = words.slice(lxc ? 2 : 3);
  const argv = withoutOptions(rest);
  if (!/^[1-9]\d*$/.test(id) || argv === undefined || argv.length === 0) return undefined;
  return { host: lxc ? `lxc/${Number(id)}` : `vm/${Number(id)}`, argv };
}

/** Skips options of `qm guest exec` before the command: they set how long qm waits, which Phoenix decides itself. */
function withoutOptions(words: readonly string[]): readonly string[] | undefined {
  let at = 0;
  while (at < words.length) {
    const word = words[at] ?? "";
    if (word === "--") return words.slice(at + 1);
    if (!word.startsWith("-")) return words.slice(at);
    if (!/^--?(timeout|synchronous)(=.*)?$/.test(word)) return undefined;
    at += word.includes("=") ? 1 : 2;
  }
  return [];
}

/** The effect of a hook's command. Unknown commands count as a restart, the strongest effect. */
export function hookEffect(argv: readonly string[]): HookEffect {
  const words = shellText(argv) === undefined ? argv : lastCommand(shellText(argv) ?? "");
  const program = words[0]?.split("/").at(-1) ?? "";
  const [verb, ...rest] = words.slice(1).filter((word) => !word.startsWith("-"));
  const target = rest.at(-1);
  if (program === "systemctl" && target !== undefined) {
    const unit = target.replace(/\.service$/, "");
    return verb === "reload"
      ? { kind: "reload", unit, isUnit: true, needs: "active-unit" }
      : { kind: "restart", unit, isUnit: true };
  }
  if (program === "docker" && verb === "restart" && target !== undefined)
    return { kind: "restart", unit: target, needs: "container" };
  if (program === "nginx" && verb === "reload" && words.includes("-s"))
    return { kind: "reload", unit: "nginx" };
  return { kind: "restart", unit: program };
}

/** The script of `sh -c SCRIPT`. */
function shellText(argv: readonly string[]): string | undefined {
  const program = argv[0]?.split("/").at(-1) ?? "";
  return /^(ba|da)?sh$/.test(program) && argv[1] === "-c" ? argv[2] : undefined;
}

/** The last simple command of a script: earlier ones wait or prepare. */
function lastCommand(script: string): readonly string[] {
  const last = script.split(/[;&|\n]+/).findLast((part) => part.trim() !== "") ?? "";
  return splitWords(last).words;
}

/**
 * Splits a line into words as POSIX sh does (2.2 Quoting). `shell` is true when the line means more than its words:
 * operators, expansions, patterns, comments, assignments, or an unterminated quote.
 */
export function splitWords(line: string): { readonly words: readonly string[]; readonly shell: boolean } {
  const words: string[] = [];
  let word: string | undefined;
  let shell = false;
  for (let at = 0; at < line.length; at += 1) {
    const character = line.charAt(at);
    if (character === " " || character === "\t") {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (character === "'") {
      const end = line.indexOf("'", at + 1);
      shell ||= end < 0;
      word = (word ?? "") + line.slice(at + 1, end < 0 ? line.length : end);
      at = end < 0 ? line.length : end;
    } else if (character === '"') {
      const quoted = doubleQuoted(line, at + 1);
      shell ||= quoted.shell;
      word = (word ?? "") + quoted.text;
      at = quoted.end;
    } else if (character === "\\") {
      shell ||= at + 1 >= line.length || line.charAt(at + 1) === "\n";
      at += 1;
      word = (word ?? "") + line.charAt(at);
    } else {
      shell ||= isSyntax(character, word === undefined);
      word = (word ?? "") + character;
    }
  }
  if (word !== undefined) words.push(word);
  shell ||= /^[A-Za-z_]\w*=/.test(line.trimStart()) || words.some((each) => each === "!" || each === "{");
  return { words, shell };
}

function isSyntax(character: string, startsWord: boolean): boolean {
  return "|&;<>()$`*?[\n".includes(character) || (startsWord && "#~".includes(character));
}

function doubleQuoted(line: string, from: number): { text: string; end: number; shell: boolean } {
  let text = "";
  let shell = false;
  for (let at = from; at < line.length; at += 1) {
    const character = line.charAt(at);
    if (character === '"') return { text, end: at, shell };
    if (character === "\\" && '$`"\\'.includes(line.charAt(at + 1)) && at + 1 < line.length) {
      at += 1;
      text += line.charAt(at);
    } else {
      shell ||= character === "$" || character === "`";
      text += character;
    }
  }
  return { text, end: line.length, shell: true };
}
