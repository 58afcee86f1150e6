/** Finds secrets in text by the list of `sensitive.ts`. Line ends are never part of a span: places stay what they are. */
import { isInnocentValue, isSensitiveName, secretLooks, secretWords } from "./sensitive.ts";

/** Offsets of a secret in a text; `end` is the one after its last character. */
export interface SecretSpan {
  readonly start: number;
  readonly end: number;
}

/** What stands in place of a secret. */
export const secretMark = "(secret)";

/** What stands in place of a secret whose keyed fingerprint may be shown: "(secret#3f9a12c4)". */
export function fingerprintMark(fingerprint: string): string {
  return `(secret#${fingerprint})`;
}

/** The fingerprint in such a mark; undefined for any other text. */
export function fingerprintIn(text: string): string | undefined {
  return /^\(secret#([0-9a-f]{8})\)$/.exec(text)?.[1];
}

/** How many characters the mark at this place of a text takes; 0 where none is. */
export function markLength(text: string, at: number): number {
  if (text[at] !== "(") return 0;
  return /^\(secret(?:#[0-9a-f]{8})?\)/.exec(text.slice(at, at + 20))?.[0].length ?? 0;
}

/**
 * Secrets in a file's text (JSON, YAML, lines of NAME=value, command lines), valid or not: under telling names, behind telling options,
 * and by their look.
 */
export function secretSpans(text: string): readonly SecretSpan[] {
  return merged(text, [...assigned(text), ...named(text), ...behindOptions(text), ...looking(text)]);
}

/** A file's text with its secrets replaced. @param markOf what stands for a secret */
export function withoutSecrets(text: string, markOf?: (secret: string) => string): string {
  return replaced(text, secretSpans(text), markOf);
}

/** The secrets in a file's text, to be compared with those of another. */
export function secretsIn(text: string): readonly string[] {
  return secretSpans(text).map(({ start, end }) => text.slice(start, end));
}

/** Whether a text has something in it that looks like a secret: the password in a URL. */
export function looksSecret(text: string): boolean {
  return withoutSecretLooks(text) !== text;
}

/** Prose (a message, a log) with what looks like a secret replaced. A word before a colon means nothing there. */
export function withoutSecretLooks(text: string): string {
  return replaced(text, merged(text, [...looking(text), ...behindOptions(text)]));
}

export function replaced(
  text: string,
  spans: readonly SecretSpan[],
  markOf: (secret: string) => string = () => secretMark,
): string {
  let clean = "";
  let at = 0;
  for (const { start, end } of spans) {
    clean += text.slice(at, start) + markOf(text.slice(start, end));
    at = end;
  }
  return clean + text.slice(at);
}

function looking(text: string): SecretSpan[] {
  return secretLooks.flatMap((look) => found(text, look));
}

function found(text: string, pattern: RegExp): SecretSpan[] {
  return [...text.matchAll(pattern)].flatMap((match) => {
    const secret = match.groups?.secret ?? match[0];
    const start = match.index + match[0].lastIndexOf(secret);
    return isInnocentValue(secret) ? [] : [{ start, end: start + secret.length }];
  });
}

/** NAME=value, "name": value, name: value. */
const assignment = /(?<![\w.$/-]|\$\{)(["']?)([A-Za-z_][\w.@[\]-]*)\1[ \t]*(?:=>|:=|=|:)(?![:/]\/)[ \t]*/g;

function assigned(text: string): SecretSpan[] {
  return [...text.matchAll(assignment)].flatMap((match) => {
    const [whole, quote, name = ""] = match;
    const isUsers = /^users$/i.test(name);
    // Lists of secrets' names in Compose files.
    if (name === "secrets") return [];
    if (!isUsers && !isSensitiveName(name)) return [];
    const at = match.index + whole.length;
    const outer = quote === "" ? text[match.index - 1] : undefined;
    const spans = valueAt(text, at, outer === '"' || outer === "'" ? outer : undefined);
    // A list of users may hold names only.
    return isUsers ? spans.filter(({ start, end }) => /^[^\s:]+:\S+$/.test(text.slice(start, end))) : spans;
  });
}

/** The spans of the value that begins at an offset. @param outer the quote that closes it when it is part of a quoted word */
function valueAt(text: string, from: number, outer?: string): SecretSpan[] {
  const at = /^\s*(?=["'])/.test(text.slice(from, from + 200))
    ? from + (/^\s*/.exec(text.slice(from, from + 200))?.[0].length ?? 0)
    : from;
  const character = text[at] ?? "";
  if (outer !== undefined) return [{ start: at, end: closing(text, at, outer) }];
  if (character === '"' || character === "'") return [{ start: at + 1, end: quotedEnd(text, at) }];
  if (character === "[" || character === "{") return bracketed(text, at);
  const line = lineEnd(text, at);
  if (/^[|>][+-]?\d?[ \t]*(?:#.*)?$/.test(text.slice(at, line)) || at === line)
    return indented(text, at, character !== "|" && character !== ">");
  const comment = text.slice(at, line).search(/\s#/);
  return [{ start: at, end: comment < 0 ? line : at + comment }];
}

/** A line goes on no further than this: what people write is shorter, and a file on one line is not searched again and again. */
const longestLine = 8_000;

function lineEnd(text: string, from: number): number {
  const rest = text.slice(from, from + longestLine);
  const at = rest.indexOf("\n");
  const end = from + (at < 0 ? rest.length : at);
  return text[end - 1] === "\r" ? end - 1 : end;
}

/** The offset of the next quote that no backslash escapes, or of the line's end. */
function closing(text: string, from: number, quote: string): number {
  const end = lineEnd(text, from);
  for (let at = from; at < end; at++)
    if (text[at] === "\\") at++;
    else if (text[at] === quote) return at;
  return end;
}

/** A quoted value may go on in lines that are indented further; one that no separator follows has a quote of its own in it. */
function quotedEnd(text: string, at: number): number {
  const quote = text[at] ?? "";
  let end = closing(text, at + 1, quote);
  if (!/^\s*(?:[,}\]#"'\n\r]|\/[/*]|$)/.test(text.slice(end + 1, end + 200))) return lineEnd(text, end);
  const own = indentAt(text, at);
  while (text[end] !== quote && end < text.length) {
    const next = text.indexOf("\n", end) + 1;
    if (
      next === 0 ||
      indentOf(text, next) <= own ||
      /^\s*["'][\w.-]+["']\s*:/.test(text.slice(next, next + 200))
    )
      break;
    end = closing(text, next, quote);
  }
  return end;
}

/** The items of a list, or the members of an object on one line; an object of several lines has names of its own. */
function bracketed(text: string, at: number): SecretSpan[] {
  const isList = text[at] === "[";
  const line = lineEnd(text, at);
  const closed = text.slice(at, at + longestLine).indexOf(isList ? "]" : "}");
  const end = closed < 0 ? -1 : at + closed;
  if (!isList && (end < 0 || end > line))
    return text.slice(at + 1, line).trim() === "" ? [] : [{ start: at + 1, end: line }];
  const stop = end < 0 ? line : end;
  if (!isList || !/["']/.test(text.slice(at, stop))) return [{ start: at + 1, end: stop }];
  return [...text.slice(at + 1, stop).matchAll(/"((?:[^"\\\n]|\\.)*)"?|'([^'\n]*)'?/g)].map((match) => {
    const start = at + 1 + match.index + 1;
    return { start, end: start + (match[1] ?? match[2] ?? "").length };
  });
}

/** The lines of a block scalar, or the items of a list below a key. */
function indented(text: string, at: number, isList: boolean): SecretSpan[] {
  const own = indentAt(text, at);
  const spans: SecretSpan[] = [];
  for (
    let start = text.indexOf("\n", at) + 1;
    start > 0 && start < text.length;
    start = text.indexOf("\n", start) + 1
  ) {
    const end = lineEnd(text, start);
    const line = text.slice(start, end);
    const item = /^\s*-\s+/.exec(line)?.[0].length;
    const indent = indentOf(text, start);
    const isInside = indent > own || (isList && item !== undefined && indent === own);
    if (line.trim() !== "" && !isInside) break;
    // A mapping below the key has names of its own.
    if (isList && /^\s*(?:-\s+)?[\w.-]+:(?:\s|$)/.test(line)) break;
    if (line.trim() !== "") spans.push({ start: start + (isList ? (item ?? indent) : indent), end });
  }
  return spans.map((span) => unquoted(text, span));
}

function unquoted(text: string, { start, end }: SecretSpan): SecretSpan {
  const isQuoted = /^(["']).*\1$/.test(text.slice(start, end));
  return isQuoted ? { start: start + 1, end: end - 1 } : { start, end };
}

function indentOf(text: string, lineStart: number): number {
  return /^[ \t]*/.exec(text.slice(lineStart, lineStart + 200))?.[0].length ?? 0;
}

/** The indentation of the line that holds an offset. */
function indentAt(text: string, at: number): number {
  const start = Math.max(0, at - longestLine);
  return indentOf(text, start + text.slice(start, at).lastIndexOf("\n") + 1);
}

/** The value beside a telling name: `{"name": "API_KEY", "value": "…"}`, `- name: API_KEY` above `value: …`. */
function named(text: string): SecretSpan[] {
  const value = /(?<![\w.-])["']?(?:value|val|default)["']?[ \t]*:[ \t]*/g;
  const groups = [
    ...text.matchAll(/\{[^{}]*/g),
    ...text.matchAll(/^([ \t]*)-[ \t]+(?:name|key|value|val)[ \t]*:.*(?:\r?\n\1[ \t]+.*)*/gm),
  ];
  return groups.flatMap(({ 0: group, index }) => {
    const name = /(?<![\w.-])["']?(?:name|key)["']?[ \t]*:[ \t]*["']?([^"'\n,}]+)/.exec(group)?.[1];
    if (name === undefined || !isSensitiveName(name)) return [];
    return [...group.matchAll(value)].flatMap((match) =>
      valueAt(text, index + match.index + match[0].length),
    );
  });
}

/** "--requirepass X", and the same as items of a list. */
const option =
  /(?<![\w-])--?([A-Za-z][\w-]+)(?:["']?\s*,\s*|["']?\s*\n\s*-\s+|["']?[ \t]+|=)(?=["']?[^\s"'-])/g;

/** A header as Nginx, Apache and HAProxy set it: `proxy_set_header X-Api-Key X`. */
const header = /\b(?:\w*_header|RequestHeader[ \t]+\w+|set-header)[ \t]+["']?([A-Za-z][\w-]+)["']?[ \t]+/g;

function behindOptions(text: string): SecretSpan[] {
  const words = [...text.matchAll(option), ...text.matchAll(header)].flatMap((match) => {
    if (!isSensitiveName(match[1] ?? "")) return [];
    const at = match.index + match[0].length;
    const quote = text[at];
    if (quote === '"' || quote === "'") return [{ start: at + 1, end: closing(text, at + 1, quote) }];
    const end = /^[^\s"',\]]+/.exec(text.slice(at, at + 4096))?.[0].length ?? 0;
    return [{ start: at, end: at + end }];
  });
  return [...words, ...secretWords.flatMap((pattern) => found(text, pattern))];
}

/** In order, without overlaps, on single lines, and without those that tell nothing. */
function merged(text: string, spans: readonly SecretSpan[]): readonly SecretSpan[] {
  const lines = spans.flatMap((span) => onLines(text, span));
  lines.sort((a, b) => a.start - b.start || b.end - a.end);
  const all: SecretSpan[] = [];
  for (const { start, end } of lines) {
    const last = all.at(-1);
    if (last === undefined || start > last.end) all.push({ start, end });
    else all[all.length - 1] = { start: last.start, end: Math.max(last.end, end) };
  }
  return all;
}

function onLines(text: string, { start, end }: SecretSpan): SecretSpan[] {
  const spans: SecretSpan[] = [];
  for (let at = start; at < end; ) {
    const stop = Math.min(end, lineEnd(text, at));
    const line = text.slice(at, stop);
    const from = at + line.length - line.trimStart().length;
    const value = line.trim();
    if (!isInnocentValue(value)) spans.push({ start: from, end: from + value.length });
    const next = text.indexOf("\n", at);
    if (next < 0) break;
    at = next + 1;
  }
  return spans;
}
