/**
 * Shell scripts as constants: the only text that Phoenix gives to a shell. Arguments and content never become part of it;
 * they travel as positional parameters and standard input.
 */

export interface Script {
  /** Names the script in traces; the embedded lab simulates scripts by this name. */
  readonly name: string;
  /** POSIX sh: it must run in dash and in busybox. */
  readonly body: string;
}

const marker = ": phoenix ";

/** The argv that runs a script with positional parameters $1, $2 … */
export function scriptArgv(script: Script, ...parameters: readonly string[]): readonly string[] {
  return ["sh", "-c", `${marker}${script.name}\n${script.body}`, "sh", ...parameters];
}

/** The name and parameters of a script's argv; undefined for any other command. */
export function scriptOf(
  argv: readonly string[],
): { name: string; parameters: readonly string[] } | undefined {
  const [shell, flag, text, , ...parameters] = argv;
  if (shell !== "sh" || flag !== "-c" || text === undefined || !text.startsWith(marker)) return undefined;
  return { name: text.slice(marker.length).split("\n", 1)[0] ?? "", parameters };
}
