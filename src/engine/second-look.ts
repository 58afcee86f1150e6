/** What is in place after a change went wrong: asked of the machines, not of the run's own memory. */
import type { Io, RunningVersion } from "../component.ts";
import { poll } from "../poll.ts";
import { type Change, type Resource, type ResourceId, subjectOf } from "../resource.ts";
import { Turn } from "./turn.ts";
import { expectedFailure, type RunWorld } from "./world.ts";

/** What a look found of a change: made, not made, something else, or nothing that could be seen. */
export type Found = "in place" | "as before" | "neither" | "unknown";

/** How long to look again while something is on its way or does not answer, in milliseconds. */
const patienceMs = 10_000;
const pauseMs = 1_000;

export type Sight = ReadonlyMap<ResourceId, Found>;

/** Reads a component once more and says of each change what is in place. Changes nothing; an interruption throws. */
export async function look(turn: Turn, run: RunWorld, changes: readonly Change[]): Promise<Sight> {
  // Its notes and failures were reported when it was read for the plan.
  const quiet = new Turn({ ...run, emit: () => {} }, turn.component);
  const unread = new Set<ResourceId>();
  const io: Io = {
    ...quiet.io,
    unread: (ids) => {
      for (const id of ids) unread.add(id);
    },
  };
  let live: readonly Resource[];
  try {
    const { component } = turn;
    live = [...(await component.read(io)), ...((await component.readForeign?.(changes, io)) ?? [])];
  } catch (error) {
    expectedFailure(error);
    return new Map(changes.map((change) => [subjectOf(change).id, "unknown"]));
  }
  const byId = new Map(live.map((resource) => [resource.id, resource]));
  return new Map(
    changes.map((change) => {
      const { id } = subjectOf(change);
      return [id, unread.has(id) ? "unknown" : found(change, byId.get(id))];
    }),
  );
}

/** The same until everything is settled one way or the other, for a while: containers take their time, servers come back. */
export async function lookUntilSettled(
  turn: Turn,
  run: RunWorld,
  changes: readonly Change[],
): Promise<Sight> {
  const isSettled = (seen: Sight): boolean =>
    [...seen.values()].every((each) => each === "in place" || each === "as before");
  if (changes.length === 0) return new Map();
  const { clock } = run.world;
  return poll({ clock, forMs: patienceMs, pauseMs }, () => look(turn, run, changes), isSettled);
}

/** What runs of changes that could not be seen: their component may have another way to its machines. */
export async function runningVersions(
  { component, io }: Turn,
  unseen: readonly Change[],
): Promise<ReadonlyMap<ResourceId, `runs ${RunningVersion}`>> {
  const found = unseen.length === 0 ? undefined : await component.readRunning?.(unseen, io);
  return new Map([...(found ?? [])].map(([id, version]) => [id, `runs ${version}`]));
}

function found(change: Change, live: Resource | undefined): Found {
  const before = change.verb === "create" ? undefined : change.live;
  const after = change.verb === "delete" ? undefined : change.desired;
  // What could be seen neither before nor now is as before, as far as anybody can tell.
  if (live?.unread) return before?.unread ? "as before" : "unknown";
  if (live?.text === after?.text) return "in place";
  return live?.text === before?.text ? "as before" : "neither";
}
