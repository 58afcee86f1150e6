/** The answer of `phoenix why` as text: what decides, with its places, and what follows, with arrows. */
import { option } from "../option-names.ts";
import type { WhyFacts } from "./json-why.ts";
import { hanging, table } from "./layout.ts";
import { offLines } from "./off.ts";
import { placeOf } from "./text-changes.ts";
import { most } from "./text-diff.ts";
import type { View } from "./view.ts";
import { count, flat, oneLine } from "./words.ts";

type Sense = WhyFacts["answer"]["senses"][number];
type Cause = Sense["causes"][number];
type Effect = Sense["effects"][number];

export function whyLines({ answer, errors }: WhyFacts, view: View): readonly string[] {
  const senses = answer.senses.flatMap((sense, at) => [
    ...(at === 0 ? [] : [""]),
    ...senseLines(sense, view),
  ]);
  const broken =
    errors === 0
      ? []
      : hanging("note: ", `the site has ${count(errors, "error")}: \`phoenix check\` shows them`, view.width);
  return [...senses, ...broken, ...offLines(answer.off, view)];
}

function senseLines({ title, text, causes, effects, notes }: Sense, view: View): readonly string[] {
  return [
    view.paint.bold(oneLine(title)),
    ...(text === undefined ? [] : [`  | ${oneLine(text)}`]),
    ...causeLines(causes, view),
    ...effectLines(effects, view),
    ...notes.flatMap((note) => hanging("  note: ", flat(note), view.width)),
  ];
}

/** A line each, numbered: effects refer to them. What does not fit beside its place stands below it. */
function causeLines(causes: readonly Cause[], view: View): readonly string[] {
  const rows = causes.map((cause, at) => {
    const { at: place, says, default: fallback } = cause;
    const key = shortKey(cause.key);
    if (place) return [String(at + 1), placeOf(place), oneLine(key), says];
    return [
      String(at + 1),
      `default${fallback?.value === undefined ? "" : `: ${fallback.value}`}`,
      oneLine(key),
      defaultWords(cause),
    ];
  });
  const lines = table(
    rows,
    [{ align: "right" }, {}, { paint: view.paint.cyan }, {}],
    Number.POSITIVE_INFINITY,
  );
  if (lines.every((line) => line.length + 2 <= view.width || view.width === Number.POSITIVE_INFINITY))
    return lines.map((line) => ` ${line}`);
  return rows.flatMap(([number = "", place = "", key = "", says = ""]) => [
    ` ${number.padStart(String(causes.length).length)}  ${place}  ${view.paint.cyan(key)}`.trimEnd(),
    ...hanging("      ", says, view.width),
  ]);
}

/** The last of its keys say what it is; the place says where. */
function shortKey(key: string): string {
  if (key.length <= 40) return key;
  const parts = key.split(".");
  let short = parts.pop() ?? "";
  while (parts.length > 0 && short.length + (parts.at(-1)?.length ?? 0) < 38)
    short = `${parts.pop()}.${short}`;
  return parts.length === 0 ? short : `….${short}`;
}

function defaultWords({ says, default: fallback }: Cause): string {
  return `${says}: default of Phoenix; the key in ${fallback?.file} would change it (${fallback?.docs})`;
}

function effectLines(effects: readonly Effect[], view: View): readonly string[] {
  const shown = view.full ? effects : limited(effects);
  const width = Math.max(0, ...shown.map(({ resource }) => resource.length));
  const lines = shown.flatMap((effect) => {
    const { resource, shows, causes, line, note } = effect;
    const numbers = causes.length === 0 ? "" : `  [${causes.map((each) => each + 1).join(" ")}]`;
    const what = [shows === "" ? "" : oneLine(shows), line ?? "", note === undefined ? "" : `(${flat(note)})`]
      .filter((each) => each !== "")
      .join("  ");
    if (view.width < width + 80) return hanging("  -> ", `${resource}  ${what}${numbers}`, view.width);
    return hanging(`  -> ${resource.padEnd(width)}  `, `${what}${numbers}`, view.width);
  });
  const hidden = effects.length - shown.length;
  return hidden > 0 ? [...lines, `  … ${hidden} more (${option.full})`] : lines;
}

/** At most some of each resource. */
function limited(effects: readonly Effect[]): readonly Effect[] {
  const counts = new Map<string, number>();
  return effects.filter(({ resource }) => {
    const before = counts.get(resource) ?? 0;
    counts.set(resource, before + 1);
    return before < most;
  });
}
