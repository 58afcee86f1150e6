/** Where results go: to standard output in the chosen format, and to the file of `--json-into`. */
import { describeHost } from "../fabric/guests.ts";
import type { Site } from "../model.ts";
import type { OutputDocument } from "../render/output-schemas.ts";
import { paintOf, type View } from "../render/view.ts";
import type { Call } from "./command.ts";
import type { GlobalOptions } from "./options.ts";
import { type RawOutput, type Terminal, writeLines } from "./terminal.ts";

/** What output needs of a call; without its command and interruption nothing is paged. */
type OutputCall = Pick<Call, "terminal" | "options"> & Partial<Pick<Call, "definition" | "interruption">>;

/** How text looks on one of the outputs. */
export function viewOf(
  output: RawOutput,
  terminal: Terminal,
  options: Pick<GlobalOptions, "color" | "full">,
  site?: Site,
): View {
  return {
    paint: paintOf(isColored(output, terminal, options.color)),
    width: output.tty ? (output.columns ?? 80) : Number.POSITIVE_INFINITY,
    hostName: (host) => (site === undefined ? host : describeHost(site, host)),
    full: options.full,
    redact: terminal.redact,
  };
}

/** no-color.org: NO_COLOR counts when it is not empty. The option outranks both variables. */
function isColored({ tty }: RawOutput, { env }: Terminal, color: GlobalOptions["color"]): boolean {
  if (color !== "auto") return color === "always";
  if ((env.NO_COLOR ?? "") !== "") return false;
  if ((env.FORCE_COLOR ?? "") !== "") return env.FORCE_COLOR !== "0";
  return tty && env.TERM !== "dumb";
}

/**
 * Shows a result: as a document or as lines, by `--output`; and writes the document to the file of `--json-into`. Both are made from
 * the facts after these were redacted.
 */
export async function deliver<Facts>(
  call: OutputCall,
  facts: Facts,
  document: (facts: Facts) => OutputDocument,
  lines: (facts: Facts, view: View) => readonly string[],
  site?: Site,
): Promise<void> {
  const { terminal, options } = call;
  const { documentText } = await import("../render/json.ts");
  const shown = terminal.redact(facts);
  if (options.output === "text")
    await show(call, lines(shown, viewOf(terminal.stdout, terminal, options, site)));
  else terminal.print(documentText(document(shown), options.output));
  if (options.jsonInto === undefined) return;
  const { replaceFile } = await import("./json-file.ts");
  await replaceFile(options.jsonInto, documentText(document(shown), "json"));
}

/** Writes text to standard output; of a command that is paged through the user's pager, where the terminal has fewer rows. */
async function show(
  { terminal, options, definition, interruption }: OutputCall,
  lines: readonly string[],
): Promise<void> {
  const { page, stdout, env } = terminal;
  if (page !== undefined && options.pager && definition?.isPaged === true && interruption !== undefined) {
    const { isLongerThan } = await import("./pager.ts");
    const text = `${lines.join("\n")}\n`;
    const isShown =
      isLongerThan(stdout, lines) &&
      (await interruption.withoutKeyboard(() => page(text, env, interruption.now)));
    if (isShown) return;
  }
  writeLines(stdout, lines);
}
