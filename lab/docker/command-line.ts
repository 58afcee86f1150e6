/** Command lines as Compose splits them. Pure. */

/**
 * A command line as words (go-shellwords): quotes and backslashes as in a shell; it ends before an unquoted `;`, `&`, `|`, `<` or `>`.
 * @throws Error when a quote or a backslash is left open
 */
export function splitWords(line: string): readonly string[] {
  const words: string[] = [];
  let word: string | undefined;
  let rest = line;
  while (rest !== "" && !/^[;&|<>]/.test(rest)) {
    const [whole = "", space, escaped, single, double, plain] =
      /^(?:(\s+)|\\([\s\S])|'([^']*)'|"((?:\\[\s\S]|[^"\\])*)"|([^\s\\'"]))/.exec(rest) ?? [];
    if (whole === "") throw new Error("invalid command line string");
    if (space === undefined)
      word = `${word ?? ""}${escaped ?? single ?? double?.replace(/\\([\s\S])/g, "$1") ?? plain ?? ""}`;
    else if (word !== undefined) {
      words.push(word);
      word = undefined;
    }
    rest = rest.slice(whole.length);
  }
  return word === undefined ? words : [...words, word];
}
