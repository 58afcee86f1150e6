/** Builds the reasons of a resource: of its units, and of the lines of its texts. Pure. */
import { defined } from "../defined.ts";
import { jsonPaths } from "../formats/json/lines.ts";
import type { Explained, GeneratedText, LineReason, Reason } from "../origin.ts";
import type { HostName, Resource } from "../resource.ts";

/** What a component knows about one of its resources. */
interface Knowledge {
  readonly why: Reason;
  /** Of a unit by its name; the resource's own reason unless given. */
  readonly unit?: (unit: string) => Reason | undefined;
  /** Its texts. Without them, its own text is the canonical JSON of an object behind an API, or of a state. */
  readonly texts?: readonly GeneratedText[];
  /** Files that are written for it besides. */
  readonly files?: readonly GeneratedText[];
  /** The unit that a place in that JSON belongs to. */
  readonly unitAt?: (path: readonly string[]) => string | undefined;
}

export function explained(
  resource: Resource,
  { why, unit, texts, files = [], unitAt }: Knowledge,
): Explained {
  const units = new Map(Object.keys(resource.units).map((name) => [name, unit?.(name) ?? why] as const));
  const own = texts ?? [objectText(resource, why, units, unitAt)];
  return { resource, why, units, texts: [...own, ...files] };
}

/** The text of an object behind an API, or of a state that no file holds. */
function objectText(
  { host, text, sensitive }: Resource,
  why: Reason,
  units: ReadonlyMap<string, Reason>,
  unitAt: Knowledge["unitAt"] = ([first]) => first,
): GeneratedText {
  const lines = jsonPaths(text).map((path): LineReason => {
    const unit = unitAt(path);
    const reason = unit === undefined ? undefined : units.get(unit);
    return reason === undefined ? why : { ...reason, ...defined({ unit }) };
  });
  return { host, text, lines, ...defined({ sensitive: sensitive === undefined ? undefined : true }) };
}

/** A generated file, line by line. */
export function explainedFile(
  host: HostName,
  path: string,
  text: string,
  lineReason: (line: string, index: number) => LineReason,
): GeneratedText {
  return { host, path, text, lines: linesOf(text).map(lineReason) };
}

/** The lines of a text: the end of its last line begins no other. */
export function linesOf(text: string): readonly string[] {
  const lines = text.split("\n");
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}
