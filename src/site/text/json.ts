/**
 * Reads JSON with comments into values with their places. It is our own reader because a site of ten thousand guests must be
 * read in a fraction of a second: a general syntax tree with two place objects for every token takes seconds.
 */

interface Span {
  /** Offsets in the text; `end` is the one after the last character. */
  readonly start: number;
  readonly end: number;
}

export interface JsonMember extends Span {
  /** The span of the member is that of its key. */
  readonly key: string;
  readonly value: JsonNode;
}

export type JsonNode =
  | (Span & { readonly kind: "object"; readonly members: ReadonlyMap<string, JsonMember> })
  | (Span & { readonly kind: "array"; readonly items: readonly JsonNode[] })
  | (Span & { readonly kind: "string"; readonly value: string })
  | (Span & { readonly kind: "number"; readonly value: number })
  | (Span & { readonly kind: "boolean"; readonly value: boolean })
  | (Span & { readonly kind: "null" });

/** A key that its object already has: JSON parsers differ in which of the two counts. */
export interface DuplicateKey {
  readonly key: string;
  readonly first: Span;
  readonly again: Span;
}

export interface JsonText {
  readonly root: JsonNode;
  readonly duplicates: readonly DuplicateKey[];
}

/** The first place where the text stops being JSON. */
export class JsonSyntaxError extends Error {
  readonly offset: number;
  readonly hint: string | undefined;

  constructor(message: string, offset: number, hint?: string) {
    super(message);
    this.offset = offset;
    this.hint = hint;
  }
}

/** A string without escape sequences, as nearly all are: found many times faster than character by character. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them in strings
const plainString = /"[^"\\\u0000-\u001f]*"/y;
const plainWord = /[^\s,:{}[\]"/]+/y;

/** No site nests deeper; the limit keeps a hostile file from exhausting the stack. */
const maxDepth = 200;

/**
 * Reads JSON, with comments (`//` and block comments) and trailing commas as in editors' settings files.
 * @throws JsonSyntaxError at the first character that does not fit
 */
export function parseJson(text: string): JsonText {
  return new Reader(text).read();
}

class Reader {
  readonly #text: string;
  readonly #duplicates: DuplicateKey[] = [];
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): JsonText {
    this.#skip();
    if (this.#at >= this.#text.length) throw new JsonSyntaxError("the file is empty", 0);
    const root = this.#value();
    this.#skip();
    if (this.#at < this.#text.length) throw this.#unexpected("the end of the file");
    return { root, duplicates: this.#duplicates };
  }

  #value(): JsonNode {
    const start = this.#at;
    switch (this.#text[start]) {
      case "{":
        return this.#object();
      case "[":
        return this.#array();
      case '"':
        return { kind: "string", value: this.#string(), start, end: this.#at };
      default:
        return this.#scalar();
    }
  }

  #object(): JsonNode {
    const start = this.#enter();
    const members = new Map<string, JsonMember>();
    while (this.#text[this.#at] !== "}") {
      if (this.#text[this.#at] !== '"') throw this.#unexpected('a key in double quotes or "}"', start);
      const keyStart = this.#at;
      const key = this.#string();
      const keyEnd = this.#at;
      this.#skip();
      if (this.#text[this.#at] !== ":") throw this.#unexpected('":" after the key', start);
      this.#at++;
      this.#skip();
      const value = this.#value();
      const first = members.get(key);
      if (first === undefined) members.set(key, { key, value, start: keyStart, end: keyEnd });
      else this.#duplicates.push({ key, first, again: { start: keyStart, end: keyEnd } });
      this.#separator("}", start);
    }
    this.#leave();
    return { kind: "object", members, start, end: this.#at };
  }

  #array(): JsonNode {
    const start = this.#enter();
    const items: JsonNode[] = [];
    while (this.#text[this.#at] !== "]") {
      items.push(this.#value());
      this.#separator("]", start);
    }
    this.#leave();
    return { kind: "array", items, start, end: this.#at };
  }

  #enter(): number {
    if (++this.#depth > maxDepth)
      throw new JsonSyntaxError(`nested more than ${maxDepth} levels deep`, this.#at);
    const start = this.#at++;
    this.#skip();
    return start;
  }

  #leave(): void {
    this.#depth--;
    this.#at++;
  }

  #separator(end: "}" | "]", opened: number): void {
    const valueEnd = this.#at;
    this.#skip();
    if (this.#text[this.#at] === ",") {
      this.#at++;
      this.#skip();
    } else if (this.#text[this.#at] !== end) {
      // The next entry stands there: the comma belongs behind the last one, often a line before.
      if (/["[{\w-]/.test(this.#text[this.#at] ?? ""))
        throw new JsonSyntaxError('missing "," after this value', valueEnd - 1);
      throw this.#unexpected(`"," or "${end}"`, opened);
    }
  }

  #string(): string {
    const start = this.#at;
    plainString.lastIndex = start;
    if (plainString.test(this.#text)) {
      this.#at = plainString.lastIndex;
      return this.#text.slice(start + 1, this.#at - 1);
    }
    let at = start + 1;
    let escaped = false;
    for (; ; at++) {
      const code = this.#text.charCodeAt(at);
      if (code === 0x22) break;
      if (Number.isNaN(code) || code === 0x0a || code === 0x0d)
        throw new JsonSyntaxError("unterminated string", start);
      if (code < 0x20)
        throw new JsonSyntaxError("control character in a string", at, "write it as \\t or \\u0007");
      if (code === 0x5c) {
        escaped = true;
        at++;
      }
    }
    this.#at = at + 1;
    if (!escaped) return this.#text.slice(start + 1, at);
    try {
      return JSON.parse(this.#text.slice(start, at + 1)) as string;
    } catch {
      throw new JsonSyntaxError("invalid escape sequence in a string", start, 'write a backslash as "\\\\"');
    }
  }

  #scalar(): JsonNode {
    const start = this.#at;
    plainWord.lastIndex = start;
    const word = plainWord.exec(this.#text)?.[0] ?? "";
    const end = start + word.length;
    this.#at = end;
    if (word === "true" || word === "false") return { kind: "boolean", value: word === "true", start, end };
    if (word === "null") return { kind: "null", start, end };
    if (/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(word))
      return { kind: "number", value: Number(word), start, end };
    this.#at = start;
    throw this.#unexpected("a value");
  }

  #skip(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) this.#at++;
      else if (code === 0x2f) this.#comment();
      else return;
    }
  }

  #comment(): void {
    const start = this.#at;
    if (this.#text[start + 1] === "/") {
      const end = this.#text.indexOf("\n", start);
      this.#at = end < 0 ? this.#text.length : end;
    } else if (this.#text[start + 1] === "*") {
      const end = this.#text.indexOf("*/", start + 2);
      if (end < 0) throw new JsonSyntaxError("unterminated comment", start);
      this.#at = end + 2;
    } else {
      throw this.#unexpected("a comment or a value");
    }
  }

  #unexpected(wanted: string, opened?: number): JsonSyntaxError {
    if (this.#at < this.#text.length) {
      const found = /^[\w.+-]{1,20}|^./su.exec(this.#text.slice(this.#at, this.#at + 40))?.[0] ?? "";
      // A word in place of a value may be a secret without quotes.
      const isWord = found.length > 1 && !wanted.startsWith("a key");
      const words = isWord ? "text without quotes" : JSON.stringify(found);
      const hint = /^[“”„‟«»‘’']/.test(found) ? 'use straight double quotes: "…"' : undefined;
      return new JsonSyntaxError(`expected ${wanted}, got ${words}`, this.#at, hint);
    }
    const line = this.#text.slice(0, opened).split("\n").length;
    const bracket = opened === undefined ? "" : `; the bracket on line ${line} is not closed`;
    return new JsonSyntaxError(`unexpected end of file: expected ${wanted}${bracket}`, this.#text.length);
  }
}
