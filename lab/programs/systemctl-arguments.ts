/** The arguments of systemctl. */

/** Options that take their value from the next word. */
const valued = [
  "-p",
  "--property",
  "-s",
  "--signal",
  "--kill-whom",
  "--kill-who",
  "-t",
  "--type",
  "-n",
  "--lines",
  "-o",
];

export interface SystemctlArguments {
  readonly verb: string;
  readonly units: readonly string[];
  readonly flags: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, readonly string[]>;
}

export function systemctlArguments(args: readonly string[]): SystemctlArguments {
  const flags = new Set<string>();
  const values = new Map<string, string[]>();
  const words: string[] = [];
  const add = (name: string, value: string): void => {
    values.set(name, [...(values.get(name) ?? []), value]);
  };
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? "";
    if (!arg.startsWith("-")) words.push(arg);
    else if (valued.includes(arg)) {
      at += 1;
      add(arg, args[at] ?? "");
    } else if (/^--\w[\w-]*=/.test(arg)) add(arg.slice(0, arg.indexOf("=")), arg.slice(arg.indexOf("=") + 1));
    else if (/^-[ps]./.test(arg)) add(arg.slice(0, 2), arg.slice(2));
    else if (arg !== "--") flags.add(arg);
  }
  const [verb = "list-units", ...units] = words;
  return { verb, units, flags, values };
}
