/** Numbers, times and text from outside, for people. */
import { escapeUnseen } from "../unseen.ts";

/** "1 resource", "2 resources", "0 entries" (with "entries" given). */
export function count(n: number, noun: string, plural = `${noun}s`): string {
  return `${n} ${n === 1 ? noun : plural}`;
}

/** A duration: "41 ms", "0.4 s", "8.3 s", "31 s", "2 min 5 s", "3 h 20 min". */
export function duration(ms: number): string {
  if (ms < 100) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A duration in its largest unit: "20 s", "3 min", "15 h", "12 days". */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} days`;
}

/** "a, b and c". */
export function list(words: readonly string[]): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

/** At most `most` of the words, and how many more there are: "a, b and 3 more". */
export function shortList(words: readonly string[], most: number): string {
  if (words.length <= most) return list(words);
  return `${words.slice(0, most).join(", ")} and ${words.length - most} more`;
}

/**
 * Text from outside (a log, an API, a file) made safe for a terminal: control characters and text-direction marks, which
 * could move the cursor, reorder or hide what is read, become visible escapes. Line ends and tabs stay.
 */
export function clean(text: string): string {
  return escapeUnseen(text.replaceAll("\r\n", "\n"));
}

/** The same on one line, for reasons and notes: line ends become spaces. */
export function flat(text: string): string {
  return clean(text)
    .trim()
    .replaceAll(/\s*\n\s*/g, " ")
    .replaceAll("\t", " ");
}

/** The same on one line, for values: line ends and tabs become visible escapes. */
export function oneLine(text: string): string {
  return clean(text).trimEnd().replaceAll("\n", "\\n").replaceAll("\t", "\\t");
}
