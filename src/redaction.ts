/**
 * Replaces known secrets by "(secret)". It works on values, before they are flattened, wrapped, cut or serialized: a number stays a
 * number, and no line end that a renderer adds can split a secret.
 */
import type { Secret } from "./secret.ts";
import { markLength, secretMark } from "./secret-spans.ts";

export type Redact = (text: string) => string;

/** Shorter values are too common in ordinary text to be replaced: nothing would be left of a message. */
const shortest = 3;
/** A shorter value is replaced only where it is a word of its own. */
const shortestWithinWords = 6;
/** Of a value that somebody else cut, at least so many characters and half of it must be there. */
const shortestCut = 8;
/** Lines of one secret that are looked for: a mounted file may be of any length. */
const mostLines = 2_000;

/** A form that a secret may take in a text. */
interface Pattern {
  /** With every run of white space as one space. */
  readonly text: string;
  readonly isWord: boolean;
}

/** Replaces secrets in a text; `distinctive` leaves those alone that an ordinary word or number could be mistaken for. */
export type Redactor = Redact & { readonly distinctive: Redact };

/**
 * Replaces every one of these secrets: line by line where it has several, with any white space between its words, cut, and in the
 * encodings of JSON, URLs, HTML, Compose files, shells, base64 and hexadecimal digits.
 */
export function redactor(secrets: readonly Secret[]): Redactor {
  let known: Patterns | undefined;
  const replaceIn = (text: string, isWanted: (pattern: Pattern) => boolean): string => {
    if (secrets.length === 0) return text;
    known ??= byBeginning(new Set(secrets.flatMap((secret) => patternsOf(secret.reveal()))));
    return replaced(text, known, isWanted);
  };
  return Object.assign((text: string) => replaceIn(text, () => true), {
    distinctive: (text: string) => replaceIn(text, ({ isWord }) => !isWord),
  });
}

function replaced(text: string, patterns: Patterns, isWanted: (pattern: Pattern) => boolean): string {
  let clean = "";
  let done = 0;
  for (let at = 0; at < text.length; at++) {
    const mark = markLength(text, at);
    if (mark > 0) at += mark - 1;
    else {
      const end = longestEnd(text, at, patterns.get(beginning(text, at))?.filter(isWanted));
      if (end === undefined) continue;
      clean += text.slice(done, at) + secretMark;
      done = end;
      at = end - 1;
    }
  }
  return clean + text.slice(done);
}

/** Members that hold words of ours, or the names of things: they are the structure of a value, never a secret in it. */
const structural = new Set(
  `action code command component components digest file format generation host id ids kind orphans outcome pendingActivation phase
  resource severity started status time type unit verb`.split(/\s+/),
);

/** The same value with every text in it redacted. Numbers, booleans and the names of things stay. */
export function redacted<T>(value: T, redact: Redact): T {
  return copy(value, redact) as T;
}

/** Members whose own members have names from outside. */
const dictionaries = new Set(["units", "from"]);

function copy(value: unknown, redact: Redact, isDictionary = false): unknown {
  if (typeof value === "string") return redact(value);
  if (Array.isArray(value)) return value.map((item) => copy(item, redact));
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, copy(item, redact)]));
  if (typeof value !== "object" || value === null || !isPlain(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      isDictionary ? redact(key) : key,
      !isDictionary && structural.has(key) && isNames(item)
        ? item
        : copy(item, redact, !isDictionary && dictionaries.has(key)),
    ]),
  );
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function isNames(value: unknown): boolean {
  return Array.isArray(value) ? value.every((item) => typeof item === "string") : typeof value === "string";
}

function patternsOf(value: string): readonly string[] {
  const lines = value.split(/\r?\n/).map((line) => line.trim());
  const wanted =
    lines.length === 1
      ? lines
      : lines.slice(0, mostLines).filter((line) => line.length >= shortestWithinWords);
  const all = lines.length > 1 ? [value.trim(), ...wanted] : wanted;
  return all.filter((line) => line.length >= shortest && !isSwitch(line)).flatMap(encodings);
}

/** Under a telling name (AUTH_ENABLED), but no secret. */
function isSwitch(value: string): boolean {
  return /^(?:true|false|yes|no|off|none|null)$/i.test(value);
}

function encodings(value: string): readonly string[] {
  const bytes = Buffer.from(value);
  const asBytes = bytes.length < shortestWithinWords ? [] : [...base64(bytes), bytes.toString("hex")];
  return [...asText(value), ...asBytes];
}

function asText(value: string): readonly string[] {
  // Most secrets look the same in every notation.
  if (/^[\w.-]+$/.test(value)) return [value];
  const json = JSON.stringify(value).slice(1, -1);
  const url = encodeURIComponent(value.replaceAll(/\p{Cs}/gu, "\ufffd"));
  return [
    value,
    json,
    JSON.stringify(json).slice(1, -1),
    value.replaceAll("$", "$$$$"),
    value.replaceAll("$$", "$"),
    value.replaceAll("'", "'\\''"),
    url,
    url.replace(/%../g, (code) => code.toLowerCase()),
    url.replaceAll("%20", "+"),
    ...html(value),
  ];
}

function html(value: string): readonly string[] {
  const escaped = value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const quoted = escaped.replaceAll('"', "&quot;");
  return [
    value.replaceAll("&", "&amp;"),
    escaped,
    quoted,
    ...["&#39;", "&#x27;", "&apos;"].map((quote) => quoted.replaceAll("'", quote)),
    escaped.replaceAll('"', "&#34;").replaceAll("'", "&#39;"),
  ];
}

/** Base64 at each of the three places that a value can have in a longer one, without the characters that its neighbours change. */
function base64(bytes: Buffer): readonly string[] {
  return [0, 1, 2].flatMap((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
    const last = (offset + bytes.length) % 3;
    const inner = text.slice(offset === 0 ? 0 : offset + 1, last === 0 ? undefined : -4 + last);
    return [inner, inner.replaceAll("+", "-").replaceAll("/", "_")];
  });
}

/** By their first two characters. */
type Patterns = ReadonlyMap<number, readonly Pattern[]>;

/** Whether it could be part of a longer word or number by chance. */
function isWord(text: string): boolean {
  return text.length < shortestWithinWords || /^\d+$/.test(text);
}

function byBeginning(texts: ReadonlySet<string>): Patterns {
  const patterns = new Map<number, Pattern[]>();
  for (const raw of texts) {
    const text = raw.replaceAll(/\s+/g, " ");
    const pattern = { text, isWord: isWord(text) };
    const key = beginning(text, 0);
    const same = patterns.get(key);
    if (same === undefined) patterns.set(key, [pattern]);
    else same.push(pattern);
  }
  return patterns;
}

/** The first two characters in one number. */
function beginning(text: string, at: number): number {
  return text.charCodeAt(at) * 0x10000 + (isSpace(text.charCodeAt(at + 1)) ? 0x20 : text.charCodeAt(at + 1));
}

function longestEnd(text: string, at: number, patterns: readonly Pattern[] = []): number | undefined {
  let longest: number | undefined;
  for (const pattern of patterns) {
    const end = endOf(text, at, pattern);
    if (end !== undefined && end > (longest ?? 0)) longest = end;
  }
  return longest;
}

/** Where the pattern that begins here ends; undefined when it is not there. */
function endOf(text: string, from: number, { text: pattern, isWord }: Pattern): number | undefined {
  let at = from;
  let matched = 0;
  for (; matched < pattern.length; matched++) {
    if (pattern.charCodeAt(matched) === 0x20) {
      const next = afterSpace(text, at);
      if (next === at) break;
      at = next;
    } else if (text.charCodeAt(at) === pattern.charCodeAt(matched)) at++;
    else break;
  }
  if (matched < pattern.length) {
    const isCut = !isWord && matched >= Math.max(shortestCut, pattern.length / 2);
    return isCut ? at : undefined;
  }
  return isWord && !isBounded(text, from, at) ? undefined : at;
}

/** Whether a span is a word of its own, and no part of "10.0.0.1", "1.27" or "10:32". */
function isBounded(text: string, from: number, to: number): boolean {
  const before = text.slice(Math.max(0, from - 2), from);
  const after = text.slice(to, to + 2);
  return !/[\p{L}\p{N}_]$|\d[.:]$/u.test(before) && !/^[\p{L}\p{N}_]|^[.:]\d/u.test(after);
}

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d) || code === 0xa0;
}

/** The offset after white space, which JSON and Go write as "\n" and "\t". */
function afterSpace(text: string, from: number): number {
  let at = from;
  for (;;) {
    if (isSpace(text.charCodeAt(at))) at++;
    else if (text[at] === "\\" && /[nrt]/.test(text[at + 1] ?? "")) at += 2;
    else return at;
  }
}
