/** Guards that look at a plan before anything is touched. Each names its rule, its numbers, and the consent that overrides it. */
import type { ComponentName, Hazard } from "../component.ts";
import { RefusedError } from "../errors.ts";
import { option } from "../option-names.ts";
import { type Change, diffUnits } from "../resource.ts";
import type { ComponentPlan } from "./plan.ts";

/** Shrinking is judged only where there is enough to lose; the numbers follow octoDNS (30 % of at least 10 records). */
const smallestJudged = 10;
const largestShareLost = 0.3;

/** A resource that would lose a large share of what it says: the sign of an emptied or truncated configuration. */
export function shrinkHazards(component: ComponentName, changes: readonly Change[]): readonly Hazard[] {
  return changes.flatMap((change): Hazard[] => {
    if (change.verb !== "update") return [];
    const before = Object.keys(change.live.units).length;
    const lost = diffUnits(change).filter(({ verb }) => verb === "delete").length;
    // The last entry of a small list goes as it came; a list that ends at once is suspicious whatever its size.
    const emptied = before > 1 && Object.keys(change.desired.units).length === 0;
    if (!emptied && (before < smallestJudged || lost / before <= largestShareLost)) return [];
    const share = Math.round((lost / before) * 100);
    return [
      {
        consent: `${component}-shrink`,
        message: emptied
          ? `${change.desired.id} would lose all of its ${before} entries`
          : `${change.desired.id} would lose ${lost} of its ${before} entries (${share} %, the limit is ${largestShareLost * 100} %)`,
        hint: `if that is what you want, repeat the command with ${option.allow} ${component}-shrink; \`phoenix plan ${option.only} ${component}\` lists them`,
      },
    ];
  });
}

/** What a sync of this plan is refused for: every hazard that has no consent. */
export function refusalOf(
  parts: readonly Pick<ComponentPlan, "hazards">[],
  allowed: ReadonlySet<string>,
): RefusedError | undefined {
  const refused = parts
    .flatMap(({ hazards }) => hazards)
    .filter(({ consent }) => consent === undefined || !allowed.has(consent));
  if (refused.length === 0) return undefined;
  const place = ({ from }: Hazard): string =>
    from === undefined ? "" : `\n  ${from.file}:${from.line}:${from.column}`;
  // Several components may meet the same thing.
  const messages = new Set(refused.map((hazard) => `${hazard.message}${place(hazard)}`));
  const hints = new Set(refused.map(hintOf));
  return new RefusedError(`refused: ${[...messages].join("\n  and ")}`, { hint: [...hints].join("\n") });
}

/** @throws RefusedError for a plan with a hazard that has no consent, before anything is touched */
export function refuseUnsafe(
  parts: readonly Pick<ComponentPlan, "hazards">[],
  allowed: ReadonlySet<string>,
): void {
  const refusal = refusalOf(parts, allowed);
  if (refusal !== undefined) throw refusal;
}

function hintOf({ consent, foreign, hint }: Hazard): string {
  if (hint !== undefined) return hint;
  if (foreign?.takeover === undefined)
    return `repeat the command with ${option.allow} ${consent} to do it all the same`;
  return `repeat the command with ${option.allow} ${consent} to take over what is foreign; \`phoenix plan\` lists what that does`;
}
