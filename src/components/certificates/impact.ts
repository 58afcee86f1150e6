/** What clients notice of new pairs: what their post-renewal commands reload or restart. Changes nothing. */
import type { Impact, Io } from "../../component.ts";
import { hookEffect } from "../../formats/shell/hook.ts";
import { mergedImpacts, noImpact } from "../../impact.ts";
import { type Change, diffUnits, subjectOf } from "../../resource.ts";
import { absence, hooksOf } from "./activate.ts";
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
  const hooks = certificate === undefined || change.verb === "delete" ? [] : hooksOf(io.site, certificate);
  const activations = await Promise.all(
    hooks.map(async ({ host, argv }): Promise<Impact["activations"]> => {
      const effect = hookEffect(argv);
      const { kind, unit } = effect;
      return (await absence(io.host(host), effect)) === undefined ? [{ kind, unit, host }] : [];
    }),
  );
  return { ...noImpact, notices, activations: activations.flat() };
}
