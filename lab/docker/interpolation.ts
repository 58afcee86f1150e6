/** Compose's variables in values: `$X`, `${X}`, `${X:-default}`, `${X:?error}`, `${X:+other}` and `$$`, nested. Pure. */

export type Variables = Readonly<Record<string, string>>;

export interface Interpolation {
  readonly text: string;
  /** Variables without a value, replaced by nothing. */
  readonly unset: readonly string[];
}

/**
 * Fills variables into a value.
 * @throws Error with the words of Compose for an invalid expression and for a missing variable of `${X:?…}`
 */
export function interpolate(template: string, variables: Variables): Interpolation {
  const unset: string[] = [];
  const known = (name: string): string | undefined =>
    Object.hasOwn(variables, name) ? variables[name] : undefined;
  const value = (name: string): string => {
    const found = known(name);
    if (found === undefined) unset.push(name);
    return found ?? "";
  };
  const expand = (text: string): string => {
    let out = "";
    for (let at = 0; at < text.length; ) {
      const rest = text.slice(at);
      const plain = /^\$([A-Za-z_]\w*)/.exec(rest);
      if (rest.startsWith("$$")) {
        out += "$";
        at += 2;
      } else if (plain !== null) {
        out += value(plain[1] ?? "");
        at += plain[0].length;
      } else if (rest.startsWith("${")) {
        const end = closing(rest);
        if (end < 0) throw invalid(template);
        out += braced(rest.slice(2, end));
        at += end + 1;
      } else if (rest.startsWith("$")) {
        throw invalid(template);
      } else {
        out += rest.charAt(0);
        at += 1;
      }
    }
    return out;
  };
  const braced = (inside: string): string => {
    const [, name = "", colon = "", operator = "", operand = ""] =
      /^([A-Za-z_]\w*)(?:(:?)([-?+])([\s\S]*))?$/.exec(inside) ?? [];
    if (name === "") throw invalid(template);
    const found = known(name);
    const isSet = found !== undefined && !(colon === ":" && found === "");
    if (operator === "") return value(name);
    if (operator === "+") return isSet ? expand(operand) : "";
    if (isSet) return found;
    if (operator === "-") return expand(operand);
    const words = expand(operand);
    throw new Error(`required variable ${name} is missing a value${words === "" ? "" : `: ${words}`}`);
  };
  return { text: expand(template), unset };
}

/** Where the brace opened at 1 closes. */
function closing(text: string): number {
  let depth = 0;
  for (let at = 1; at < text.length; at += 1) {
    if (text.charAt(at) === "{") depth += 1;
    if (text.charAt(at) === "}") depth -= 1;
    if (depth === 0) return at;
  }
  return -1;
}

function invalid(template: string): Error {
  return new Error(
    `invalid interpolation format for "${template}". You may need to escape any $ with another $`,
  );
}

/**
 * Reads an environment file: NAME=value lines. Quotes around a value are removed; `'…'` is literal; ` #` begins a comment;
 * variables are filled in (compose-go v2 dotenv).
 * @throws Error with the words of Compose
 */
export function parseEnvFile(text: string, variables: Variables): Variables {
  const found: Record<string, string> = {};
  let rest = text.replaceAll("\r\n", "\n");
  for (;;) {
    rest = rest.replace(/^(?:\s|#[^\n]*)+/, "");
    if (rest === "") return found;
    const line = rest.split("\n", 1)[0]?.trim() ?? "";
    const [head = "", name = ""] = /^(?:export[ \t]+)?([^=\s]*)[ \t]*=[ \t]*/.exec(rest) ?? [];
    if (name === "") throw new Error(`unexpected character in variable name near ${JSON.stringify(line)}`);
    rest = rest.slice(head.length);
    // A quoted value may have several lines.
    const [raw = ""] = quoted.exec(rest) ?? /^[^\n]*/.exec(rest) ?? [];
    found[name] = envValue(raw, { ...found, ...variables });
    rest = rest.slice(raw.length).replace(/^[^\n]*/, "");
  }
}

/** A value between quotes; a quote after a backslash does not end it. */
const quoted = /^(["'])(?:(?!\1)[^\\]|\\[\s\S])*\1/;

function envValue(raw: string, variables: Variables): string {
  const quote = raw.charAt(0);
  if (quote !== "'" && quote !== '"') return interpolate(raw.replace(/\s+#.*$/, "").trim(), variables).text;
  if (!quoted.test(raw)) throw new Error(`unterminated quoted value ${raw}`);
  const inside = raw.slice(1, -1);
  return quote === "'" ? inside.replaceAll("\\'", "'") : interpolate(unescaped(inside), variables).text;
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

/** Resolves escapes between double quotes (compose-go 2.4, dotenv). An escaped dollar sign stays escaped for `interpolate`. */
function unescaped(text: string): string {
  return text.replace(/\\(?:0(\d{0,3})|([abfnrtv$"\\]))/g, (_, octal?: string, sign = "") => {
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(`0${octal}`, 8) & 0xff);
    return sign === "$" ? "$$" : (controls[sign] ?? sign);
  });
}
