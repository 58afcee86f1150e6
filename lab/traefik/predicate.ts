/** Conditions of circuitBreaker and buffering: Go expressions of functions that are compared with literals. Pure. */
import { GoError } from "./go.ts";

/** What a function gives: a number to compare, text to compare, or a condition by itself. */
type Type = "int" | "float" | "text" | "condition";

interface Signature {
  readonly takes: readonly ("int" | "float")[];
  readonly gives: Type;
}

export type Vocabulary = Readonly<Record<string, Signature>>;

export const breakerFunctions: Vocabulary = {
  NetworkErrorRatio: { takes: [], gives: "float" },
  ResponseCodeRatio: { takes: ["int", "int", "int", "int"], gives: "float" },
  LatencyAtQuantileMS: { takes: ["float"], gives: "int" },
};

export const retryFunctions: Vocabulary = {
  IsNetworkError: { takes: [], gives: "condition" },
  Attempts: { takes: [], gives: "int" },
  ResponseCode: { takes: [], gives: "int" },
  RequestMethod: { takes: [], gives: "text" },
};

const lexeme =
  /(?:\s|\/\/.*|\/\*[\s\S]*?\*\/)*(?:(&&|\|\||[=!<>]=|[<>(),])|(\d+\.\d*(?:e[+-]?\d+)?|\.\d+|\d+e[+-]?\d+)|(\d+)|("(?:[^"\\]|\\.)*"|`[^`]*`)|([A-Za-z_]\w*))/y;

interface Token {
  readonly text: string;
  readonly kind: "sign" | "float" | "int" | "text" | "name" | "end";
}

/** @throws GoError */
export function checkCondition(text: string, vocabulary: Vocabulary): void {
  const tokens = tokensOf(text);
  let at = 0;
  const next = (): Token => tokens[at] ?? { text: "'EOF'", kind: "end" };
  const take = (wanted?: string): Token => {
    const token = next();
    if (wanted !== undefined && token.text !== wanted)
      throw new GoError(`expected '${wanted}', found ${token.text}`);
    at += 1;
    return token;
  };
  const joined = (): Type => {
    let type = comparison();
    while (next().text === "&&" || next().text === "||") {
      take();
      const other = comparison();
      if (type !== "condition" || other !== "condition")
        throw new GoError("expected predicate, got another value");
      type = "condition";
    }
    return type;
  };
  const comparison = (): Type => {
    const left = operand();
    if (!/^(?:[=!<>]=|[<>])$/.test(next().text)) return left.type;
    const sign = take().text;
    const right = operand();
    const comparable = left.isCall && !right.isCall && left.type === right.type && left.type !== "condition";
    if (!comparable) throw new GoError(`expected ${left.type}, got ${right.type}`);
    if (left.type === "text" && !/^[=!]=$/.test(sign)) throw new GoError("unsupported argument type");
    return "condition";
  };
  const operand = (): { readonly type: Type; readonly isCall: boolean } => {
    const token = take();
    if (token.text === "(") {
      const type = joined();
      take(")");
      return { type, isCall: true };
    }
    if (token.kind === "int" || token.kind === "float" || token.kind === "text")
      return { type: token.kind, isCall: false };
    if (token.kind !== "name") throw new GoError(`expected operand, found ${token.text}`);
    return { type: called(token.text, take, next, vocabulary), isCall: true };
  };
  const type = joined();
  if (next().kind !== "end") throw new GoError(`expected 'EOF', found ${next().text}`);
  if (type !== "condition") throw new GoError(`expected predicate, got ${type}`);
}

function called(
  name: string,
  take: (wanted?: string) => Token,
  next: () => Token,
  vocabulary: Vocabulary,
): Type {
  const signature = Object.hasOwn(vocabulary, name) ? vocabulary[name] : undefined;
  take("(");
  const given: Token["kind"][] = [];
  while (next().text !== ")") {
    given.push(take().kind);
    if (next().text !== ")") take(",");
  }
  take(")");
  if (signature === undefined) throw new GoError(`unsupported function: ${name}`);
  if (given.length !== signature.takes.length)
    throw new GoError(
      `reflect: Call with too ${given.length < signature.takes.length ? "few" : "many"} input arguments`,
    );
  signature.takes.forEach((type, index) => {
    if (given[index] !== type) throw new GoError(`reflect: Call using ${given[index]} as type ${type}`);
  });
  return signature.gives;
}

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  const kinds = ["sign", "float", "int", "text", "name"] as const;
  const end = text.replace(/(?:\s|\/\/.*|\/\*[\s\S]*?\*\/)+$/, "").length;
  for (let at = 0; at < end; at = lexeme.lastIndex) {
    lexeme.lastIndex = at;
    const found = lexeme.exec(text);
    const index = found?.slice(1).findIndex((part) => part !== undefined) ?? -1;
    const kind = kinds[index];
    if (kind === undefined) throw new GoError(`1:${at + 1}: illegal character`);
    const token = { text: found?.[index + 1] ?? "", kind };
    // The grammar is Go's: a line that ends in an operand is a statement that ends there.
    const isNextLine = text.slice(at, lexeme.lastIndex - token.text.length).includes("\n");
    if (isNextLine && /[\w)"`]$/.test(tokens.at(-1)?.text ?? ""))
      throw new GoError(`expected 'EOF', found ${token.text}`);
    tokens.push(token);
  }
  return tokens;
}
