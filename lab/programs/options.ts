/** Command line options as coreutils read them. */

export interface Options {
  readonly flags: Set<string>;
  readonly values: Map<string, string>;
  readonly operands: readonly string[];
}

/** Short flags may be joined; those in `valued` take the rest of the word or the next one. Long ones take `=value`. */
export function optionsOf(args: readonly string[], valued: string): Options {
  const flags = new Set<string>();
  const values = new Map<string, string>();
  const operands: string[] = [];
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? "";
    if (arg === "--") {
      operands.push(...args.slice(at + 1));
      break;
    }
    if (!arg.startsWith("-") || arg === "-") operands.push(arg);
    else if (arg.startsWith("--")) {
      const [name = "", value] = arg.split("=", 2);
      if (value === undefined) flags.add(name);
      else values.set(name, value);
    } else {
      const index = [...arg].findIndex((flag, position) => position > 0 && valued.includes(flag));
      for (const flag of index < 0 ? arg.slice(1) : arg.slice(1, index)) flags.add(flag);
      if (index < 0) continue;
      const rest = arg.slice(index + 1);
      if (rest === "") at += 1;
      values.set(arg.charAt(index), rest === "" ? (args[at] ?? "") : rest);
    }
  }
  return { flags, values, operands };
}
