/** One call of phoenix, from its arguments to its exit code. Every error ends here as a message. */
import { type ExitCode, exitCodes, InterruptedError, SiteError } from "../errors.ts";
import { option } from "../option-names.ts";
import { commands } from "./commands.ts";
import type { Interruption } from "./interruption.ts";
import { type GlobalOptions, parseOptions } from "./options.ts";
import { type Edge, openTerminal, type Terminal } from "./terminal.ts";
import { version } from "./version.ts";

/** @param argv without the program's name */
export async function runCommandLine(
  argv: readonly string[],
  edge: Edge,
  interruption: Interruption,
): Promise<ExitCode> {
  if (argv[0] === "__complete") return printCandidates(argv.slice(2), edge);
  const terminal = openTerminal(edge);
  const look = guessLook(argv);
  try {
    const { parse } = await import("./parser.ts");
    const parsed = parse(argv, commands);
    switch (parsed.kind) {
      case "version":
        terminal.stdout.write(`phoenix ${version}\n`);
        return exitCodes.converged;
      case "help":
        // Help that was not asked for means that the command line was incomplete.
        (parsed.asked ? terminal.stdout : terminal.stderr).write(await parsed.text);
        return parsed.asked ? exitCodes.converged : exitCodes.usage;
      case "call": {
        const { definition, args, found } = parsed;
        const options = parseOptions(found, edge.env, edge.directory);
        if (options.jsonInto !== undefined) {
          // Refused before a run that takes minutes, not after it.
          const { refuseUnwritable } = await import("./json-file.ts");
          await refuseUnwritable(options.jsonInto);
        }
        Object.assign(look, options);
        return await definition.run({ definition, args, options, own: found, terminal, interruption });
      }
    }
  } catch (error) {
    return reportEnd(error, terminal, look, interruption);
  }
}

type Look = Pick<GlobalOptions, "output" | "color" | "full" | "jsonInto">;

/** How to show an error before the options are read: guessed from the words. */
function guessLook(argv: readonly string[]): Look {
  const has = (name: string, value: string): boolean =>
    argv.some((word, at) => word === `${name}=${value}` || (word === value && argv[at - 1] === name));
  return {
    output: has(option.output, "json") ? "json" : has(option.output, "ndjson") ? "ndjson" : "text",
    color: has(option.color, "never") ? "never" : has(option.color, "always") ? "always" : "auto",
    full: false,
  };
}

async function reportEnd(
  error: unknown,
  terminal: Terminal,
  look: Look,
  interruption: Interruption,
): Promise<ExitCode> {
  const { report } = await import("./report.ts");
  return report(endOf(error, interruption), terminal, look);
}

/** An interrupted run ends with the reason of the interruption, not with the step that it cut off. */
function endOf(error: unknown, { reason, waitedFor }: Interruption): unknown {
  if (!(error instanceof InterruptedError) || reason === undefined) return error;
  if (reason === "timeout")
    return new SiteError(`the time given by ${option.timeout} is up${waitedFor}`, {
      hint: `allow more time with ${option.timeout}`,
    });
  return new InterruptedError("interrupted: nothing was changed", { hint: "run the same command again" });
}

async function printCandidates(
  words: readonly string[],
  { stdout, env, directory }: Edge,
): Promise<ExitCode> {
  const { complete } = await import("./complete.ts");
  const candidates = await complete(words, commands, { env, directory });
  if (candidates.length > 0) stdout.write(`${candidates.join("\n")}\n`);
  return exitCodes.converged;
}
