/** What a program printed, for a message. */

/** The last three lines that tell something, on one line, at most 400 characters, without colours. */
export function lastLines(text: string): string {
  return tellingLines(text).slice(-3).join("; ").slice(-400);
}

/**
 * Why a deployment failed, from what Compose printed: on one line, without colours, and without the progress that comes before
 * the cause. What stands before the first line of it ("failed to deploy a stack: ") stays.
 */
export function causeIn(text: string): string {
  const [, prefix = "", printed = ""] = /^(failed to [\w ]+: )?(.*)$/is.exec(text) ?? [];
  return prefix + [...new Set(tellingLines(printed))].join("; ");
}

/** Select Graphic Rendition, and the other sequences that begin with CSI (ECMA-48). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the sequences begin with one
const controls = /\u001b\[[\d;?]*[ -/]*[@-~]/g;

/** Compose's progress, as it prints it without a terminal (2.20 to 2.40): what is worked on, and how far it is. */
const progress =
  /^(?:\w+ )?[^\s:]+\s+(?:Creat|Start|Stopp|Remov|Recreat|Runn|Wait|Pull|Build)(?:e|ed|ing)$|^\S+\s+(?:Built|Healthy|Exited|Error|Skipped.*|Pulling fs layer|Verifying Checksum|Download(?:ing|ed)?.*|Download complete|Extracting.*|Pull complete|Already exists)$/;

const warning = /\blevel=(?:warning|info)\b/;

/** Not the progress and the warnings of Compose, unless there is nothing else. */
function tellingLines(text: string): readonly string[] {
  const lines = text
    .replaceAll(controls, "")
    .split(/\r\n|\r|\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const telling = lines.filter((line) => !progress.test(line) && !warning.test(line));
  return telling.length > 0 ? telling : lines;
}
