/** The last words of a sync or verify: what is in place now, made from what happened, and what to do next. */
import { isWaiting, type RunResult, type Unsettled } from "../engine/plan.ts";
import { type ExitCode, exitCodes } from "../errors.ts";
import type { ResourceId } from "../resource.ts";
import { tallyOf } from "./summary.ts";
import { count, oneLine, shortList } from "./words.ts";

const again = "Run the same command again to continue.";

/** @param cut why the run ended early: "Interrupted" */
export function closingWords(result: RunResult, exitCode: ExitCode, cut: string | undefined): string {
  const words = result.command === "verify" ? ofVerify(result, exitCode) : ofSync(result, exitCode, cut);
  const all = [...(cut === undefined ? [] : [`${cut}.`]), ...words];
  return exitCode === exitCodes.converged && all.length === 0 ? "" : [...all, `(exit ${exitCode})`].join(" ");
}

function ofVerify({ components }: RunResult, exitCode: ExitCode): readonly string[] {
  if (exitCode === exitCodes.unverified) return [unverified];
  if (exitCode === exitCodes.converged) return [];
  const done = components.filter(({ outcome, checks }) => outcome !== "interrupted" && checks.length > 0);
  return [
    "Not everything could be checked.",
    `${done.length} of ${count(components.length, "component")} were verified.`,
  ];
}

const unverified = "Verification failed: the live systems are not as declared.";

function ofSync(result: RunResult, exitCode: ExitCode, cut: string | undefined): readonly string[] {
  if (exitCode === exitCodes.converged) return [];
  if (exitCode === exitCodes.unverified) return [unverified];
  const { created, updated, deleted, reloads, restarts, skipped, checksWaiting } = tallyOf(result);
  const inPlace = created + updated + deleted;
  const left = leftBehind(result);
  const isUntouched = inPlace + reloads + restarts === 0 && left.length === 0;
  const isAll = result.components.every(
    (one) => one.outcome === "changed" || one.outcome === "unchanged" || isWaiting(one),
  );
  const held = result.components.flatMap((component) => component.held ?? []);
  return [
    ...(isUntouched ? ["Nothing was changed."] : []),
    ...(inPlace > 0
      ? [
          isAll
            ? held.length > 0
              ? "The other changes are in place."
              : "All changes are in place."
            : "Partly applied.",
        ]
      : []),
    ...left,
    ...(held.length === 0
      ? []
      : [`${named(held)} ${held.length === 1 ? "waits" : "wait"} for the reason given above.`]),
    ...(checksWaiting === 0 ? [] : [`${count(checksWaiting, "check")} waited for a later component.`]),
    ...(skipped === 0 || held.length > 0 || skipped === result.components.length
      ? []
      : [`${count(skipped, "component")} ${skipped === 1 ? "was" : "were"} skipped.`]),
    ...(cut !== undefined || exitCode === exitCodes.partial ? [again] : []),
  ];
}

/** What is said of resources that were touched and are not in place. */
const sayings: Readonly<Record<Unsettled["found"], (names: string, isOne: boolean) => string>> = {
  neither: (names, isOne) => `${names} ${isOne ? "is" : "are"} neither as before nor as declared.`,
  unproven: (names, isOne) => `${names} ${isOne ? "is" : "are"} as before, but that may not be active yet.`,
  reverting: (names) => `An armed undo restores the previous state of ${names}.`,
  "runs previous": (names, isOne) =>
    `The previous version of ${names} runs; nothing else of ${isOne ? "it" : "them"} could be seen.`,
  "runs new": (names, isOne) =>
    `The new version of ${names} runs; nothing else of ${isOne ? "it" : "them"} could be seen.`,
  unknown: (names) => `What is in place of ${names} could not be seen.`,
};

/** Sentences about what was touched and is not in place. */
function leftBehind({ components }: RunResult): readonly string[] {
  const restored = components.flatMap((component) => component.restored);
  const unsettled = components.flatMap((component) => component.unsettled);
  const back = restored.length === 0 ? [] : [`The previous state of ${named(restored)} is active again.`];
  const kinds = (Object.keys(sayings) as (keyof typeof sayings)[]).flatMap((kind) => {
    const ids = unsettled.filter(({ found }) => found === kind).map(({ id }) => id);
    return ids.length === 0 ? [] : [sayings[kind](named(ids), ids.length === 1)];
  });
  return [...back, ...kinds];
}

function named(ids: readonly ResourceId[]): string {
  return shortList(ids.map(oneLine), 3);
}
