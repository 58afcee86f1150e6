/** What clients notice of new pairs: what their post-renewal commands reload or restart. Changes nothing. */
import type { Impact, Io } from "../../component.ts";
import { hookEffect } from "../../formats/shell/hook.ts";
import { mergedImpacts, noImpact } from "../../impact.ts";
import { type Change, diffUnits, subjectOf } from "../../resource.ts";
import { absence, hookOf } from "./activate.ts";
import { certificateOf } from "./compile.ts";

export async function impact(changes: readonly Change[], io: Io): Promise<Impact> {
  return mergedImpacts(await Promise.all(changes.map((change) => impactOf(change, io))));
}

async function impactOf(change: Change, io: Io): Promise<Impact> {
  const certificate = certificateOf(io.site, subjectOf(change).id);
  const gone = diffUnits(change).flatMap(({ verb, unit }) =>
    verb === "delete" ? [`the certificate no longer names ${unit}`] : [],
  );
  const notices = change.verb === "delete" ? [`${subjectOf(change).id} is removed`] : gone;
  const hook = certificate === undefined ? undefined : hookOf(io.site, certificate);
  if (hook === undefined || change.verb === "delete") return { ...noImpact, notices };
  const effect = hookEffect(hook.argv);
  if ((await absence(io.host(hook.host), effect)) !== undefined) return { ...noImpact, notices };
  return { ...noImpact, notices, activations: [{ kind: effect.kind, unit: effect.unit, host: hook.host }] };
}
