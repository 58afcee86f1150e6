/** Traefik's rules as matchers of requests (checked against 3.0.4 and 3.7.15): "&&", "||", "!", parentheses, the HTTP matchers. Pure. */
import { inRange } from "../address-range.ts";
import { compileRegexp, GoError, isAddressOrNetwork } from "./go.ts";

export interface MatchedRequest {
  /** The Host header. */
  readonly host: string;
  readonly method: string;
  /** With the query. */
  readonly uri: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly clientAddress: string;
}

export type Matcher = (request: MatchedRequest) => boolean;

/** A rule that Traefik does not take; its router is disabled. */
export class RuleError extends Error {}

/** @throws RuleError */
export function ruleMatcher(rule: string): Matcher {
  const tokens = tokenize(rule);
  let at = 0;
  const next = (): string => tokens[at] ?? "";
  const either = (): Matcher => {
    const parts = [both()];
    while (next() === "||") {
      at += 1;
      parts.push(both());
    }
    return (request) => parts.some((part) => part(request));
  };
  const both = (): Matcher => {
    const parts = [single()];
    while (next() === "&&") {
      at += 1;
      parts.push(single());
    }
    return (request) => parts.every((part) => part(request));
  };
  const single = (): Matcher => {
    const token = next();
    at += 1;
    if (token === "!") {
      const inner = single();
      return (request) => !inner(request);
    }
    if (token === "(") {
      const inner = either();
      if (next() !== ")") throw new RuleError("expected )");
      at += 1;
      return inner;
    }
    if (!/^[A-Za-z]+$/.test(token) || next() !== "(")
      throw new RuleError(`unexpected ${token || "end of the rule"}`);
    return call(token);
  };
  const call = (name: string): Matcher => {
    const values: string[] = [];
    do {
      at += 1;
      // Go allows a comma after the last argument.
      if (next() === ")") break;
      values.push(literal(next()));
      at += 1;
    } while (next() === ",");
    if (next() !== ")") throw new RuleError("missing ',' in argument list");
    at += 1;
    return matcherOf(name, values);
  };
  const matcher = either();
  if (at < tokens.length) throw new RuleError(`unexpected ${next()}`);
  return matcher;
}

/** Go's tokens, and the two kinds of its comments. */
const lexeme =
  /([ \t\r\n]+|\/\/.*|\/\*[\s\S]*?\*\/)|(&&|\|\||[!(),]|[A-Za-z]+|`[^`]*`|"(?:[^"\\\n]|\\(?:[abfnrtv\\"]|[0-7]{3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}))*")/y;

function tokenize(rule: string): readonly string[] {
  const tokens: string[] = [];
  let ended = false;
  for (let at = 0; at < rule.length; at = lexeme.lastIndex) {
    lexeme.lastIndex = at;
    const [, space, token] = lexeme.exec(rule) ?? [];
    // The grammar is Go's: a line that ends in an operand is a statement that ends there.
    if (space?.includes("\n")) ended ||= /[A-Za-z)`"]$/.test(tokens.at(-1) ?? "");
    if (space !== undefined) continue;
    if (token === undefined) throw new RuleError(`illegal character at ${at + 1}`);
    if (ended) throw new RuleError(`expected 'EOF', found ${token}`);
    tokens.push(token);
  }
  if (tokens.length === 0) throw new RuleError("expected operand, found 'EOF'");
  return tokens;
}

function literal(token: string): string {
  if (token.startsWith("`")) return token.slice(1, -1);
  if (!token.startsWith('"')) throw new RuleError(`expected operand, found ${token || "'EOF'"}`);
  return token
    .slice(1, -1)
    .replace(/\\(?:([xuU])([0-9a-fA-F]+)|([0-7]{3})|(.))/g, (_, __, hex, octal, sign) => {
      if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
      if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
      return { a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" }[sign as string] ?? sign;
    });
}

interface Kind {
  readonly least: number;
  readonly most: number;
  readonly make: (values: readonly string[]) => Matcher;
}

const kinds: Readonly<Record<string, Kind>> = {
  // A leading star stands for one label, from 3.7.0 on.
  Host: one((value) => {
    requireAscii(value);
    const wanted = hostOf(value);
    const below = wanted.startsWith("*.") ? wanted.slice(1) : undefined;
    return ({ host }) => {
      const name = hostOf(host.replace(/:\d+$/, ""));
      return below === undefined ? name === wanted : name.replace(/^[^.]+/, "") === below;
    };
  }),
  HostRegexp: one((value) => {
    requireAscii(value);
    const pattern = regexOf(value);
    return ({ host }) => pattern.test(hostOf(host.replace(/:\d+$/, "")));
  }),
  Path: one((value) => {
    const wanted = pathOf(value);
    return ({ uri }) => pathIn(uri) === wanted;
  }),
  PathPrefix: one((value) => {
    const wanted = pathOf(value);
    return ({ uri }) => pathIn(uri).startsWith(wanted);
  }),
  PathRegexp: one((value) => {
    const pattern = regexOf(value);
    return ({ uri }) => pattern.test(pathIn(uri));
  }),
  Method: one(
    (value) =>
      ({ method }) =>
        method === value.toUpperCase(),
  ),
  ClientIP: one((value) => {
    if (!isAddressOrNetwork(value)) throw new RuleError(`invalid CIDR address: ${value}`);
    return ({ clientAddress }) => inRange(clientAddress, value);
  }),
  Header: two(([name, value]) => {
    return ({ headers }) => headerIn(headers, name) === value;
  }),
  HeaderRegexp: two(([name, value]) => {
    const pattern = regexOf(value);
    return ({ headers }) => pattern.test(headerIn(headers, name) ?? "");
  }),
  Query: { least: 1, most: 2, make: ([name = "", value = ""]) => query(name, (each) => each === value) },
  QueryRegexp: {
    least: 1,
    most: 2,
    make: ([name = "", value]) => {
      const pattern = value === undefined ? /^$/ : regexOf(value);
      return query(name, (each) => pattern.test(each));
    },
  },
};

function matcherOf(name: string, values: readonly string[]): Matcher {
  // Exact, lower, UPPER and Title case count; nothing else does.
  const known = Object.keys(kinds).find((kind) =>
    [
      kind,
      kind.toLowerCase(),
      kind.toUpperCase(),
      `${kind.charAt(0)}${kind.slice(1).toLowerCase()}`,
    ].includes(name),
  );
  const kind = known === undefined ? undefined : kinds[known];
  if (kind === undefined) throw new RuleError(`unsupported function: ${name}`);
  if (values.length < kind.least || values.length > kind.most) {
    const expected = kind.least === kind.most ? [kind.least] : [kind.least, kind.most];
    throw new RuleError(
      `unexpected number of parameters; got ${values.length}, expected one of [${expected.join(" ")}]`,
    );
  }
  if (values.includes("")) throw new RuleError(`empty args for matcher ${name}, [${values.join(" ")}]`);
  return kind.make(values);
}

function query(name: string, matches: (value: string) => boolean): Matcher {
  return ({ uri }) => queryIn(uri).getAll(name).some(matches);
}

function requireAscii(value: string): void {
  if (/\P{ASCII}/u.test(value))
    throw new RuleError(`invalid value ${JSON.stringify(value)}, non-ASCII characters are not allowed`);
}

function one(make: (value: string) => Matcher): Kind {
  return { least: 1, most: 1, make: ([value = ""]) => make(value) };
}

function two(make: (values: readonly [string, string]) => Matcher): Kind {
  return { least: 2, most: 2, make: ([name = "", value = ""]) => make([name, value]) };
}

/** Go keeps the Host header apart from the others. */
function headerIn(headers: Readonly<Record<string, string>>, name: string): string | undefined {
  return name.toLowerCase() === "host" ? undefined : headers[name.toLowerCase()];
}

function hostOf(host: string): string {
  return host.toLowerCase().replace(/\.$/, "");
}

function pathOf(value: string): string {
  if (!value.startsWith("/")) throw new RuleError(`path ${JSON.stringify(value)} does not start with a '/'`);
  return value;
}

function pathIn(uri: string): string {
  return uri.split("?", 1)[0] ?? "/";
}

function queryIn(uri: string): URLSearchParams {
  return new URLSearchParams(uri.split(/\?(.*)/s)[1] ?? "");
}

function regexOf(value: string): { readonly test: (text: string) => boolean } {
  try {
    return compileRegexp(value);
  } catch (error) {
    if (!(error instanceof GoError)) throw error;
    throw new RuleError(error.message);
  }
}
