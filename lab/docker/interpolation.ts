/** Compose's variables in values: `$X`, `${X}`, `${X:-default}`, `${X:?error}`, `${X:+other}` and `$$`, nested. Pure. */

export type Variables = Readonly<Record<string, string>>;

export interface Interpolation {
  readonly text: string;
  /** Variables without a value, replaced by nothing. */
  readonly unset: readonly string[];
}

/** A braced expression that Compose cannot read. */
export class TemplateError extends Error {
  /** From the dollar sign on. */
  readonly expression: string;

  constructor(expression: string) {
    super(`Invalid template: ${JSON.stringify(expression)}`);
    this.expression = expression;
  }
}

/** `$$`, `$NAME`, or the beginning of a braced expression. Any other dollar sign is an ordinary character. */
const reference = /\$(?:(\$)|([A-Za-z_]\w*)|(\{))/;

/**
 * Fills variables into a value.
 * @throws TemplateError, or an Error that names a missing variable of `${X:?…}`
 */
export function interpolate(template: string, variables: Variables): Interpolation {
  const unset: string[] = [];
  const textOf = (name: string): string => {
    const value = variableNamed(variables, name);
    if (value === undefined) unset.push(name);
    return value ?? "";
  };
  const fill = (text: string): string => {
    const found = reference.exec(text);
    if (found === null) return text;
    const [whole, dollar, name, brace] = found;
    const before = text.slice(0, found.index);
    const after = text.slice(found.index + whole.length);
    if (brace === undefined) return `${before}${dollar ?? textOf(name ?? "")}${fill(after)}`;
    const length = lengthUntilClosed(after);
    if (length === undefined) throw new TemplateError(text.slice(found.index));
    return `${before}${expression(after.slice(0, length))}${fill(after.slice(length + 1))}`;
  };
  const expression = (inside: string): string => {
    const [, name, operator = "", operand = ""] =
      /^([A-Za-z_]\w*)(?:(:?[-?+])([\s\S]*))?$/.exec(inside) ?? [];
    if (name === undefined) throw new TemplateError(`\${${inside}}`);
    const value = variableNamed(variables, name);
    const there = operator.startsWith(":") ? value !== undefined && value !== "" : value !== undefined;
    switch (operator.at(-1)) {
      case "-":
        return there ? (value ?? "") : fill(operand);
      case "+":
        return there ? fill(operand) : "";
      case "?":
        if (there) return value ?? "";
        throw new Error(
          `required variable ${name} is missing a value${operand === "" ? "" : `: ${fill(operand)}`}`,
        );
      default:
        return textOf(name);
    }
  };
  return { text: fill(template), unset };
}

/** A variable's own value: names that every object has are none. */
export function variableNamed(variables: Variables, name: string): string | undefined {
  return Object.hasOwn(variables, name) ? variables[name] : undefined;
}

/** How much of the text stands before the brace that closes; undefined when none does. */
function lengthUntilClosed(text: string): number | undefined {
  let open = 1;
  for (const { 0: brace, index } of text.matchAll(/[{}]/g)) {
    open += brace === "{" ? 1 : -1;
    if (open === 0) return index;
  }
  return undefined;
}
