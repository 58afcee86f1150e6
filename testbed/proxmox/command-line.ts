/** Arguments and complaints of Proxmox's command line tools (pve-common 9.2): CLIHandler and JSONSchema's get_options. */

/** A command that ends without having done what was asked: its text goes to standard error. */
export class Refusal extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 255) {
    super(message);
    this.exitCode = exitCode;
  }
}

export interface Syntax {
  /** "pct exec <vmid> [<extra-args>] [OPTIONS]" */
  readonly usage: string;
  /** Names of the operands; "vmid" must be a number. */
  readonly operands: readonly string[];
  readonly flags?: readonly string[];
  readonly values?: readonly string[];
  /** Whether a command of the guest follows; every option is known then and what follows is left alone. */
  readonly command?: true;
  /** Whether other options are configuration values, as with `set`. */
  readonly open?: true;
}

export interface Parsed {
  readonly operands: readonly string[];
  readonly options: ReadonlyMap<string, string>;
  readonly command: readonly string[];
}

/** `-x V`, `--x V`, `--x=V`; a flag may stand alone. The first "--" ends them and is taken away. @throws Refusal */
export function parse(args: readonly string[], syntax: Syntax): Parsed {
  const { usage, flags = [], values = [] } = syntax;
  const operands: string[] = [];
  const options = new Map<string, string>();
  const command: string[] = [];
  let ended = false;
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? "";
    if (ended || !arg.startsWith("-") || arg === "-") {
      if (operands.length < syntax.operands.length) operands.push(arg);
      else command.push(arg);
      continue;
    }
    if (arg === "--") {
      ended = true;
      continue;
    }
    const [name = "", value] = arg.replace(/^--?/, "").split(/=(.*)/s, 2);
    const next = args[at + 1];
    if (flags.includes(name)) {
      const separate = value === undefined && next !== undefined && /^[01]$/.test(next);
      options.set(name, value ?? (separate ? next : "1"));
      if (separate) at += 1;
    } else if (values.includes(name) || syntax.open) {
      options.set(name, value ?? next ?? "");
      if (value === undefined) at += 1;
    } else {
      throw new Refusal(`Unknown option: ${name}\n400 unable to parse option\n${usage}`);
    }
  }
  if (operands.length < syntax.operands.length) throw new Refusal(`400 not enough arguments\n${usage}`);
  if (command.length > 0 && !syntax.command) throw new Refusal(`400 too many arguments\n${usage}`);
  const id = operands[syntax.operands.indexOf("vmid")];
  if (id !== undefined && !/^\d+$/.test(id)) {
    throw new Refusal(
      `400 Parameter verification failed.\nvmid: type check ('integer') failed - got '${id}'\n${usage}`,
    );
  }
  return { operands, options, command: command.map(inLocale) };
}

/** The command that a word, or the beginning of one, means. @throws Refusal */
export function subcommand(program: string, word: string, known: readonly string[]): string {
  const fitting = known.includes(word)
    ? [word]
    : known.filter((each) => word !== "" && each.startsWith(word));
  const [only, second] = fitting;
  if (only !== undefined && second === undefined) return only;
  const reason = word === "" ? "no command specified" : `unknown command '${program} ${word}'`;
  throw new Refusal(`ERROR: ${reason}\nUSAGE: ${program} <COMMAND> [ARGS] [OPTIONS]`);
}

/** Arguments are decoded by the locale: in C each byte beyond ASCII becomes a replacement character. */
function inLocale(argument: string): string {
  const { LC_ALL, LC_CTYPE, LANG } = process.env;
  if (!/^(?:C|POSIX)?$/.test(LC_ALL || LC_CTYPE || LANG || "")) return argument;
  return Buffer.from(argument, "utf8")
    .toString("latin1")
    .replace(/[\x80-\xff]/g, "\uFFFD");
}
