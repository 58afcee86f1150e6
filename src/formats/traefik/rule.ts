/** Rules of Traefik v3 routers: their grammar, and the host names that they ask for. */

export interface ReadRule {
  /** Host names that the rule asks for by name, lower case, without a trailing dot; those behind "!" are not. */
  readonly hosts: readonly string[];
  /** Why Traefik would not take the rule, or would take it and never match. */
  readonly faults: readonly string[];
}

/** Arguments that each matcher takes, least and most (3.0.4 and 3.7.15). */
const matchers: Readonly<Record<string, readonly [number, number]>> = {
  Host: [1, 1],
  HostRegexp: [1, 1],
  Path: [1, 1],
  PathPrefix: [1, 1],
  PathRegexp: [1, 1],
  Method: [1, 1],
  Header: [2, 2],
  HeaderRegexp: [2, 2],
  Query: [1, 2],
  QueryRegexp: [1, 2],
  ClientIP: [1, 1],
};

/** What v2 had under another name. */
const formerly: Readonly<Record<string, string>> = {
  Headers: "Header",
  HeadersRegexp: "HeaderRegexp",
  HostHeader: "Host",
};

/** A host name as Traefik compares it: labels of letters, digits, - and _, no port, no scheme, no path. */
const hostName = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/;

class RuleFault extends Error {}

/** Reads a rule. Never throws. */
export function readRule(rule: string): ReadRule {
  const hosts: string[] = [];
  const faults: string[] = [];
  try {
    new RuleReader(tokensOf(rule), hosts, faults).all();
  } catch (error) {
    if (!(error instanceof RuleFault)) throw error;
    return { hosts: [], faults: [`the rule is not valid: ${error.message}`] };
  }
  return { hosts: [...new Set(hosts)], faults };
}

class RuleReader {
  readonly #tokens: readonly string[];
  readonly #hosts: string[];
  readonly #faults: string[];
  #at = 0;

  constructor(tokens: readonly string[], hosts: string[], faults: string[]) {
    this.#tokens = tokens;
    this.#hosts = hosts;
    this.#faults = faults;
  }

  all(): undefined {
    this.#either(false);
    if (this.#at < this.#tokens.length) throw new RuleFault(`unexpected ${this.#next()}`);
  }

  #next(): string {
    return this.#tokens[this.#at] ?? "";
  }

  #either(negated: boolean): undefined {
    this.#single(negated);
    while (this.#next() === "&&" || this.#next() === "||") {
      this.#at += 1;
      this.#single(negated);
    }
  }

  #single(negated: boolean): undefined {
    const token = this.#next();
    this.#at += 1;
    if (token === "!") return this.#single(!negated);
    if (token === "(") {
      this.#either(negated);
      return this.#expect(")");
    }
    if (!/^[A-Za-z]+$/.test(token)) throw new RuleFault(`unexpected ${token || "end"}`);
    this.#matcher(token, negated);
  }

  #matcher(written: string, negated: boolean): undefined {
    this.#expect("(");
    const values: string[] = [];
    while (this.#next() !== ")") {
      if (values.length > 0) this.#expect(",");
      values.push(literal(this.#next()));
      this.#at += 1;
    }
    this.#expect(")");
    const name = Object.keys(matchers).find((known) => spellings(known).includes(written));
    if (name === undefined) {
      const now = formerly[written];
      throw new RuleFault(`there is no ${written}()${now === undefined ? "" : `, it is ${now}() since v3`}`);
    }
    const [least, most] = matchers[name] ?? [1, 1];
    if (values.length < least || values.length > most) {
      const many = name === "Host" && values.length > 1;
      throw new RuleFault(
        `${name}() takes ${least === most ? least : `${least} or ${most}`}, not ${values.length}${many ? ": join several by ||" : ""}`,
      );
    }
    this.#judge(name, values[0] ?? "", negated);
  }

  #judge(name: string, value: string, negated: boolean): undefined {
    if (name === "Host") {
      const host = value.toLowerCase().replace(/\.$/, "");
      if (!hostName.test(host))
        this.#faults.push(
          `Host(\`${value}\`) can never match: it is no host name (no port, scheme, path or pattern)`,
        );
      else if (!negated) this.#hosts.push(host);
    }
    if ((name === "Path" || name === "PathPrefix") && !value.startsWith("/"))
      this.#faults.push(`${name}(\`${value}\`) must start with /`);
  }

  #expect(token: string): undefined {
    if (this.#next() !== token) throw new RuleFault(`expected ${token}, found ${this.#next() || "the end"}`);
    this.#at += 1;
  }
}

/** Exact, lower, UPPER and Title case count; nothing else does. */
function spellings(name: string): readonly string[] {
  return [name, name.toLowerCase(), name.toUpperCase(), name.charAt(0) + name.slice(1).toLowerCase()];
}

function tokensOf(rule: string): readonly string[] {
  const tokens: string[] = [];
  const pattern = /\s*(&&|\|\||[!(),]|[A-Za-z]+|`[^`]*`|"(?:[^"\\]|\\.)*")/y;
  const text = rule.trimEnd();
  while (pattern.lastIndex < text.length) {
    const from = pattern.lastIndex;
    const token = pattern.exec(text)?.[1];
    if (token === undefined) {
      const found = text.slice(from).trimStart().charAt(0);
      throw new RuleFault(`unexpected ${found}${found === "'" ? " (values stand in backticks)" : ""}`);
    }
    tokens.push(token);
  }
  if (tokens.length === 0) throw new RuleFault("it is empty");
  return tokens;
}

function literal(token: string): string {
  if (token.startsWith("`")) return token.slice(1, -1);
  if (token.startsWith('"')) return token.slice(1, -1).replace(/\\(.)/g, "$1");
  throw new RuleFault(`expected a value in backticks, found ${token || "the end"}`);
}
