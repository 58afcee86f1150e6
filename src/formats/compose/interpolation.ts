/** Compose's variables in values: `$X`, `${X}`, `${X:-default}`, `${X:?error}`, `${X:+other}` and `$$`, nested (compose-go 2.9). Pure. */
import type { FaultAt } from "../fault.ts";

/** What variables are filled in from: a `Map` is one. */
export type Variables = Pick<ReadonlyMap<string, string>, "get">;

export interface Interpolation {
  readonly text: string;
  /** Variables without a value, replaced by nothing. */
  readonly unset: readonly string[];
}

/** A text that Compose refuses. The message has Compose's words, which quote the text; `reason` does not. */
export class ComposeTextError extends Error {
  readonly reason: string;
  /** The variable that `${X:?…}` requires. */
  readonly variable: string | undefined;

  constructor(reason: string, details: string, variable?: string) {
    super(`${reason}${details}`);
    this.reason = reason;
    this.variable = variable;
  }
}

/** A value with its variables filled in; each fault's place is the variable it is about. */
export interface FilledValue {
  /** Absent when Compose refuses the value. */
  readonly text?: string;
  readonly faults: readonly FaultAt<string | undefined>[];
}

/** Defaults within defaults; nobody nests deeper. */
const deepest = 20;

/** Characters of a value once it is filled in; a container's environment is smaller. */
const longest = 1024 * 1024;

/** Fills variables into a value and reports those without a value. */
export function filledValue(template: string, variables: Variables): FilledValue {
  try {
    const { text, unset } = interpolate(template, variables);
    const faults = [...new Set(unset)].map((name) => ({
      message: `variable ${name} has no value`,
      place: name,
      hint: `give it one under "variables" in phoenix.json, or a default: \${${name}:-…}`,
    }));
    return { text, faults };
  } catch (error) {
    if (!(error instanceof ComposeTextError)) throw error;
    const { message, variable } = error;
    const hint =
      variable === undefined
        ? "a literal ${ is written $${"
        : `give ${variable} a value under "variables" in phoenix.json`;
    return { faults: [{ message, place: variable, hint }] };
  }
}

/**
 * Fills variables into a value. A dollar sign that begins no variable stays.
 * @throws ComposeTextError for an invalid expression in braces and for a missing variable of `${X:?…}`
 */
export function interpolate(template: string, variables: Variables): Interpolation {
  const unset: string[] = [];
  const value = (name: string): string => {
    const found = variables.get(name);
    if (found === undefined) unset.push(name);
    return found ?? "";
  };
  const braced = (inside: string, depth: number): string => {
    const [, name = "", colon = "", operator = "", operand = ""] =
      /^([A-Za-z_]\w*)(?:(:?)([-?+])(.*))?$/.exec(inside) ?? [];
    if (name === "") throw invalid(template);
    if (operator === "") return value(name);
    const found = variables.get(name);
    const isSet = found !== undefined && !(colon === ":" && found === "");
    // The operand is judged even where it is not used, but its variables need no value then.
    const before = unset.length;
    const other = expand(operand, depth + 1);
    if (isSet !== (operator === "+")) unset.length = before;
    if (operator === "+") return isSet ? other : "";
    if (isSet) return found;
    if (operator === "-") return other;
    const words = other === "" ? "" : `: ${other}`;
    throw new ComposeTextError(`required variable ${name} is missing a value`, words, name);
  };
  const expand = (text: string, depth: number): string => {
    if (depth > deepest) throw invalid(template);
    const closing = closingBraces(text);
    let out = "";
    for (let at = 0; at < text.length; ) {
      const dollar = text.indexOf("$", at);
      if (dollar < 0) return out + text.slice(at);
      out += text.slice(at, dollar);
      at = dollar + 1;
      const next = text[at];
      plain.lastIndex = at;
      const name = plain.exec(text)?.[0];
      if (next === "$") {
        out += "$";
        at += 1;
      } else if (name !== undefined) {
        out += value(name);
        at += name.length;
      } else if (next === "{") {
        const end = closing(at);
        if (end < 0) throw invalid(template);
        out += braced(text.slice(at + 1, end), depth);
        at = end + 1;
      } else {
        out += "$";
      }
      if (out.length > longest)
        throw new ComposeTextError("a value of more than 1 MiB with its variables", "");
    }
    return out;
  };
  return { text: expand(template, 0), unset };
}

const plain = /[A-Za-z_]\w*/y;

/**
 * Finds the brace that closes one. Compose looks up to the last closing brace of the line, and takes that one where the
 * braces before it do not match; a character behind an opening brace does not count.
 */
function closingBraces(text: string): (opening: number) => number {
  let lineEnd = -1;
  let last = -1;
  return (opening) => {
    if (opening > lineEnd) {
      const found = text.indexOf("\n", opening);
      lineEnd = found < 0 ? text.length : found;
      last = text.lastIndexOf("}", lineEnd);
    }
    if (last < opening) return -1;
    let depth = 0;
    for (let at = opening; at <= last; at += 1) {
      if (text[at] === "{") {
        depth += 1;
        at += 1;
      } else if (text[at] === "}" && --depth === 0) return at;
    }
    return last;
  };
}

function invalid(template: string): ComposeTextError {
  return new ComposeTextError(
    "invalid interpolation format",
    ` for "${template}". You may need to escape any $ with another $`,
  );
}
