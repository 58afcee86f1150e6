/** Rules of Traefik v3 routers: their grammar, which is Go's for expressions, and the host names that they ask for. */
import { defined } from "../../defined.ts";
import type { Fault } from "../fault.ts";
import { regexpFault } from "../go/regexp.ts";
import { isNetwork } from "./values.ts";

export interface ReadRule {
  /** Host names that the rule asks for by name, lower case, without a trailing dot; those behind "!" are not. */
  readonly hosts: readonly string[];
  /** Why Traefik would refuse the rule, or accept it and never match. */
  readonly faults: readonly Fault[];
}

/** Matchers with the numbers of arguments that they take (3.0.4 and 3.7.15). */
const matchers = new Map(
  `Host:1 HostRegexp:1 Path:1 PathPrefix:1 PathRegexp:1 Method:1 Header:2 HeaderRegexp:2 Query:1,2 QueryRegexp:1,2
   ClientIP:1`
    .split(/\s+/)
    .map((word) => word.split(":") as [name: string, counts: string]),
);

/** Matchers of v2 by their names since v3. */
const renamed: Readonly<Record<string, string>> = {
  Headers: "Header",
  HeadersRegexp: "HeaderRegexp",
  HostHeader: "Host",
};

/** A host name as Traefik compares it: labels of letters, digits, - and _, no port, no scheme, no path. */
const hostName = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/;

/** Spaces and comments between tokens. */
const gap = /^(?:[ \t\r\n]|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*/;
/** Escapes between double quotes: for a character, or its code. */
const escapes = /\\([abfnrtv\\"]|x[\da-fA-F]{2}|u[\da-fA-F]{4}|U[\da-fA-F]{8}|[0-7]{3})/g;
const token = new RegExp(
  `^(?:&&|\\|\\||[!(),]|[A-Za-z_]\\w*|\`[^\`]*\`|"(?:[^"\\\\\\n]|${escapes.source})*")`,
);

/** "{name:regexp}" and "{name}", as in paths and hosts of v2: v3 takes the braces as they are. */
const formerPattern = /(?<!\\[pPx])\{[A-Za-z_]\w*(?::.*)?\}/;

/** Why a rule cannot be read. */
class RuleError extends Error {
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/** Reads a rule. Never throws. */
export function readRule(rule: string): ReadRule {
  try {
    const reader = new RuleReader(tokensOf(rule));
    reader.all();
    return { hosts: [...reader.hosts], faults: reader.faults };
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    return { hosts: [], faults: [defined({ message: `invalid rule: ${error.message}`, hint: error.hint })] };
  }
}

/** Brackets and negations; nobody writes more, and each level takes a part of the stack. */
const maxDepth = 200;

class RuleReader {
  readonly hosts = new Set<string>();
  readonly faults: Fault[] = [];
  readonly #tokens: readonly string[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  all(): void {
    this.#either(false);
    if (this.#at < this.#tokens.length) throw new RuleError(`unexpected ${this.#next()}`);
  }

  #next(): string {
    return this.#tokens[this.#at] ?? "the end";
  }

  #take(): string {
    const next = this.#next();
    this.#at += 1;
    return next;
  }

  #expect(wanted: string): void {
    const found = this.#take();
    if (found !== wanted) throw new RuleError(`expected ${wanted}, got ${found}`);
  }

  #either(negated: boolean): void {
    this.#single(negated);
    while (/^(?:&&|\|\|)$/.test(this.#next())) {
      this.#take();
      this.#single(negated);
    }
  }

  #single(negated: boolean): void {
    if (++this.#depth > maxDepth) throw new RuleError(`nested more than ${maxDepth} levels deep`);
    const first = this.#take();
    if (first === "!") this.#single(!negated);
    else if (first === "(") {
      this.#either(negated);
      this.#expect(")");
    } else if (/^\w+$/.test(first)) {
      const values = this.#arguments();
      const name = matcherNamed(first, values);
      // A regular expression comes last.
      if (/Regexp$/.test(name)) judgeRegexp(name, values);
      this.#judge(name, values[0] ?? "", negated);
    } else throw new RuleError(`unexpected ${first}`);
    this.#depth -= 1;
  }

  #arguments(): readonly string[] {
    const values: string[] = [];
    this.#expect("(");
    while (this.#next() !== ")") {
      values.push(literal(this.#take()));
      if (this.#next() !== ")") this.#expect(",");
    }
    this.#take();
    return values;
  }

  #judge(name: string, value: string, negated: boolean): void {
    if (/^(?:Host|Path)/.test(name) && formerPattern.test(value)) {
      const hint = `${name.replace(/(?:Prefix|Regexp)?$/, "Regexp")} takes a whole regular expression since Traefik v3`;
      this.faults.push({
        message: `${name}(\`${value}\`) can never match: it is a pattern of Traefik v2`,
        hint,
      });
      return;
    }
    if (name === "Host") {
      const host = value.toLowerCase().replace(/\.$/, "");
      if (!hostName.test(host))
        this.faults.push({
          message: `Host(\`${value}\`) can never match: it is not a valid host name`,
          hint: "write a name without port, scheme, path or pattern",
        });
      else if (!negated) this.hosts.add(host);
    }
    if (name === "HostRegexp" && /\P{ASCII}/u.test(value))
      throw new RuleError(`HostRegexp(\`${value}\`) must be in ASCII`);
    if ((name === "Path" || name === "PathPrefix") && !value.startsWith("/"))
      throw new RuleError(`${name}(\`${value}\`) must start with /`);
    if (name === "ClientIP" && !isNetwork(value))
      throw new RuleError(`ClientIP(\`${value}\`) is not a valid address or network`);
  }
}

/**
 * The matcher that is written so: in its own spelling, in lower case, in upper case or in title case.
 * @throws RuleError for an unknown one and for a wrong number of arguments
 */
function matcherNamed(written: string, values: readonly string[]): string {
  const name = [...matchers.keys()].find((known) =>
    [
      known,
      known.toLowerCase(),
      known.toUpperCase(),
      known.charAt(0) + known.slice(1).toLowerCase(),
    ].includes(written),
  );
  if (name === undefined) {
    const now = renamed[written];
    const hint = now === undefined ? undefined : `it is ${now}() since Traefik v3`;
    throw new RuleError(`unknown matcher ${written}()`, hint);
  }
  const counts = matchers.get(name)?.split(",") ?? [];
  if (!counts.includes(String(values.length))) {
    const hint = `join several by ||: ${name}(\`…\`) || ${name}(\`…\`)`;
    throw new RuleError(
      `${name}() needs ${counts.join(" or ")} argument${counts[0] === "1" ? "" : "s"}, not ${values.length}`,
      values.length > counts.length ? hint : undefined,
    );
  }
  if (values.includes("")) throw new RuleError(`${name}() has an empty argument`);
  return name;
}

function judgeRegexp(name: string, values: readonly string[]): void {
  const expression = values[1] ?? (name === "QueryRegexp" ? "" : (values[0] ?? ""));
  const fault = regexpFault(expression);
  if (fault !== undefined)
    throw new RuleError(`${name}(\`${expression}\`): ${fault}`, "Traefik takes Go's syntax (RE2)");
}

function tokensOf(rule: string): readonly string[] {
  const tokens: string[] = [];
  for (let rest = rule; ; ) {
    const [space = ""] = gap.exec(rest) ?? [];
    rest = rest.slice(space.length);
    if (rest === "") break;
    const [found] = token.exec(rest) ?? [];
    if (found === undefined) {
      // A value without quotes is a word up to its first dot.
      const isValue = rest.startsWith("'") || tokens.at(-1) === "(" || tokens.at(-2) === "(";
      const hint = isValue ? backticks : undefined;
      throw new RuleError(`unexpected ${rest.charAt(0)}`, hint);
    }
    // Go ends an expression at a line break behind an operand.
    if (space.includes("\n") && /[\w)`"]$/.test(tokens.at(-1) ?? ""))
      throw new RuleError(`a line begins with ${found}`, "break lines after an operator, not before it");
    tokens.push(found);
    rest = rest.slice(found.length);
  }
  if (tokens.length === 0) throw new RuleError("it is empty");
  return tokens;
}

/** The value of a token in backticks or double quotes. */
const backticks = "put values in backticks: Host(`app.example.net`)";

function literal(written: string): string {
  const value = written.slice(1, -1);
  if (written.startsWith("`")) return value;
  if (!written.startsWith('"'))
    throw new RuleError(`expected a value in backticks, got ${written}`, backticks);
  return value.replace(escapes, (whole, code: string) => {
    if (code === '"' || code === "\\") return code;
    const [, prefix, digits = ""] = /^([xuU]?)([\da-fA-F]{2,})$/.exec(code) ?? [];
    return digits === "" ? whole : String.fromCodePoint(Number.parseInt(digits, prefix === "" ? 8 : 16));
  });
}
