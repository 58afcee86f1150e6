/** Watching a deployment until Swarm runs what it was asked to, or will not: the answer to a request for it proves nothing. */
import type { SwarmTask } from "../../../apis/portainer/swarm.ts";
import type { Io } from "../../../component.ts";
import { NotReadyError, TransportError } from "../../../errors.ts";
import type { SwarmServiceSpec } from "../../../formats/compose/swarm/services.ts";
import { lastLines } from "../../../formats/text/last-lines.ts";
import { poll, retry } from "../../../poll.ts";
import { provedMs } from "../watch.ts";
import { isPreparing, rolloutMs, type Sight, type SwarmState, stateOf } from "./state.ts";

/** Swarm's own scheduling, and the start of containers. Milliseconds. */
const schedulingMs = 20_000;

/** How long a machine may take to get an image. Milliseconds. */
const pullMs = 5 * 60_000;

/** A task that its engine says has run for longer needs no look at the clock here, which may differ from the engine's. Milliseconds. */
const longMs = 60_000;

export interface Watched {
  readonly environmentId: number;
  readonly project: string;
  /** The stack's name in messages. */
  readonly name: string;
  readonly services: readonly SwarmServiceSpec[];
  /** The tasks from before: what became of them is not this deployment's doing. All of them, where nothing was deployed. */
  readonly known: ReadonlySet<string> | "all";
}

export type States = ReadonlyMap<string, SwarmState>;

/** What Swarm has of a stack. */
export async function sightOf(
  { apis: { portainer } }: Pick<Io, "apis">,
  environmentId: number,
  project: string,
): Promise<Sight> {
  const [services, tasks, nodes] = await Promise.all([
    portainer.services(environmentId, project),
    portainer.tasks(environmentId, project),
    portainer.nodes(environmentId),
  ]);
  return { services, tasks, nodes };
}

/** The states of a stack's services at one moment. */
export function statesAt(watched: Watched, sight: Sight, isProved: (task: SwarmTask) => boolean): States {
  const { known, project, services } = watched;
  const isKnown = ({ id }: SwarmTask): boolean => known === "all" || known.has(id);
  return new Map(
    services.map((spec) => [spec.name, stateOf(spec, project, sight, isKnown, isProved)] as const),
  );
}

/** Since when tasks have been seen running, by their ids: what a run has watched after a deployment needs no second watch. */
const seen = new WeakMap<Io, Map<string, number>>();

/**
 * Waits until every service runs as asked, one is broken, or the time is up that its file allows.
 * @param until "started" takes a task as soon as it runs; whether it goes on is proved later, for all stacks side by side
 * @returns what was seen last; a service that waits for what does not come is broken by then
 */
export async function settled(
  io: Io,
  watched: Watched,
  until: "started" | "proved" = "proved",
): Promise<States> {
  const startedMs = io.clock.now();
  const since = seen.get(io) ?? new Map<string, number>();
  seen.set(io, since);
  const stuckSince = new Map<string, number>();
  let limitMs = 0;
  let told = 0;
  const isProved = (task: SwarmTask): boolean => {
    const now = io.clock.now();
    if (now - task.sinceMs > longMs + provedMs(io)) return true;
    const first = since.get(task.id) ?? now;
    since.set(task.id, first);
    return until === "started" || now - first >= provedMs(io);
  };
  const look = async (): Promise<States> => {
    const sight = await retry(
      io.clock,
      [1_000, 2_000],
      () => sightOf(io, watched.environmentId, watched.project),
      (error) => error instanceof TransportError || error instanceof NotReadyError,
    );
    const steps = watched.services.map((spec) => rolloutMs(spec, sight.nodes.length));
    limitMs = Math.max(0, ...steps) + schedulingMs + provedMs(io);
    return statesAt(watched, sight, isProved);
  };
  const isDone = (states: States): boolean => {
    const all = [...states];
    if (all.every(([, { kind }]) => kind === "fine") || all.some(([, { kind }]) => kind === "broken"))
      return true;
    const pulls = all.some(([, { task }]) => isPreparing(task));
    const forMs = pulls ? Math.max(limitMs, pullMs) : limitMs;
    if (told !== forMs) io.waiting(`the tasks of ${watched.name}`, forMs);
    told = forMs;
    return isOver(all, watched, stuckSince, io.clock.now()) || io.clock.now() - startedMs >= forMs;
  };
  return poll({ clock: io.clock, forMs: pullMs * 12, pauseMs: 250, longestPauseMs: 1_000 }, look, isDone);
}

/** Whether a service has waited with an error for longer than its old tasks need to give up what it waits for. */
function isOver(
  states: readonly (readonly [string, SwarmState])[],
  { services }: Watched,
  since: Map<string, number>,
  now: number,
): boolean {
  let isOne = false;
  for (const [name, { kind }] of states) {
    if (kind !== "stuck") since.delete(name);
    else {
      const first = since.get(name) ?? now;
      since.set(name, first);
      const grace = services.find((each) => each.name === name)?.rollout.stopGraceMs ?? 0;
      if (now - first >= grace + stuckMs) isOne = true;
    }
  }
  return isOne;
}

/** Milliseconds. */
const stuckMs = 5_000;

/** The last line that a task wrote, to follow a reason; "" when there is none. */
export async function taskWords(io: Io, environmentId: number, task: SwarmTask | undefined): Promise<string> {
  if (task === undefined || task.state === "pending" || task.state === "rejected") return "";
  const log = await io.apis.portainer.taskLogs(environmentId, task.id, 5);
  const last = lastLines(log.trim().split("\n").at(-1) ?? "");
  return last === "" ? "" : `; the end of its log: ${last}`;
}
