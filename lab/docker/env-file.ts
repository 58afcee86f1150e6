/** Environment files as Compose reads them (compose-go's dotenv): `.env`, `--env-file` and `env_file`. Pure. */
import { ComposeError } from "./compose-errors.ts";
import { interpolate, type Variables, variableNamed } from "./interpolation.ts";

/** What of the rest of the file is a name, up to its separator or the line's end. */
const nameForm = /^(?:export[ \t]+)?([^=:\n]*)(?:([=:])[ \t]*)?/;

/**
 * Reads NAME=value and NAME:value lines. `'…'` is literal; in `"…"` escapes and variables are filled in, and without quotes
 * variables alone; ` #` begins a comment. A name alone takes its value from the variables around, and is left out when there is none.
 * @param file as messages call it
 * @throws ComposeError in the words of Compose 2.40
 */
export function parseEnvFile(text: string, variables: Variables, file: string): Variables {
  const found = new Map<string, string>();
  const source = text.replace(/^\ufeff/, "").replaceAll("\r\n", "\n");
  const refuse = (at: number, words: string): ComposeError =>
    new ComposeError(1, `failed to read ${file}: line ${source.slice(0, at).split("\n").length}: ${words}`);
  for (let at = nextEntry(source, 0); at < source.length; at = nextEntry(source, at)) {
    const [head = "", spaced = "", separator] = nameForm.exec(source.slice(at)) ?? [];
    const name = spaced.trim();
    const line = source.slice(at).split("\n", 1)[0] ?? "";
    if (/\s/.test(name)) throw refuse(at, "key cannot contain a space");
    const strange = /[^\w.\-[\]]/.exec(name)?.[0];
    if (strange !== undefined)
      throw refuse(
        at,
        `unexpected character ${JSON.stringify(strange)} in variable name ${JSON.stringify(line.trim())}`,
      );
    at += head.length;
    if (separator === undefined) {
      const inherited = variableNamed(variables, name);
      if (inherited !== undefined) found.set(name, inherited);
      continue;
    }
    const rest = source.slice(at);
    const [raw = ""] = quoted.exec(rest) ?? /^[^\n]*/.exec(rest) ?? [];
    if (/^["']/.test(raw) && !quoted.test(raw)) throw refuse(at, `unterminated quoted value ${raw}`);
    found.set(name, textOf(raw, { ...Object.fromEntries(found), ...variables }, file));
    at += raw.length;
    // What stands behind a closing quote does not count.
    at += /^[^\n]*/.exec(source.slice(at))?.[0].length ?? 0;
  }
  return Object.fromEntries(found);
}

/** Past blank lines and comments. */
function nextEntry(source: string, at: number): number {
  return at + (/^(?:\s|#[^\n]*)*/.exec(source.slice(at))?.[0].length ?? 0);
}

/** A value between quotes, over several lines if need be. A quote behind a backslash does not end it. */
const quoted = /^(["'])(?:(?!\1)[^\\]|\\[\s\S])*\1/;

function textOf(raw: string, variables: Variables, file: string): string {
  const fill = (text: string): string => {
    try {
      return interpolate(text, variables).text;
    } catch (error) {
      throw new ComposeError(
        1,
        `failed to read ${file}: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  };
  const inside = raw.slice(1, -1);
  if (raw.startsWith("'")) return inside.replaceAll("\\'", "'");
  if (raw.startsWith('"')) return fill(unescaped(inside));
  return fill(raw.replace(/\s+#.*$/, "").trim());
}

const controls = new Map(Object.entries({ a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" }));

/** Resolves escapes between double quotes. An escaped dollar sign stays escaped for `interpolate`. */
function unescaped(text: string): string {
  return text.replace(/\\(?:0(\d{0,3})|([abfnrtv$"\\]))/g, (_, octal?: string, sign = "") => {
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(`0${octal}`, 8) & 0xff);
    return sign === "$" ? "$$" : (controls.get(sign) ?? sign);
  });
}
