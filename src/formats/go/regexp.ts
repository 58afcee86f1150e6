/**
 * The syntax of Go's regular expressions (regexp/syntax of Go 1.22, with Perl's extensions): no look-around, no back
 * references, no repetition above a thousand. Pure; nothing is matched.
 */

/** Whether a part may stand within a repetition of `times`: Go allows a thousand in all. */
type Repeatable = (times: number) => boolean;

const once: Repeatable = () => true;

/** Go's limits. */
const most = { repetition: 1000, depth: 1000 } as const;

class SyntaxFault extends Error {}

/** Why regexp.Compile refuses an expression; undefined when it takes it. */
export function regexpFault(expression: string): string | undefined {
  try {
    new Parser(expression).all();
    return undefined;
  } catch (error) {
    if (error instanceof SyntaxFault) return error.message;
    throw error;
  }
}

class Parser {
  readonly #text: string;
  readonly #groups = new Set<string>();
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  all(): void {
    this.#alternatives(0);
    if (this.#at < this.#text.length) throw new SyntaxFault("unexpected )");
  }

  /** Up to the end or a closing parenthesis. */
  #alternatives(depth: number): Repeatable {
    if (depth > most.depth) throw new SyntaxFault("expression nests too deeply");
    const parts: Repeatable[] = [];
    /** The part that a repetition would apply to, and the repetition that ends here. */
    let last: Repeatable | undefined;
    let repeated = "";
    while (this.#at < this.#text.length && this.#peek() !== ")") {
      const repetition = this.#repetition();
      if (repetition !== undefined) {
        if (repeated !== "")
          throw new SyntaxFault(`invalid nested repetition operator: \`${repeated}${repetition.text}\``);
        if (last === undefined)
          throw new SyntaxFault(`missing argument to repetition operator: \`${repetition.text}\``);
        last = repetitionOf(last, repetition);
        parts[parts.length - 1] = last;
        repeated = repetition.text;
        continue;
      }
      repeated = "";
      const part = this.#part(depth);
      if (part === undefined) continue;
      last = part === "or" ? undefined : part;
      if (last !== undefined) parts.push(last);
    }
    return (times) => parts.every((part) => part(times));
  }

  /** One part; undefined for what is none, as flags, and leaves the part before it to a repetition. */
  #part(depth: number): Repeatable | "or" | undefined {
    switch (this.#peek()) {
      case "|":
        this.#at += 1;
        return "or";
      case "(":
        return this.#group(depth);
      case "[":
        this.#class();
        return once;
      case "\\":
        return this.#backslash();
      default:
        this.#character();
        return once;
    }
  }

  #group(depth: number): Repeatable | undefined {
    this.#at += 1;
    if (this.#peek() === "?" && this.#perlGroup() === "flags") return undefined;
    const inner = this.#alternatives(depth + 1);
    if (this.#peek() !== ")") throw new SyntaxFault(`missing closing ): \`${this.#text}\``);
    this.#at += 1;
    return inner;
  }

  /** What begins with "(?": a named group, flags for a group, or flags alone. */
  #perlGroup(): "group" | "flags" {
    const rest = this.#text.slice(this.#at - 1);
    if (/^\(\?P?</.test(rest)) {
      const [whole, name] = /^\(\?P?<(\w+)>/.exec(rest) ?? [];
      if (whole === undefined || name === undefined)
        throw new SyntaxFault(`invalid named capture: \`${/^[^>]*>?/.exec(rest)?.[0]}\``);
      if (this.#groups.has(name)) throw new SyntaxFault(`duplicate capture group name: \`${name}\``);
      this.#groups.add(name);
      this.#at += whole.length - 1;
      return "group";
    }
    const [flags] = /^\(\?(?:[imsU]*(?:-[imsU]+)?)[:)]/.exec(rest) ?? [];
    if (flags === undefined)
      throw new SyntaxFault(`invalid or unsupported Perl syntax: \`${/^\(\?[imsU-]*.?/s.exec(rest)?.[0]}\``);
    this.#at += flags.length - 1;
    return flags.endsWith(":") ? "group" : "flags";
  }

  /** "*", "+?", "{2,5}" …; a brace that begins no repetition is a character. */
  #repetition(): Repetition | undefined {
    repetition.lastIndex = this.#at;
    const [text, from, comma, to] = repetition.exec(this.#text) ?? [];
    if (text === undefined) return undefined;
    this.#at += text.length;
    if (from === undefined) return { text, times: 1 };
    const [least, greatest] = [Number(from), to ? Number(to) : undefined];
    if (Math.max(least, greatest ?? 0) > most.repetition || (greatest !== undefined && least > greatest))
      throw new SyntaxFault(`invalid repeat count: \`${text}\``);
    return { text, times: comma === undefined ? least : (greatest ?? least) };
  }

  #backslash(): Repeatable | undefined {
    const [quoted, literal] = /^\\Q(.*?)(?:\\E|$)/s.exec(this.#text.slice(this.#at)) ?? [];
    if (quoted !== undefined) {
      this.#at += quoted.length;
      return literal === "" ? undefined : once;
    }
    if (/^\\[ABbz]/.test(this.#text.slice(this.#at, this.#at + 2))) this.#at += 2;
    else if (!this.#classEscape()) this.#escape();
    return once;
  }

  #class(): void {
    const begin = this.#at;
    this.#at += this.#text.startsWith("[^", begin) ? 2 : 1;
    for (let first = true; first || this.#peek() !== "]"; first = false) {
      const [named, name] = /^\[:(.*?):\]/s.exec(this.#text.slice(this.#at)) ?? [];
      if (named !== undefined) {
        if (!posixClasses.test(name ?? ""))
          throw new SyntaxFault(`invalid character class range: \`${named}\``);
        this.#at += named.length;
        continue;
      }
      if (this.#classEscape()) continue;
      const from = this.#at;
      const low = this.#classCharacter(begin);
      if (this.#peek() !== "-" || this.#at + 1 >= this.#text.length || this.#text[this.#at + 1] === "]")
        continue;
      this.#at += 1;
      if (this.#classCharacter(begin) < low)
        throw new SyntaxFault(`invalid character class range: \`${this.#text.slice(from, this.#at)}\``);
    }
    this.#at += 1;
  }

  #classCharacter(begin: number): number {
    if (this.#at >= this.#text.length)
      throw new SyntaxFault(`missing closing ]: \`${this.#text.slice(begin)}\``);
    return this.#peek() === "\\" ? this.#escape() : this.#character();
  }

  /** `\d`, `\pL`, `\p{Greek}` …: whether one stood there. */
  #classEscape(): boolean {
    const rest = this.#text.slice(this.#at);
    const [perl] = /^\\[dDsSwW]/.exec(rest) ?? [];
    const [unicode, letter, name = letter] = /^\\[pP](?:\{\^?([^}]*)\}|(.?))/su.exec(rest) ?? [];
    if (unicode !== undefined && !isUnicodeClass(name ?? ""))
      throw new SyntaxFault(`invalid character class range: \`${unicode}\``);
    this.#at += (perl ?? unicode ?? "").length;
    return perl !== undefined || unicode !== undefined;
  }

  /** The character that an escape stands for. */
  #escape(): number {
    const rest = this.#text.slice(this.#at);
    if (rest === "\\") throw new SyntaxFault("trailing backslash at end of expression");
    const [text] = escapes.exec(rest) ?? [];
    const code = text === undefined ? Number.NaN : codeOf(text.slice(1));
    if (text === undefined || code > 0x10ffff)
      throw new SyntaxFault(`invalid escape sequence: \`${/^\\.?/su.exec(rest)?.[0]}\``);
    this.#at += text.length;
    return code;
  }

  #character(): number {
    const code = this.#text.codePointAt(this.#at) ?? 0;
    this.#at += code > 0xffff ? 2 : 1;
    return code;
  }

  #peek(): string {
    return this.#text[this.#at] ?? "";
  }
}

interface Repetition {
  readonly text: string;
  /** How often the part may stand there at most, or at least where there is no limit. */
  readonly times: number;
}

function repetitionOf(part: Repeatable, { text, times }: Repetition): Repeatable {
  const repeated: Repeatable = (within) =>
    times === 0 || (times <= within && part(Math.floor(within / times)));
  if (times > 1 && !repeated(most.repetition)) throw new SyntaxFault(`invalid repeat count: \`${text}\``);
  return times > 1 ? repeated : part;
}

const number = "(?:0|[1-9]\\d*)";
const repetition = new RegExp(`(?:[*+?]|\\{(${number})(?:(,)(${number})?)?\\})\\??`, "y");

/** Octal and hexadecimal codes, control characters, and punctuation as it is. */
const escapes =
  /^\\(?:0[0-7]{0,2}|[1-7][0-7]{1,2}|x(?:[\da-fA-F]{2}|\{[\da-fA-F]+\})|[afnrtv]|[!-/:-@[-`{-~\s])/;

function codeOf(sequence: string): number {
  if (/^[0-7]/.test(sequence)) return Number.parseInt(sequence, 8);
  if (/^x./.test(sequence)) return Number.parseInt(sequence.replace(/[x{}]/g, ""), 16);
  const control = "abtnvfr".indexOf(sequence);
  return control < 1 && sequence !== "a" ? (sequence.codePointAt(0) ?? 0) : control + 7;
}

const posixClasses =
  /^\^?(?:alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit)$/;

const categories = /^(?:C[cfos]?|L[lmotu]?|M[cen]?|N[dlo]?|P[cdefios]?|S[ckmo]?|Z[lps]?|Any)$/;

/** Scripts have their long names; these are the short ones among them. */
const shortScripts = /^(?:Ahom|Cham|Han|Kawi|Lao|Lisu|Miao|Modi|Mro|Newa|Nko|Thai|Toto|Vai|Yi)$/;

function isUnicodeClass(name: string): boolean {
  if (categories.test(name)) return true;
  if (!/^[A-Z][a-z]+(?:_[A-Z][a-z]+)*$/.test(name) || (name.length < 5 && !shortScripts.test(name)))
    return false;
  try {
    return new RegExp(`\\p{Script=${name}}`, "u") !== undefined;
  } catch {
    return false;
  }
}
