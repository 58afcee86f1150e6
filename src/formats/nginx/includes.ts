/** A whole configuration: the main file with its includes in their places. Pure; the texts are a parameter. */
import { type Directive, NginxSyntaxError, parseNginx } from "./parse.ts";

/** A directive and the file it stands in. */
export interface LocatedDirective {
  readonly name: string;
  readonly args: readonly string[];
  readonly block?: readonly LocatedDirective[];
  readonly file: string;
  readonly line: number;
}

export interface ExpandedConfiguration {
  readonly directives: readonly LocatedDirective[];
  /** Includes that name one file which is not there. Nginx (1.22) refuses the whole configuration then. */
  readonly missing: readonly LocatedDirective[];
  /** Files that cannot be read as Nginx's syntax. Their directives are missing. */
  readonly faults: readonly { readonly file: string; readonly line: number; readonly message: string }[];
}

/** Files may include each other; Nginx itself ends at its number of open files. */
const deepest = 20;

/**
 * Puts included files in their places, in alphabetical order as glob(3) gives them.
 * @param texts every file by its absolute path; others count as missing
 * @param main relative paths start from its directory, in every file
 */
export function expandIncludes(texts: ReadonlyMap<string, string>, main: string): ExpandedConfiguration {
  const missing: LocatedDirective[] = [];
  const faults: { file: string; line: number; message: string }[] = [];
  const paths = [...texts.keys()].sort();
  const located = (file: string, depth: number, directive: Directive): readonly LocatedDirective[] => {
    const { name, args, line, block } = directive;
    if (name !== "include" || block !== undefined) {
      const inner = block?.flatMap((each) => located(file, depth, each));
      return [{ name, args, file, line, ...(inner === undefined ? {} : { block: inner }) }];
    }
    const pattern = includedPath(args[0] ?? "", main);
    const matcher = globMatcher(pattern);
    const found = matcher === undefined ? [pattern].filter((path) => texts.has(path)) : paths.filter(matcher);
    if (found.length === 0 && matcher === undefined) missing.push({ name, args, file, line });
    return found.flatMap((path) => expand(path, depth + 1));
  };
  const expand = (file: string, depth: number): readonly LocatedDirective[] => {
    const text = texts.get(file);
    if (text === undefined || depth > deepest) return [];
    try {
      return parseNginx(text).flatMap((directive) => located(file, depth, directive));
    } catch (error) {
      if (!(error instanceof NginxSyntaxError)) throw error;
      if (!faults.some((fault) => fault.file === file))
        faults.push({ file, line: error.line, message: error.message });
      return [];
    }
  };
  return { directives: expand(main, 0), missing, faults };
}

/** The patterns of a file's include directives, as absolute paths; none of a file that cannot be read. */
export function includesOf(text: string, main: string): readonly string[] {
  const visit = ({ name, args, block }: Directive): readonly string[] =>
    block === undefined
      ? name === "include"
        ? [includedPath(args[0] ?? "", main)]
        : []
      : block.flatMap(visit);
  try {
    return parseNginx(text).flatMap(visit);
  } catch (error) {
    if (error instanceof NginxSyntaxError) return [];
    throw error;
  }
}

function includedPath(written: string, main: string): string {
  return written.startsWith("/") ? written : `${main.slice(0, main.lastIndexOf("/"))}/${written}`;
}

/** Whether a path matches a pattern of glob(3); undefined for a pattern that is one plain path. */
export function globMatcher(pattern: string): ((path: string) => boolean) | undefined {
  if (!/[*?[]/.test(pattern)) return undefined;
  const body = pattern.split("/").map((part) => {
    const escaped = part.replace(/\[([^\]]+)\]|[.+^${}()|\\*?[\]]/g, (found, set: string | undefined) => {
      if (set !== undefined) return `[${set.replace(/^!/, "^").replace(/[\\\]]/g, "\\$&")}]`;
      return found === "*" ? "[^/]*" : found === "?" ? "[^/]" : `\\${found}`;
    });
    return part.startsWith(".") ? escaped : `(?!\\.)${escaped}`;
  });
  const expression = new RegExp(`^${body.join("/")}$`);
  return (path) => expression.test(path);
}
