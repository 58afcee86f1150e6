/** What questions are answered from: the site, everything that follows from it, and its files. */
import { explainSite } from "../components/origins.ts";
import { componentsOff, type OffComponent } from "../components/parts.ts";
import { memo } from "../fabric/memo.ts";
import type { Site } from "../model.ts";
import type { Explained, Origin, Reason, Subject } from "../origin.ts";
import { type Decision, SitePlaces } from "../site/places.ts";
import { keysHeading } from "../site/shapes/shape.ts";
import type { Cause } from "./answer.ts";

export interface Context {
  readonly site: Site;
  readonly explained: readonly Explained[];
  readonly places: SitePlaces;
  readonly off: readonly OffComponent[];
}

/** @param sources the texts of the site's files by their names */
export async function contextOf(site: Site, sources: ReadonlyMap<string, string>): Promise<Context> {
  const explained = await explainSite(site);
  return { site, explained, places: new SitePlaces(sources), off: componentsOff(site) };
}

/** The reasons that a line of the site is among the origins of, by "FILE:LINE". */
export const reasonsByLine = memo((context: Context): ReadonlyMap<string, ReadonlySet<Reason>> => {
  const byLine = new Map<string, Set<Reason>>();
  for (const { why, units, texts } of context.explained)
    for (const reason of [why, ...units.values(), ...texts.flatMap(({ lines }) => lines)])
      for (const origin of reason.origins) {
        const decision = context.places.decide(origin);
        if (decision?.kind !== "declared") continue;
        const line = `${decision.at.file}:${decision.at.line}`;
        byLine.set(line, (byLine.get(line) ?? new Set()).add(reason));
      }
  return byLine;
});

/** The causes of a sense, each once, numbered in the order that they are met in. */
export class Causes {
  readonly all: Cause[] = [];
  readonly #known = new Map<string, number>();
  readonly #places: SitePlaces;

  constructor(places: SitePlaces) {
    this.#places = places;
  }

  /** The numbers of a reason's causes. */
  add(origins: readonly Origin[]): readonly number[] {
    const numbers = origins.flatMap((origin) => {
      const decision = this.#places.decide(origin);
      return decision === undefined ? [] : [this.#numberOf(causeOf(decision, origin.says, this.#places))];
    });
    return [...new Set(numbers)];
  }

  #numberOf(cause: Cause): number {
    const { at, key } = cause;
    const id =
      at === undefined ? `default ${cause.default?.file} ${key}` : `${at.file}:${at.line}:${at.column}`;
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    this.#known.set(id, this.all.length);
    return this.all.push(cause) - 1;
  }
}

function causeOf(decision: Decision, says: string, places: SitePlaces): Cause {
  const key = decision.path.join(".");
  if (decision.kind === "declared") {
    const { at } = decision;
    return { at, key: key === "" ? writtenAt(at.file, at.line, places) : key, says };
  }
  const { file, value, heading } = decision;
  const anchor = heading === undefined ? "" : `#${keysHeading(heading)}`;
  return {
    key,
    says,
    default: { file, ...(value === undefined ? {} : { value }), docs: `docs/keys.md${anchor}` },
  };
}

/** The keys that lead to a line of YAML, by its indentation; a label's key is one of them. */
function writtenAt(file: string, line: number, places: SitePlaces): string {
  if (!/\.ya?ml$/.test(file)) return "";
  const lines = places.lines(file) ?? [];
  const keys: string[] = [];
  let indent = Number.POSITIVE_INFINITY;
  for (let at = line - 1; at >= 0 && indent > 0; at -= 1) {
    const [, space = "", dash = "", key] =
      /^(\s*)((?:- )*)["']?(?:([\w.$/-]+?)(?:["']?:(?=\s|$)|=))?/.exec(lines[at] ?? "") ?? [];
    const isEmpty = /^\s*(#.*)?$/.test(lines[at] ?? "");
    if (isEmpty || space.length >= indent) continue;
    // A list may stand as far out as its key.
    indent = dash === "" ? space.length : space.length + 1;
    if (key !== undefined) keys.unshift(key);
  }
  return keys.join(".");
}

/** Whether something is about one of the subjects. A port may be one of a range. */
export function isAbout({ about }: Reason, subjects: ReadonlySet<Subject>): boolean {
  return about.some((each) => subjects.has(each) || (each.startsWith("port:") && inRange(each, subjects)));
}

function inRange(range: Subject, subjects: ReadonlySet<Subject>): boolean {
  const [, host, from, to] = /^port:(\w+\/\d+|pve):(\d+):(\d+)$/.exec(range) ?? [];
  if (host === undefined) return false;
  return [...subjects].some((subject) => {
    const port = Number(subject.slice(`port:${host}:`.length));
    return subject.startsWith(`port:${host}:`) && port >= Number(from) && port <= Number(to);
  });
}
