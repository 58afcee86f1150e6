/** Environment files as Compose reads them (compose-go 2.9, dotenv). Pure. */
import { ComposeTextError, interpolate, type Variables } from "./interpolation.ts";

/**
 * Reads an environment file: `NAME=value` or `NAME: value`, with `export` before it or not. Quotes around a value are removed;
 * `'…'` is literal; ` #` begins a comment; variables are filled in. A name alone has the value that `variables` has for it.
 * @throws ComposeTextError whose reason begins with the line
 */
export function parseEnvFile(text: string, variables: Variables): ReadonlyMap<string, string> {
  return new EnvFile(text, variables).read();
}

/**
 * Reads an environment file of the format raw: each line is NAME=value, and a value is what stands there.
 * @throws ComposeTextError as {@link parseEnvFile} does
 */
export function parseRawEnvFile(text: string, variables: Variables): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [at, line] of text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .entries()) {
    if (/^\s*(?:#|$)/.test(line)) continue;
    const equals = line.indexOf("=");
    const key = (equals < 0 ? line : line.slice(0, equals)).trimStart();
    if (key === "" || /\s/.test(key))
      throw new ComposeTextError(`line ${at + 1}: a variable's name cannot be empty or contain a space`, "");
    const value = equals < 0 ? variables.get(key) : line.slice(equals + 1);
    if (value !== undefined) found.set(key, value);
  }
  return found;
}

/** White space within a line, as Go counts it. */
const blank = /[\t\v\f\r \u0085\u00a0]*/y;
const lead = /(?:\s|\u0085|#[^\n]*)*(?:export[\t\v\f\r \u0085\u00a0]+)?/y;
const name = /(?:[\p{L}\p{N}_.[\]-]|[\t\v\f\r \u0085\u00a0])*/uy;
const toLineEnd = /[^\n]*/y;
/** A value between quotes; a quote after a backslash does not end it. */
const quoted = /"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\[\s\S])*'/y;

class EnvFile {
  readonly #text: string;
  readonly #variables: Variables;
  readonly #found = new Map<string, string>();
  #at = 0;

  constructor(text: string, variables: Variables) {
    this.#text = text.replace(/^\uFEFF/, "");
    this.#variables = variables;
  }

  read(): ReadonlyMap<string, string> {
    for (;;) {
      this.#take(lead);
      if (this.#at >= this.#text.length) return this.#found;
      const start = this.#at;
      const key = this.#take(name).trimEnd();
      const end = this.#text[this.#at];
      if (end !== undefined && !"=:\n".includes(end))
        throw this.#fault(
          start,
          "unexpected character in variable name",
          ` near ${JSON.stringify(this.#lineAt(start))}`,
        );
      if (/\s/.test(key)) throw this.#fault(start, "a variable's name cannot contain a space");
      if (end === "=" && key === "") throw this.#fault(start, "a variable without a name");
      this.#at += 1;
      if (end === "=" || end === ":") this.#found.set(key, this.#value(start));
      else this.#inherit(key);
    }
  }

  #inherit(key: string): void {
    const value = this.#variables.get(key);
    if (value !== undefined) this.#found.set(key, value);
  }

  #value(start: number): string {
    this.#take(blank);
    const quote = this.#text[this.#at];
    if (quote !== "'" && quote !== '"') {
      const line = this.#take(toLineEnd);
      const comment = line.indexOf(" #");
      return this.#filled((comment < 0 ? line : line.slice(0, comment)).trimEnd(), start);
    }
    const raw = this.#take(quoted);
    if (raw === "") throw this.#fault(start, "unterminated quoted value", ` ${this.#lineAt(this.#at)}`);
    const inside = raw.slice(1, -1);
    return quote === "'" ? inside.replaceAll("\\'", "'") : this.#filled(unescaped(inside), start);
  }

  #filled(value: string, start: number): string {
    try {
      const own = { get: (key: string) => this.#variables.get(key) ?? this.#found.get(key) };
      return interpolate(value, own).text;
    } catch (error) {
      if (!(error instanceof ComposeTextError)) throw error;
      throw this.#fault(start, error.reason, error.message.slice(error.reason.length));
    }
  }

  /** Takes what a sticky pattern matches here. */
  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const taken = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += taken.length;
    return taken;
  }

  #lineAt(offset: number): string {
    return this.#text.slice(offset).split("\n", 1)[0]?.trim() ?? "";
  }

  #fault(offset: number, reason: string, details = ""): ComposeTextError {
    const line = this.#text.slice(0, offset).split("\n").length;
    return new ComposeTextError(`line ${line}: ${reason}`, details);
  }
}

const controls: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** Resolves escapes between double quotes. An escaped dollar sign stays escaped for `interpolate`. */
function unescaped(text: string): string {
  return text.replace(/\\(?:0(\d{0,3})|([abfnrtv$"\\]))/g, (_, octal?: string, sign = "") => {
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(`0${octal}`, 8) & 0xff);
    return sign === "$" ? "$$" : (controls[sign] ?? sign);
  });
}
