/** The end of what a program printed, for a message. */

/** The last three lines that are not empty, on one line, at most 400 characters. */
export function lastLines(text: string): string {
  const lines = text.split("\n").map((line) => line.trim());
  return lines
    .filter((line) => line !== "")
    .slice(-3)
    .join("; ")
    .slice(-400);
}
