/** How an editor writes a text: with a byte order mark or without, with CRLF or LF. Pure. */

const byteOrderMark = "\uFEFF";

/** Edits a text as if its editor wrote neither a byte order mark nor CRLF, and gives the result back as the editor writes it. */
export function inStyleOf<Edited extends { readonly text: string }>(
  present: string,
  edit: (own: string) => Edited | undefined,
): Edited | undefined {
  const own = plainLines(present);
  const result = edit(own);
  if (result === undefined || result.text === own) return result && { ...result, text: present };
  const mark = present.startsWith(byteOrderMark) ? byteOrderMark : "";
  const text = isCrlf(present) ? result.text.replaceAll("\n", "\r\n") : result.text;
  return { ...result, text: mark + text };
}

/** Without a byte order mark and, where every line ends with CRLF, with LF instead. */
export function plainLines(text: string): string {
  const bare = text.startsWith(byteOrderMark) ? text.slice(1) : text;
  return isCrlf(bare) ? bare.replaceAll("\r\n", "\n") : bare;
}

/** Whether every line ends with CRLF. */
function isCrlf(text: string): boolean {
  return text.includes("\r\n") && !/(?:^|[^\r])\n/.test(text);
}
