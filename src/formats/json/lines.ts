/** Which value each line of indented JSON belongs to. */

/**
 * The path of the value on each line of a text that `JSON.stringify` has indented: keys and indices from the outside. A bracket on a line
 * of its own belongs to its object or list. Of any other text, each line has the empty path.
 */
export function jsonPaths(text: string): readonly (readonly string[])[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  /** The steps to the value on the line before, and for each list on the way how many items it had so far. */
  const steps: string[] = [];
  const counts: number[] = [];
  const lists: boolean[] = [];
  return lines.map((line) => {
    const depth = (/^ */.exec(line)?.[0].length ?? 0) / 2;
    const content = line.trim();
    const closes = /^[}\]]/.test(content);
    steps.length = Math.min(steps.length, depth);
    if (closes || depth === 0) {
      if (depth === 0) lists[0] = content === "[";
      return [...steps];
    }
    counts.length = Math.min(counts.length, depth + 1);
    const key = /^("(?:[^"\\]|\\.)*"): /.exec(content)?.[1];
    if (lists[depth - 1] === true) {
      counts[depth] = (counts[depth] ?? -1) + 1;
      steps[depth - 1] = String(counts[depth]);
    } else steps[depth - 1] = key === undefined ? content : (JSON.parse(key) as string);
    lists[depth] = content.endsWith("[");
    return steps.slice(0, depth);
  });
}
