/** Options in an argument list. Pure. */

/** The value of `--name value` or `--name=value`; "" for a flag without one; undefined when it is not there. */
export function optionOf(args: readonly string[], name: string): string | undefined {
  for (const [at, arg] of args.entries()) {
    if (arg.startsWith(`${name}=`)) return arg.slice(name.length + 1);
    if (arg !== name) continue;
    const next = args[at + 1];
    return next === undefined || next.startsWith("-") ? "" : next;
  }
  return undefined;
}

export interface ParsedOptions {
  /** Values by an option's first name, in order. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  readonly rest: readonly string[];
  readonly unknown?: string;
}

/**
 * Options as Docker's programs read them: `--name v`, `--name=v`, `-n v`, `-nv`, `-dit`.
 * @param known "name" or "name,n" takes a value, "name!" and "name,n!" takes none
 * @param interspersed whether options may follow arguments
 */
export function parseOptions(
  args: readonly string[],
  known: readonly string[],
  interspersed = true,
): ParsedOptions {
  const table = new Map<string, { readonly first: string; readonly flag: boolean }>();
  for (const entry of known) {
    const names = entry.replace(/!$/, "").split(",");
    for (const name of names) table.set(name, { first: names[0] ?? "", flag: entry.endsWith("!") });
  }
  const values = new Map<string, string[]>();
  const rest: string[] = [];
  const add = (first: string, value: string): void => {
    values.set(first, [...(values.get(first) ?? []), value]);
  };
  const queue = [...args];
  while (queue.length > 0) {
    const arg = queue.shift() ?? "";
    if (arg === "--") {
      rest.push(...queue.splice(0));
    } else if (!arg.startsWith("-") || arg === "-") {
      rest.push(arg);
      if (!interspersed) rest.push(...queue.splice(0));
    } else if (arg.startsWith("--")) {
      const [name = "", inline] = split(arg.slice(2));
      const option = table.get(name);
      if (option === undefined) return { values, rest, unknown: `unknown flag: --${name}` };
      add(option.first, inline ?? (option.flag ? "true" : (queue.shift() ?? "")));
    } else {
      const letter = arg.charAt(1);
      const option = table.get(letter);
      if (option === undefined)
        return { values, rest, unknown: `unknown shorthand flag: '${letter}' in ${arg}` };
      const more = arg.slice(2);
      if (!option.flag) add(option.first, more === "" ? (queue.shift() ?? "") : more.replace(/^=/, ""));
      else add(option.first, "true");
      if (option.flag && more !== "") queue.unshift(`-${more}`);
    }
  }
  return { values, rest };
}

function split(text: string): readonly [string, string?] {
  const at = text.indexOf("=");
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
