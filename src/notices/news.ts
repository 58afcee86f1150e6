/**
 * What there is to tell: the conditions of now against what was told of those before. Each change of state is news once; what
 * changes too often is held back until it lasts. Pure.
 */
import { defined } from "../defined.ts";
import { describeHost } from "../fabric/guests.ts";
import type { Observation } from "../journal/observations.ts";
import type { Site } from "../model.ts";
import type { News, Told } from "../notice.ts";
import type { GuestName } from "../resource.ts";
import { type Condition, conditionsOf, dateOf } from "./conditions.ts";

const hourMs = 3_600_000;
/** Changes of one thing within a day that are told; with the next it is held. Two faults and their ends a day are no flapping. */
const mostChanges = 4;
const dayMs = 24 * hourMs;
/** How long a state must last until a held thing is told of again. */
const steadyMs = 6 * hourMs;

/** A component that an unattended sync put right: its name, and what was done. */
export interface Repair {
  readonly component: string;
  readonly what: string;
}

export interface Telling {
  readonly news: readonly News[];
  readonly told: Readonly<Record<string, Told>>;
}

/**
 * @param isWatched a person sees the run: what is not well is not told now, but by the next run of a timer that still finds it
 * @param repairs what the run put right
 */
export function newsOf(
  before: Readonly<Record<string, Told>>,
  seen: Observation,
  site: Site,
  { isWatched, repairs }: { readonly isWatched: boolean; readonly repairs: readonly Repair[] },
): Telling {
  const nowMs = seen.run.endedMs;
  const conditions = conditionsOf(seen, site);
  const repaired = new Map(repairs.map((repair) => [`component ${repair.component}`, repair]));
  const news: News[] = [];
  const told: Record<string, Told> = {};
  for (const key of new Set([...conditions.keys(), ...Object.keys(before), ...repaired.keys()])) {
    const condition = conditions.get(key);
    const last = before[key];
    if ((isWatched && condition !== undefined) || isUnknown(key, seen, site)) {
      if (last !== undefined) told[key] = last;
      continue;
    }
    const repair = repaired.get(key);
    const change = condition === undefined ? ended(key, last, repair, seen, site) : begun(condition, last);
    const steady = (): News => condition ?? { event: "recovered", ...wellWords(key, seen, site) };
    const next = afterChange(last, condition, change, steady, nowMs);
    news.push(...next.news.map(plain));
    if (isWorthKeeping(next.told)) told[key] = next.told;
  }
  return { news, told };
}

/** A certificate that is declared and could not be read is neither well nor gone; its component tells of that. */
function isUnknown(key: string, { certificates }: Observation, site: Site): boolean {
  return site.certificates.some(
    ({ commonName }) => key === `certificate ${commonName}` && certificates[commonName] === undefined,
  );
}

/** The news of something that is not well; undefined when it was told before. */
function begun(condition: Condition, last: Told | undefined): News | undefined {
  const { event, parts, latestMs } = condition;
  const isKnown =
    last?.event === event && parts.every((part) => last.parts.includes(part)) && latestMs <= last.atMs;
  return isKnown ? undefined : condition;
}

/** A condition without what only its comparison needs. */
function plain({ event, was, subject, verb, reason, hint, from }: News): News {
  return { event, subject, verb, ...defined({ was, reason, hint, from }) };
}

/** The news of something that is well; undefined when nothing else was told. */
function ended(
  key: string,
  last: Told | undefined,
  repair: Repair | undefined,
  seen: Observation,
  site: Site,
): News | undefined {
  const { subject, verb, reason = repair?.what } = wellWords(key, seen, site);
  const told = { subject, ...defined({ reason }) };
  if (last?.event !== undefined) return { event: "recovered", was: last.event, verb, ...told };
  return repair && { event: "repaired", was: "drifted", verb: "had drifted and was repaired", ...told };
}

function wellWords(key: string, seen: Observation, site: Site): Pick<News, "subject" | "verb" | "reason"> {
  const [, kind, name = ""] = /^(\w+) (.*)$/.exec(key) ?? [];
  const gone = "is no longer declared";
  if (kind === "guest") {
    const isThere = seen.guests[name as GuestName] !== undefined;
    return { subject: describeHost(site, name as GuestName), verb: isThere ? "answers again" : gone };
  }
  if (kind === "component")
    return { subject: name, verb: seen.components[name]?.state === "off" ? gone : "is in sync again" };
  if (key === "source") return { subject: "the site's repository", verb: "can be pulled again" };
  const until = seen.certificates[name]?.notAfterMs;
  if (until === undefined) return { subject: key, verb: gone };
  return { subject: key, verb: "was renewed", reason: `it is valid until ${dateOf(until)}` };
}

/** What is told of a change, and remembered: too many changes are told as one, and then not at all until a state lasts. */
function afterChange(
  last: Told | undefined,
  condition: Condition | undefined,
  change: News | undefined,
  steady: () => News,
  nowMs: number,
): { readonly news: readonly News[]; readonly told: Told } {
  const recent = (last?.changedMs ?? []).filter((ms) => nowMs - ms < dayMs);
  const state = { ...defined({ event: condition?.event }), parts: condition?.parts ?? [] };
  if (change !== undefined) {
    const changedMs = change.event === "repaired" ? recent : [...recent, nowMs];
    const told = { ...state, atMs: nowMs, changedMs };
    if (last?.held === undefined && changedMs.length <= mostChanges) return { news: [change], told };
    const held = change.was ?? change.event;
    const reason = `${changedMs.length} changes within a day; the next notice comes once it lasts for ${steadyMs / hourMs} hours`;
    const news = { ...change, verb: `${change.verb}, and keeps changing`, reason };
    return { news: last?.held === undefined ? [news] : [], told: { ...told, held } };
  }
  const told = { ...state, atMs: last?.atMs ?? nowMs, changedMs: recent };
  if (last?.held === undefined) return { news: [], told };
  if (nowMs - told.atMs < steadyMs) return { news: [], told: { ...told, held: last.held } };
  const news = {
    ...steady(),
    was: last.held,
    verb: `${steady().verb}, and has been so for ${steadyMs / hourMs} hours`,
  };
  return { news: [news], told: { ...told, changedMs: [] } };
}

/** What is well, and has been for a day, is forgotten. */
function isWorthKeeping({ event, held, changedMs }: Told): boolean {
  return event !== undefined || held !== undefined || changedMs.length > 0;
}
