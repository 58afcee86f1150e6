/**
 * Files of recorded cases: many small inputs in one readable text. "=== NAME" begins a case, ">>> FILE" a further file of it; what
 * comes before the first ">>>" is the case's main file. Lines before the first case are remarks. "bom" or "crlf" after a file's name
 * gives it a byte order mark, or carriage returns at its line ends.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

/**
 * @typedef {{ name: string, files: Record<string, string> }} Case a case's name is "TOPIC/NAME", TOPIC being its file's name
 */

/**
 * Reads every case of a directory, in the order of the files' names.
 * @param {string} directory with files called TOPIC.cases
 * @param {string} main name of the file that has no ">>>" line
 * @returns {Case[]}
 */
export function readCases(directory, main) {
  return readdirSync(directory)
    .filter((file) => file.endsWith(".cases"))
    .sort()
    .flatMap((file) =>
      parseCases(readFileSync(join(directory, file), "utf8"), main).map(({ name, files }) => ({
        name: `${basename(file, ".cases")}/${name}`,
        files,
      })),
    );
}

/**
 * The cases of one text. Empty lines at the end of a file do not count.
 * @param {string} text
 * @param {string} main
 * @returns {Case[]}
 */
export function parseCases(text, main) {
  const [, ...parts] = `\n${text}`.split("\n=== ");
  return parts.map((part) => {
    const [name, ...lines] = part.split("\n");
    const sections = lines.join("\n").split(/^>>> /m);
    const files = {};
    if (sections[0].trim() !== "") files[main] = endedText(sections[0]);
    for (const section of sections.slice(1)) {
      const [head, ...body] = section.split("\n");
      const [, file, marks] = /^(.*?)((?: (?:bom|crlf))*)$/.exec(head);
      const content = endedText(body.join("\n"));
      const ended = marks.includes("crlf") ? content.replaceAll("\n", "\r\n") : content;
      files[file] = marks.includes("bom") ? `\ufeff${ended}` : ended;
    }
    return { name: name.trim(), files };
  });
}

function endedText(text) {
  const kept = text.replace(/\n+$/, "");
  return kept === "" ? "" : `${kept}\n`;
}

/**
 * Writes what one version of a program answered: an object of answers by case, one line each, so that a difference is one line.
 * @param {string} file
 * @param {{ program: string, version: string }} source
 * @param {Map<string, unknown>} answers
 */
export function writeAnswers(file, source, answers) {
  const lines = [...answers].map(([name, answer]) => `${JSON.stringify(name)}: ${JSON.stringify(answer)}`);
  const head = JSON.stringify(source).slice(0, -1);
  writeFileSync(file, `${head}, "answers": {\n${lines.join(",\n")}\n}}\n`);
}
