/**
 * Shapes: tables that say which keys an object has and of what kind their values are. One table serves three: the reader
 * that reports what does not fit, the JSON Schema for editors, and the documentation of each key.
 */

export type Shape =
  | { readonly kind: "text"; readonly about?: string; readonly pattern?: RegExp; readonly example?: string }
  | { readonly kind: "integer"; readonly about?: string; readonly least: number; readonly most: number }
  | { readonly kind: "flag"; readonly about?: string }
  | { readonly kind: "choice"; readonly about?: string; readonly of: readonly string[] }
  | { readonly kind: "list"; readonly about?: string; readonly of: Shape }
  | { readonly kind: "map"; readonly about?: string; readonly of: Shape; readonly keys?: RegExp }
  | ObjectShape
  | { readonly kind: "either"; readonly about?: string; readonly of: readonly Shape[] }
  | { readonly kind: "anything"; readonly about?: string };

export interface ObjectShape {
  readonly kind: "object";
  readonly about?: string;
  /** What it is called in messages: "a firewall rule". */
  readonly name: string;
  readonly keys: Readonly<Record<string, Shape>>;
  /** Keys that must be there; a list means one of them. */
  readonly needs: readonly (string | readonly string[])[];
}

/** Text; a number is taken for its digits. */
export const text = (about?: string, more: { pattern?: RegExp; example?: string } = {}): Shape => ({
  kind: "text",
  ...withAbout(about),
  ...more,
});

/** A whole number; its digits as text are taken for it. */
export const integer = (about?: string, least = 0, most = Number.MAX_SAFE_INTEGER): Shape => ({
  kind: "integer",
  ...withAbout(about),
  least,
  most,
});

export const port = (about = "A TCP port."): Shape => integer(about, 1, 65535);

/** true or false; the same words as text are taken for it. */
export const flag = (about?: string): Shape => ({ kind: "flag", ...withAbout(about) });

/** One of a few words, in upper or lower case. */
export const choice = (of: readonly string[], about?: string): Shape => ({
  kind: "choice",
  of,
  ...withAbout(about),
});

export const list = (of: Shape, about?: string): Shape => ({ kind: "list", of, ...withAbout(about) });

/** An object whose keys are the user's own: ids, names. */
export const map = (of: Shape, about?: string, keys?: RegExp): Shape => ({
  kind: "map",
  of,
  ...withAbout(about),
  ...(keys === undefined ? {} : { keys }),
});

export const object = (
  name: string,
  keys: Readonly<Record<string, Shape>>,
  needs: ObjectShape["needs"] = [],
  about?: string,
): ObjectShape => ({ kind: "object", name, keys, needs, ...withAbout(about) });

/** Several shapes that are told apart by their JSON type (text, list, object). */
export const either = (about: string, ...of: readonly Shape[]): Shape => ({ kind: "either", about, of });

/** What belongs to the file but not to what a sync does. */
export const anything = (about?: string): Shape => ({ kind: "anything", ...withAbout(about) });

/** Keys that are known and not looked into. */
export function ignored(...names: readonly string[]): Readonly<Record<string, Shape>> {
  return Object.fromEntries(names.map((name) => [name, anything()]));
}

function withAbout(about: string | undefined): { about?: string } {
  return about === undefined ? {} : { about };
}
