/**
 * A site as the history keeps it: its files, with a mark in place of each secret. A mark has the secret's keyed fingerprint, so that the
 * present site's secrets can be filled in again, and a secret that is another one now is known before. Files that a stack mounts are
 * configuration, any part of which may be secret: they are kept whole. Pure.
 */
import type { FingerprintOf } from "../fingerprint.ts";
import type { KeptFile, KeptReference, KeptSite } from "../kept-site.ts";
import { Secret } from "../secret.ts";
import { fingerprintMark, secretSpans } from "../secret-spans.ts";
import { holdsSecrets, type SecretReference } from "./secrets/index.ts";
import { type SiteFile, SourceFile } from "./text/source-file.ts";

/** "(secret#3f9a12c4)". A text of a site that looks like one is marked itself, so that no other text is ever taken for a mark. */
const mark = /\(secret#([0-9a-f]{8})\)/g;

interface Span {
  readonly start: number;
  readonly end: number;
}

export function keptSite(
  files: readonly SiteFile[],
  references: readonly SecretReference[],
  fingerprintOf: FingerprintOf,
): KeptSite {
  return {
    files: files.map(({ name, text, secrets }) =>
      secrets === "whole"
        ? { name, fingerprint: fingerprintOf(new Secret(text)), content: new Secret(text) }
        : { name, text: marked(text, spansIn({ name, text, secrets }), fingerprintOf) },
    ),
    references: references.map(({ at, value }) => ({
      at: `${at.file}:${at.line}:${at.column}`,
      fingerprint: fingerprintOf(value),
    })),
  };
}

function marked(text: string, spans: readonly Span[], fingerprintOf: FingerprintOf): string {
  let kept = "";
  let at = 0;
  for (const { start, end } of spans) {
    const secret = new Secret(text.slice(start, end));
    kept += text.slice(at, start) + fingerprintMark(fingerprintOf(secret));
    at = end;
  }
  return kept + text.slice(at);
}

/** What is secret in a file: what its reader knows, what its names and looks tell, and what could be taken for a mark. */
function spansIn({ name, text, secrets }: SiteFile): readonly Span[] {
  if (secrets === "whole") return [{ start: 0, end: text.length }];
  const looks = holdsSecrets.test(name) ? secretSpans(text) : [];
  const marks = [...text.matchAll(mark)].map(({ index, 0: { length } }) => ({
    start: index,
    end: index + length,
  }));
  const all = [...secrets, ...looks, ...marks].sort((a, b) => a.start - b.start || b.end - a.end);
  const merged: Span[] = [];
  for (const span of all) {
    const last = merged.at(-1);
    if (last === undefined || span.start >= last.end) merged.push(span);
    else merged[merged.length - 1] = { start: last.start, end: Math.max(last.end, span.end) };
  }
  return merged;
}

/** A kept site with the secrets of the present one. */
export interface FilledSite {
  /** The files' texts by their names. */
  readonly texts: ReadonlyMap<string, string>;
  /** Secrets that are others now: the present ones are used. A clause each. */
  readonly changed: readonly string[];
  /** Mounted files that are as they were then again, whatever secret is in them: their names. */
  readonly restored: readonly string[];
  /** Secrets that the present site does not have. A place each: "stacks/wiki/phoenix.json:8:20". */
  readonly missing: readonly string[];
}

/** A secret of the present site. */
interface Present {
  readonly value: string;
  /** What stands before it on its line. */
  readonly label: string;
}

export function filledSite(
  kept: readonly KeptFile[],
  present: readonly SiteFile[],
  fingerprintOf: FingerprintOf,
): FilledSite {
  const byFile = new Map(present.map((file) => [file.name, secretsOf(file, fingerprintOf)]));
  const known = new Map(
    [...byFile.values()].flat().map(({ value }) => [fingerprintOf(new Secret(value)), value]),
  );
  const changed: string[] = [];
  const missing: string[] = [];
  const restored: string[] = [];
  const texts = new Map<string, string>();
  for (const { name, text, fingerprint, content } of kept) {
    if (text === undefined) {
      const whole = present.find((file) => file.name === name)?.text;
      const isSame = whole !== undefined && fingerprintOf(new Secret(whole)) === fingerprint;
      texts.set(name, content?.reveal() ?? whole ?? "");
      if (isSame) continue;
      if (content !== undefined) restored.push(name);
      else if (whole === undefined) missing.push(name);
      else changed.push(`the content of ${name}`);
      continue;
    }
    const source = new SourceFile(name, text);
    const filled = fill(text, known, byFile.get(name) ?? []);
    const placeOf = (at: number): string => {
      const { line, column } = source.ref(at);
      return `${name}:${line}:${column}`;
    };
    changed.push(...filled.changed.map((at) => `the secret in ${placeOf(at)}`));
    missing.push(...filled.missing.map(placeOf));
    texts.set(name, filled.text);
  }
  return { texts, changed, restored, missing };
}

function secretsOf(file: SiteFile, fingerprintOf: FingerprintOf): readonly Present[] {
  const spans = spansIn(file);
  const text = marked(file.text, spans, fingerprintOf);
  return [...text.matchAll(mark)].map(({ index }, at) => ({
    value: file.text.slice(spans[at]?.start, spans[at]?.end),
    label: labelOf(text, index),
  }));
}

/** What stands before an offset on its line, and tells which secret it is: `"password":`. */
function labelOf(text: string, at: number): string {
  return text
    .slice(text.lastIndexOf("\n", at - 1) + 1, at)
    .replaceAll(mark, "")
    .trim();
}

/** @returns the text, and the offsets of marks whose secrets are others now, or are not there */
function fill(
  text: string,
  known: ReadonlyMap<string, string>,
  present: readonly Present[],
): { text: string; changed: readonly number[]; missing: readonly number[] } {
  const marks = [...text.matchAll(mark)].map(({ index, 1: fingerprint = "" }) => ({
    index,
    fingerprint,
    label: labelOf(text, index),
  }));
  const changed: number[] = [];
  const missing: number[] = [];
  /** The one at the same place among those with the same label, where nothing was added or removed. */
  const successor = (label: string, index: number): string | undefined => {
    const was = marks.filter((one) => one.label === label);
    const is = present.filter((one) => one.label === label);
    return was.length === is.length ? is[was.findIndex((one) => one.index === index)]?.value : undefined;
  };
  let at = 0;
  const filled = text.replaceAll(mark, (whole: string) => {
    const { index, fingerprint, label } = marks[at++] ?? { index: 0, fingerprint: "", label: "" };
    const same = known.get(fingerprint);
    if (same !== undefined) return same;
    const value = successor(label, index);
    (value === undefined ? missing : changed).push(index);
    return value ?? whole;
  });
  return { text: filled, changed, missing };
}

/** The references of a kept site that lead to something else now. */
export function changedReferences(
  kept: readonly KeptReference[],
  present: readonly SecretReference[],
  fingerprintOf: FingerprintOf,
): readonly string[] {
  const before = new Map(kept.map(({ at, fingerprint }) => [at, fingerprint]));
  const changed = present.filter(({ at, value }) => {
    const known = before.get(`${at.file}:${at.line}:${at.column}`);
    return known !== undefined && known !== fingerprintOf(value);
  });
  return [...new Set(changed.map(({ at }) => `the secret that ${at.file}:${at.line} refers to`))];
}
