/** What several failures have in common: a guest that is down. Asked of the guest itself, when something failed. */
import { defined } from "../defined.ts";
import { adviceOn } from "../errors.ts";
import type { Guest } from "../model.ts";
import { mayBeExplained, reasonsOf, speaksOf, textOf } from "./explained.ts";
import type { Cause, ComponentResult } from "./plan.ts";
import { expectedFailure, type RunWorld } from "./world.ts";

/** How long a guest may take to show that it is there, in milliseconds. */
const answerMs = 10_000;

/** The guests that failures speak of and that do not answer. Changes nothing. */
export async function causesOf(
  results: readonly ComponentResult[],
  run: RunWorld,
): Promise<readonly Cause[]> {
  if (run.signal.aborted) return [];
  const texts = results.flatMap((result) => [
    ...reasonsOf(result),
    ...result.checks.filter(mayBeExplained).map(textOf),
  ]);
  const guests = run.site.guests ?? [];
  const named = guests.filter((guest) => texts.some((text) => speaksOf(text, guest)));
  return (await Promise.all(named.map((guest) => silence(guest, run)))).flat();
}

async function silence({ host, address }: Guest, run: RunWorld): Promise<readonly Cause[]> {
  try {
    await run.world.host(host).run({ argv: ["true"], effect: "read", timeoutMs: answerMs });
    return [];
  } catch (thrown) {
    const error = expectedFailure(thrown);
    return [defined({ host, address, reason: error.message, hint: adviceOn(error) })];
  }
}
