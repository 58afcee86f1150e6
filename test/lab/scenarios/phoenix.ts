/** Calling phoenix on a lab in this process, and what its documents say. */

import type { ComponentName } from "../../../src/component.ts";
import type { ErrorDocument, PlanDocument, ResultDocument } from "../../../src/render/output-schemas.ts";
import { call, type Said } from "../../cli/edge.ts";

interface Changing {
  readonly components: readonly { readonly changes: readonly { readonly id: string }[] }[];
}

export interface Answered<Document> extends Said {
  readonly document: Document;
}

export async function planOf(lab: string, ...more: readonly string[]): Promise<Answered<PlanDocument>> {
  return answered(await call(["plan", "--lab", lab, "--output", "json", ...more]));
}

export async function syncAll(lab: string, ...more: readonly string[]): Promise<Answered<ResultDocument>> {
  return answered(await call(["sync", "all", "--lab", lab, "--output", "json", ...more]));
}

/** A sync of these components only; what they build on is verified. */
export async function syncOf(
  lab: string,
  ...components: readonly ComponentName[]
): Promise<Answered<ResultDocument>> {
  return answered(await call(["sync", ...components, "--lab", lab, "--output", "json"]));
}

export async function verifyOf(lab: string, ...more: readonly string[]): Promise<Answered<ResultDocument>> {
  return answered(await call(["verify", "--lab", lab, "--output", "json", ...more]));
}

/** The ids of everything that a plan would change or a sync has changed, sorted. */
export function changedIds({ components }: Changing): readonly string[] {
  return components.flatMap(({ changes }) => changes.map(({ id }) => id)).sort();
}

/** Why a run did not end well: the components that did not, and their failed checks. */
export function complaints(document: ResultDocument | ErrorDocument): readonly string[] {
  // A run that did not come to a result says why.
  if (!("components" in document)) return [`${document.kind}: ${document.message}`];
  return document.components.flatMap(({ component, outcome, reason, checks }) => [
    ...(outcome === "changed" || outcome === "unchanged" ? [] : [`${component} ${outcome}: ${reason}`]),
    ...checks
      .filter(({ status }) => status === "fail")
      .map(({ claim, observed }) => `${component}: check failed: ${claim}; ${observed}`),
  ]);
}

export function idle({ components }: ResultDocument): boolean {
  return components.every(({ changes, activations }) => changes.length === 0 && activations.length === 0);
}

function answered<Document>(said: Said): Answered<Document> {
  try {
    return { ...said, document: JSON.parse(said.stdout) as Document };
  } catch {
    throw new Error(`no document (exit code ${said.code}): ${said.stdout}${said.stderr}`);
  }
}
