/** Where results go: standard output in the form that was asked for, and a file when one was named. */

import { describeHost } from "../fabric/guests.ts";
import type { Site } from "../model.ts";
import type { OutputDocument } from "../render/output-schemas.ts";
import { paintOf, type View } from "../render/view.ts";
import type { GlobalOptions } from "./options.ts";
import type { RawOutput, Terminal } from "./terminal.ts";
import { writeLines } from "./terminal.ts";

/** How things look on one of the outputs. */
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

/** no-color.org: NO_COLOR counts when it is not empty. An option on the command line outranks both variables. */
function isColored({ tty }: RawOutput, { env }: Terminal, color: GlobalOptions["color"]): boolean {
  if (color !== "auto") return color === "always";
  if ((env.NO_COLOR ?? "") !== "") return false;
  if ((env.FORCE_COLOR ?? "") !== "") return env.FORCE_COLOR !== "0";
  return tty && env.TERM !== "dumb";
}

/** Shows a result: the document where JSON was asked for, lines otherwise; the document also into the named file. */
export async function deliver(
  terminal: Terminal,
  options: GlobalOptions,
  document: () => OutputDocument,
  lines: (view: View) => readonly string[],
  site?: Site,
): Promise<void> {
  const { documentText } = await import("../render/json.ts");
  if (options.output === "text")
    writeLines(terminal.stdout, lines(viewOf(terminal.stdout, terminal, options, site)));
  else terminal.stdout.write(documentText(document(), options.output));
  if (options.jsonInto === undefined) return;
  const { replaceFile } = await import("./json-file.ts");
  await replaceFile(options.jsonInto, terminal.redact(documentText(document(), "json")));
}
