/** `phoenix explain`: what a problem code means, and what to do about it. */
import { type ExitCode, exitCodes, UsageError } from "../errors.ts";
import { didYouMean } from "../formats/text/nearest.ts";
import { option } from "../option-names.ts";
import type { ProblemKind } from "../problem-codes/kind.ts";
import type { Call, CommandDefinition } from "./command.ts";
import { writeLines } from "./terminal.ts";

export const explainCommand: CommandDefinition = {
  name: "explain",
  arguments: "[code]",
  summary: "explain a problem code, as in error[PHX0401]",
  description: ["Without a code it lists all of them."],
  examples: [
    ["phoenix explain PHX0401", "what the code means, and what to do"],
    ["phoenix explain", "all codes"],
    [`phoenix explain ${option.output} json`, "all codes with their explanations, for an editor"],
  ],
  exits: [
    ["converged", "printed"],
    ["usage", "unknown code"],
  ],
  completes: async () => {
    const { problemCodes } = await import("../problem-codes/index.ts");
    return Object.entries(problemCodes).map(([code, { title }]) => `${code}\t${title}`);
  },
  run: runExplain,
};

async function runExplain({ args, options, terminal }: Call): Promise<ExitCode> {
  const [{ problemCodes }, { wrap }, { viewOf }] = await Promise.all([
    import("../problem-codes/index.ts"),
    import("../render/layout.ts"),
    import("./output.ts"),
  ]);
  const entries: readonly Entry[] = Object.entries(problemCodes).map(([code, kind]) => ({ code, ...kind }));
  const [written] = args;
  const wanted = written === undefined ? undefined : entryOf(written, entries);
  if (options.output !== "text") {
    terminal.stdout.write(`${JSON.stringify(wanted ?? entries, null, 2)}\n`);
    return exitCodes.converged;
  }
  const { paint, width } = viewOf(terminal.stdout, terminal, options);
  const lines =
    wanted === undefined
      ? entries.map((entry) => `${entry.code}  ${severityOf(entry).padEnd(16)}  ${entry.title}`)
      : [
          `${paint.bold(`${wanted.code}: ${wanted.title}`)} (${severityOf(wanted)})`,
          "",
          ...wrap(wanted.meaning, width),
          "",
          ...wrap(`What to do: ${wanted.fix}`, width),
        ];
  writeLines(terminal.stdout, lines);
  return exitCodes.converged;
}

type Entry = ProblemKind & { readonly code: string };

/** @throws UsageError with the nearest code */
function entryOf(written: string, entries: readonly Entry[]): Entry {
  const wanted = written.toUpperCase();
  const found = entries.find(({ code }) => code === wanted);
  if (found !== undefined) return found;
  const codes = entries.map(({ code }) => code);
  throw new UsageError(`unknown problem code "${written}"`, {
    hint: didYouMean(wanted, codes) ?? "`phoenix explain` lists all codes",
  });
}

function severityOf({ severity }: Entry): string {
  return severity === "both" ? "error or warning" : severity;
}
