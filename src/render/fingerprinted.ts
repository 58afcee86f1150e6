/**
 * Changes as they may be shown: each secret is replaced by a mark with its keyed fingerprint, before anything is redacted, so that a
 * person sees which secret becomes which, and which places hold the same one. Pure.
 */
import type { Plan, RunResult } from "../engine/plan.ts";
import type { FingerprintOf } from "../fingerprint.ts";
import { type Change, diffUnits, mappedChange, type Resource, subjectOf } from "../resource.ts";
import { Secret } from "../secret.ts";
import { fingerprintIn, fingerprintMark, secretMark, withoutSecrets } from "../secret-spans.ts";
import { count } from "./words.ts";

export function fingerprintedPlan(plan: Plan, fingerprintOf: FingerprintOf): Plan {
  const components = plan.components.map((part) => ({
    ...part,
    changes: fingerprinted(part.changes, fingerprintOf),
  }));
  return { ...plan, components };
}

export function fingerprintedResult(result: RunResult, fingerprintOf: FingerprintOf): RunResult {
  const components = result.components.map((part) => ({
    ...part,
    changes: fingerprinted(part.changes, fingerprintOf),
  }));
  return { ...result, components };
}

/** They explain the change and no longer make it: texts that would not be shown are empty. */
export function fingerprinted(changes: readonly Change[], fingerprintOf: FingerprintOf): readonly Change[] {
  const markOf = (secret: Secret): string => fingerprintMark(fingerprintOf(secret));
  return changes.map((change) => {
    const names = change.verb === "update" ? diffUnits(change).map(({ unit }) => unit) : [];
    const secret = new Set(sidesOf(change).flatMap(({ secrets }) => Object.keys(secrets ?? {})));
    return mappedChange(change, (resource) => shownResource(resource, { names, secret }, markOf));
  });
}

function sidesOf(change: Change): readonly Resource[] {
  return change.verb === "update" ? [change.live, change.desired] : [subjectOf(change)];
}

type MarkOf = (secret: Secret) => string;

interface Units {
  /** Those that differ; without any, the text explains the change. */
  readonly names: readonly string[];
  /** Those that stand for a secret before or after. */
  readonly secret: ReadonlySet<string>;
}

function shownResource(resource: Resource, { names, secret }: Units, markOf: MarkOf): Resource {
  const { secrets, documents, sensitive, ...rest } = resource;
  const units = Object.entries(rest.units).map(([name, value]) => {
    const held = secrets?.[name] ?? (sensitive === true ? new Secret(value) : undefined);
    if (held !== undefined) return [name, markOf(held)] as const;
    if (secret.has(name)) return [name, secretMark] as const;
    const document = documents?.[name];
    // Texts that differ must not become equal words; what stands for them is not shown where they are.
    if (document !== undefined && names.includes(name))
      return [name, `text ${fingerprintIn(markOf(new Secret(value)))}`] as const;
    return [name, wordsOf(value, document)] as const;
  });
  const texts = Object.entries(documents ?? {})
    .filter(([name]) => names.includes(name))
    .map(([name, text]) => [name, withoutSecrets(text, (each) => markOf(new Secret(each)))] as const);
  return {
    ...rest,
    ...(sensitive === undefined ? {} : { sensitive }),
    text: textOf(resource, names.length === 0, markOf),
    units: Object.fromEntries(units),
    ...(documents === undefined ? {} : { documents: Object.fromEntries(texts) }),
  };
}

/** A unit that stands for a text has a fingerprint that tells a person nothing. */
function wordsOf(value: string, document: string | undefined): string {
  if (document !== undefined) return count(document.trimEnd().split("\n").length, "line");
  return /^text [0-9a-f]+$/.test(value) ? "another text" : value;
}

function textOf({ text, sensitive }: Resource, isShown: boolean, markOf: MarkOf): string {
  if (sensitive !== undefined) return markOf(new Secret(text));
  return isShown ? withoutSecrets(text, (each) => markOf(new Secret(each))) : "";
}
