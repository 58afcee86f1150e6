/** Problems of a site as a compiler shows them: place, code, excerpt with a caret, other places, hint. */
import type { Problem } from "../problem.ts";
import { hanging } from "./layout.ts";
import { placeOf } from "./text-changes.ts";
import type { View } from "./view.ts";
import { clean, count, duration, flat } from "./words.ts";

/** The text of a site's file, by its name relative to the root; absent for files that could not be read. */
export type Sources = ReadonlyMap<string, string>;

function problemLines(problem: Problem, sources: Sources, view: View): readonly string[] {
  const { paint } = view;
  const severity =
    problem.severity === "error" ? paint.red(problem.severity) : paint.yellow(problem.severity);
  const related = problem.related ?? [];
  const excerpt = excerptLines(problem, sources, view);
  return [
    `${placeOf(problem.at)}: ${severity}[${problem.code}]: ${flat(problem.message)}`,
    ...(excerpt.length === 0 ? [] : ["", ...excerpt]),
    ...related.map((at) => `${excerpt.length === 0 ? "  " : "       | "}also ${placeOf(at)}`),
    ...(problem.hint === undefined ? [] : hanging("  hint: ", clean(problem.hint), view.width)),
  ];
}

/** All problems, separated by empty lines. */
export function problemsLines(problems: readonly Problem[], sources: Sources, view: View): readonly string[] {
  return problems.flatMap((problem, at) => [
    ...(at === 0 ? [] : [""]),
    ...problemLines(problem, sources, view),
  ]);
}

/** The output of `phoenix check`: every problem, then a summary. */
export function checkLines(
  problems: readonly Problem[],
  sources: Sources,
  size: SiteSize | undefined,
  durationMs: number,
  view: View,
): readonly string[] {
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const parts = [`${count(errors, "error")}, ${count(problems.length - errors, "warning")}`];
  if (size !== undefined)
    parts.push(
      `${count(size.guests, "guest")}, ${count(size.services, "service")}, ${count(size.stacks, "stack")}`,
    );
  return [
    ...problemsLines(problems, sources, view),
    ...(problems.length > 0 ? [""] : []),
    [...parts, duration(durationMs)].join(" · "),
  ];
}

export interface SiteSize {
  readonly guests: number;
  readonly services: number;
  readonly stacks: number;
}

function excerptLines(problem: Problem, sources: Sources, view: View): readonly string[] {
  const { line, column, endColumn } = problem.at;
  const source = sources.get(problem.at.file)?.split(/\r?\n/)[line - 1];
  if (source === undefined || source.trim() === "") return [];
  const shown = withoutSecrets(source);
  const length = shown === source ? Math.max(1, (endColumn ?? column + 1) - column) : 1;
  const room = Math.max(20, Math.min(view.width, 160) - "       | ".length);
  // Of a long line the part around the place is shown.
  const start =
    column - 1 + Math.min(length, 20) <= room ? 0 : Math.max(0, column - 1 - Math.floor(room / 3));
  const cut = expandTabs(shown.slice(start, start + room));
  const caretAt = expandTabs(shown.slice(start, column - 1)).length;
  const caret = "^".repeat(Math.max(1, Math.min(length, cut.length - caretAt)));
  return [
    `${String(line).padStart(6)} | ${clean(cut)}`,
    `       | ${" ".repeat(caretAt)}${view.paint.red(caret)}`,
  ];
}

/** Places count a tab as one column, so it is shown as one. */
function expandTabs(text: string): string {
  return text.replaceAll("\t", " ");
}

/**
 * A line without the values of keys that look secret. A site with errors is not loaded, so the values of its secrets are
 * not known: the name of the key decides.
 */
export function withoutSecrets(line: string): string {
  return withoutNamedSecrets(line).replace(
    /((?:pass(?:word|wd|phrase)?|secret|token|api[-_]?key|private[-_]?key|credential)[\w-]*["']?\s*[:=]\s*)(?!["']?(?:env|file|age|exec):)(\[.*?(?:\]+|$)|\{.*?(?:\}+|$)|"(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s,}{[\]]+)/giu,
    '$1"(secret)"',
  );
}

/** The values beside a name in one object: `"name": "API_KEY", "val": "…"`. */
function withoutNamedSecrets(line: string): string {
  return line.replace(/[^{}]+/g, (object) =>
    /"name"\s*:\s*"[^"]*(?:pass|token|key|secret|credential|private|auth)/i.test(object)
      ? object.replace(/("(?!name")\w+"\s*:\s*)"(?!(?:env|file|age|exec):)(?:[^"\\]|\\.)*"?/g, '$1"(secret)"')
      : object,
  );
}
