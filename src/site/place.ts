/** The directory of a new site: what may be in it before. Pure. */
import { dirname } from "node:path";
import { siteFiles } from "./shapes/files.ts";

/** A repository before its first file of a site, as forges make it. */
const welcome = /^(?:\.git|\.gitattributes|\.gitignore|readme(?:\.\w+)?|licen[cs]e(?:\.\w+)?)$/i;

/** The names in a directory that keep a new site out of it, sorted. */
export function namesInTheWay(names: readonly string[]): readonly string[] {
  return names.filter((name) => !welcome.test(name)).sort();
}

/** Whether a directory with these names has a site. */
export function hasSiteFiles(names: readonly string[]): boolean {
  return names.includes(dirname(siteFiles.hypervisor));
}

/** The one file of a new site that a repository may have already. */
export const ignoreFile = ".gitignore";

/**
 * A `.gitignore` with all of a person's lines, and those of `lines` that it lacks.
 * @param known lines that it had before: one of them that is missing was removed on purpose
 */
export function withIgnored(own: string, lines: string, known = ""): string {
  const has = new Set([...own.split("\n"), ...known.split("\n")].map((line) => line.trimEnd()));
  const missing = lines.split("\n").filter((line) => !has.has(line));
  if (missing.length === 0) return own;
  return `${own}${own === "" || own.endsWith("\n") ? "" : "\n"}${missing.join("\n")}\n`;
}
