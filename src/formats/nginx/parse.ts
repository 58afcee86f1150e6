/** Nginx's configuration syntax: directives, quoted arguments, blocks, comments; without their meaning. */

export interface Directive {
  readonly name: string;
  readonly args: readonly string[];
  /** Present for a directive that ends in a block. */
  readonly block?: readonly Directive[];
  /** Counts from 1. */
  readonly line: number;
  /** Where its ";" or "}" stands. */
  readonly lastLine: number;
}

export class NginxSyntaxError extends Error {
  readonly line: number;

  constructor(message: string, line: number) {
    super(message);
    this.line = line;
  }
}

interface Token {
  readonly text: string;
  readonly line: number;
  readonly quoted: boolean;
}

/** @throws NginxSyntaxError */
export function parseNginx(text: string): readonly Directive[] {
  const tokens = tokenize(text);
  let at = 0;
  const block = (depth: number): readonly Directive[] => {
    const directives: Directive[] = [];
    for (;;) {
      const token = tokens[at];
      if (token === undefined) {
        if (depth > 0) throw new NginxSyntaxError('unexpected end of file, expecting "}"', lastLine(text));
        return directives;
      }
      if (!token.quoted && token.text === "}") {
        if (depth === 0) throw new NginxSyntaxError('unexpected "}"', token.line);
        at += 1;
        return directives;
      }
      directives.push(directive(depth));
    }
  };
  const directive = (depth: number): Directive => {
    const words: Token[] = [];
    for (;;) {
      const token = tokens[at];
      if (token === undefined)
        throw new NginxSyntaxError('unexpected end of file, expecting ";" or "}"', lastLine(text));
      at += 1;
      if (!token.quoted && (token.text === ";" || token.text === "{")) {
        const [first, ...rest] = words;
        if (first === undefined) throw new NginxSyntaxError(`unexpected "${token.text}"`, token.line);
        const args = rest.map((word) => word.text);
        const head = { name: first.text, args, line: first.line };
        if (token.text === ";") return { ...head, lastLine: token.line };
        const inner = block(depth + 1);
        return { ...head, block: inner, lastLine: tokens[at - 1]?.line ?? token.line };
      }
      if (!token.quoted && token.text === "}") {
        throw new NginxSyntaxError('unexpected "}"', token.line);
      }
      words.push(token);
    }
  };
  return block(0);
}

function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  const pattern =
    /(\n)|(\s)|(#[^\n]*)|"((?:[^"\\]|\\[\s\S])*)"|'((?:[^'\\]|\\[\s\S])*)'|([;{}])|((?:\\[\s\S]|\$\{[^}]*\}|[^\s;{}"'#\\])(?:\\[\s\S]|\$\{[^}]*\}|[^\s;{}\\])*)|(.)/g;
  let line = 1;
  for (const match of text.matchAll(pattern)) {
    const [whole, newline, , , double, single, punctuation, word, other] = match;
    const quoted = double ?? single;
    if (newline !== undefined) line += 1;
    else if (quoted !== undefined)
      tokens.push({ text: quoted.replace(/\\(.)/gs, unescaped), line, quoted: true });
    else if (punctuation !== undefined || word !== undefined)
      tokens.push({ text: whole, line, quoted: false });
    else if (other !== undefined) throw new NginxSyntaxError(`unexpected ${JSON.stringify(other)}`, line);
    if (newline === undefined) line += whole.split("\n").length - 1;
  }
  return tokens;
}

function unescaped(_: string, char: string): string {
  if (char === "n") return "\n";
  if (char === "t") return "\t";
  return char === '"' || char === "'" || char === "\\" || char === "$" ? char : `\\${char}`;
}

function lastLine(text: string): number {
  return text.split("\n").length;
}
