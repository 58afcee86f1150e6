/** Which target gets which news, and what is kept of a notice that did not arrive. Pure. */
import type { News, Notice, NoticeMemory, NoticeTarget, Undelivered } from "../notice.ts";
import type { Delivery, Letter } from "./deliver.ts";

/** How often one notice is sent to one target: when it is news, and once more by the next run. */
const mostAttempts = 2;
/** Undelivered notices that are kept; the oldest are dropped. */
const mostKept = 50;

/**
 * What a run leaves to be sent: the undelivered notices of the run before and the new one, each with an attempt counted before it
 * is made, so that a run that is killed while it sends is followed by one more attempt and not by an endless row of them.
 */
export function queued(
  before: readonly Undelivered[],
  notice: Notice,
  targets: readonly NoticeTarget[],
): readonly Undelivered[] {
  const fresh = targets.flatMap((target): Undelivered[] => {
    const news = notice.news.filter((each) => isWanted(each, target));
    return news.length === 0 ? [] : [{ target: target.name, attempts: 1, notice: { ...notice, news } }];
  });
  const again = before
    .filter(({ target, attempts }) => attempts < mostAttempts && targets.some(({ name }) => name === target))
    .map((each) => ({ ...each, attempts: each.attempts + 1 }));
  return [...again, ...fresh].slice(-mostKept);
}

/** Of what is well again, whether the target was told that it was not. */
function isWanted({ event, was }: News, { events }: NoticeTarget): boolean {
  return events.includes(event) && (event !== "recovered" || was === undefined || events.includes(was));
}

export function lettersOf(
  queue: readonly Undelivered[],
  targets: readonly NoticeTarget[],
): readonly Letter[] {
  return queue.flatMap(({ target: wanted, notice }) => {
    const target = targets.find(({ name }) => name === wanted);
    return target === undefined ? [] : [{ target, notice }];
  });
}

/** What is left of the queue: the next run tries it, or forgets it. */
export function undeliveredOf(
  queue: readonly Undelivered[],
  deliveries: readonly Delivery[],
): NoticeMemory["undelivered"] {
  const arrived = deliveries.filter(({ failure }) => failure === undefined);
  return queue.filter(
    ({ target, notice }) =>
      !arrived.some((each) => each.target.name === target && each.notice.id === notice.id),
  );
}

/** Whether a failed letter is tried once more. */
export function isTriedAgain(queue: readonly Undelivered[], { target, notice }: Delivery): boolean {
  return queue.some(
    (each) => each.target === target.name && each.notice.id === notice.id && each.attempts < mostAttempts,
  );
}
