/** The site's values while they are drafted: JSON whose members know where they were read. */
import type { Source } from "./found.ts";

export type DraftValue = string | number | boolean | Noted | DraftObject | readonly DraftValue[];

export interface DraftObject {
  readonly [key: string]: DraftValue | undefined;
}

/** A value with the place that it was read from, which a comment tells; and what else a reader should know. */
export class Noted {
  readonly value: DraftValue;
  readonly source: Source | undefined;
  readonly note: string | undefined;

  constructor(value: DraftValue, source: Source | undefined, note?: string) {
    this.value = value;
    this.source = source;
    this.note = note;
  }
}

export function noted(value: DraftValue, source: Source | undefined, note?: string): Noted {
  return new Noted(value, source, note);
}

/** A value without its places. */
export function plain(value: DraftValue): unknown {
  if (value instanceof Noted) return plain(value.value);
  if (isList(value)) return value.map(plain);
  if (typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]) => (member === undefined ? [] : [[key, plain(member)]])),
  );
}

export function isList(value: DraftValue): value is readonly DraftValue[] {
  return Array.isArray(value);
}

export function isDraftObject(value: DraftValue | undefined): value is DraftObject {
  return typeof value === "object" && !isList(value) && !(value instanceof Noted);
}
