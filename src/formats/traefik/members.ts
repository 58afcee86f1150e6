/** Load balancing over the members of a Swarm: which of them runs a task changes without anybody's telling the mesh. */
import { parseDuration } from "../go/values.ts";
import { isObject, type JsonObject } from "../json/index.ts";

interface Machines {
  readonly address: string;
  readonly others?: readonly string[];
}

/** Where a route's requests may go, in the order declared. */
export function machinesOf({ address, others = [] }: Machines): readonly string[] {
  return [...new Set([address, ...others])];
}

/**
 * How long a connection to one member may take before the next one is asked. With Traefik's own 30 s a client would wait for a
 * machine that has lost its power. On one network a connection takes a millisecond.
 */
export const dialTimeout = "500ms";

/**
 * How often a request may meet each member. Traefik takes turns over all requests together, so that one of many may meet the same
 * silent member again and again: with two attempts on two members a client of 25 requests a second lost every sixth while a task
 * moved, with this many one in thousands.
 */
const attemptsEach = 6;

/**
 * The middleware that asks the other members when one cannot be connected to; undefined where there is one machine. Traefik repeats
 * no request that a backend has received (3.0 to 3.7), so this is safe for every method.
 */
export function retryOf(
  backend: Machines,
): { readonly name: string; readonly options: JsonObject } | undefined {
  const { length: machines } = machinesOf(backend);
  if (machines === 1) return undefined;
  return { name: `phoenix-retry-${machines}`, options: { retry: { attempts: machines * attemptsEach } } };
}

const memberInterval = "5s";

/** A member that works answers within this. Milliseconds. */
const answerMs = 1_000;

/**
 * How long it may take until Traefik finds that a member which was out works again, in milliseconds. @param healthCheck as declared; an
 * interval without a unit is one of seconds
 */
export function backInMs({ interval = memberInterval }: JsonObject): number {
  return milliseconds(interval) + answerMs;
}

function milliseconds(interval: unknown): number {
  const text = /^\d+$/.test(`${interval}`) ? `${interval}s` : `${interval}`;
  return (parseDuration(text) ?? 0) / 1e6;
}

/**
 * The declared health check with an interval of seconds instead of Traefik's half minute; undefined where none is declared: Traefik
 * takes only answers below 400 for healthy, and where an application answers 401 to a path that was guessed, all of its members
 * are out: clients get 503 (3.0.4 and 3.7.15). An answer may take nearly as long as the interval: members that are busy for a moment
 * must not be taken out, all of them at once. Traefik lengthens an interval that is not longer than the timeout.
 */
export function memberCheck({ healthCheck }: JsonObject): JsonObject | undefined {
  if (!isObject(healthCheck)) return undefined;
  const { interval = memberInterval } = healthCheck;
  return { interval, timeout: `${milliseconds(interval) * 0.8}ms`, ...healthCheck };
}
