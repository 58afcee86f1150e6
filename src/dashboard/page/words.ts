/** States, times and durations for people. */
import type { DashboardDocument } from "../../render/output-dashboard.ts";
import { span } from "../../render/words.ts";

export type Way = DashboardDocument["ways"][number];
export type Hop = Way["hops"][number];
export type State = Hop["state"];

/** Each state has a sign and a word, so that colour only repeats them. */
export const states: Readonly<Record<State, { readonly sign: string; readonly word: string }>> = {
  proved: { sign: "✓", word: "proved" },
  drift: { sign: "~", word: "drift" },
  broken: { sign: "!", word: "broken" },
  waiting: { sign: "…", word: "waiting" },
  unknown: { sign: "?", word: "not proved" },
};

export const hopTitles: Readonly<Record<Hop["kind"], string>> = {
  dns: "DNS",
  tcp: "Port",
  tls: "TLS",
  gateway: "Gateway",
  mesh: "Mesh",
  guest: "Guest",
  backend: "Guest",
  container: "Container",
};

export function isWell({ state }: Pick<Way, "state">): boolean {
  return state === "proved";
}

/** "20 s ago", "3 min ago", "15 h ago", "12 days ago". */
export function ago(time: string, nowMs: number): string {
  const passedMs = nowMs - Date.parse(time);
  return passedMs < 5_000 ? "just now" : `${span(passedMs)} ago`;
}

/** "28 Nov 2026, 16:04". */
export function date(time: string): string {
  return new Date(time).toLocaleString("en-GB", {
    ...{ day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" },
  });
}
