/** Characters that nobody sees or that change how others are seen: controls, text-direction marks, characters without width. */

/** Line ends and tabs are not among them. */
const unseen = /(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

/** The first of them in a text, or the first line end or tab, as "U+202E"; undefined when there is none. */
export function firstUnseen(text: string): string | undefined {
  const at = text.search(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u);
  if (at < 0) return undefined;
  return `U+${(text.codePointAt(at) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}

/** Each of them as an escape, as JSON and JavaScript write it. */
export function escapeUnseen(text: string): string {
  return text.replace(unseen, (characters) =>
    Array.from(
      { length: characters.length },
      (_, at) => `\\u${characters.charCodeAt(at).toString(16).padStart(4, "0")}`,
    ).join(""),
  );
}

/** A text on one line: line ends and tabs are escapes as well. */
export function oneLineOf(text: string): string {
  return escapeUnseen(text.replace(/[\n\t]/g, (each) => (each === "\n" ? "\\n" : "\\t")));
}
