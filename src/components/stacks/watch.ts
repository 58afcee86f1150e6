/** Watching the containers of a stack: by the identity of their processes, which no restart between two looks can imitate. */
import type { ContainerState, PortainerApi } from "../../apis/portainer/index.ts";
import type { Io } from "../../component.ts";
import { lastLines } from "../../formats/text/last-lines.ts";
import { poll } from "../../poll.ts";
import { healthOf, provedState, type SeenContainer, serviceState, uptimeMs } from "./containers.ts";
import type { StackTarget } from "./facts.ts";

/** How long containers may take to be started, and to stay up then, health checks aside. Milliseconds. */
const startMs = 60_000;

/** Health checks that take longer than this are not waited for. Milliseconds. */
const longestMs = 15 * 60_000;

/** Looks at the containers of one stack, again and again. */
export class Watch {
  readonly #io: Io;
  readonly #environmentId: number;
  readonly #project: string;
  /** Since when the process of a container is known to run, in milliseconds since the epoch; by its identity. */
  readonly #since = new Map<string, number>();
  /** How long the slowest health check may take from now on. Milliseconds. */
  healthMs = 0;

  constructor(io: Io, environmentId: number, { stack }: Pick<StackTarget, "stack">) {
    this.#io = io;
    this.#environmentId = environmentId;
    this.#project = stack.project;
  }

  /** The containers as they are now. */
  async look(): Promise<readonly SeenContainer[]> {
    const containers = await this.#api.containers(this.#environmentId, this.#project);
    this.healthMs = 0;
    return Promise.all(containers.map((container) => this.#seen(container)));
  }

  get #api(): PortainerApi {
    return this.#io.apis.portainer;
  }

  /** Only about one that has not run for long the engine is asked more. */
  async #seen(container: ContainerState): Promise<SeenContainer> {
    const { id, state, status } = container;
    const isStarting = healthOf(container) === "starting";
    const ranMs = uptimeMs(status);
    const isOpen =
      (state === "running" && ranMs < provedMs(this.#io)) || state === "restarting" || isStarting;
    if (!isOpen) return { ...container, ranMs, restarts: 0 };
    const life = await this.#api.containerLife(this.#environmentId, id);
    if (life === undefined) return { ...container, state: "removed", ranMs: 0, restarts: 0 };
    if (isStarting) this.healthMs = Math.max(this.healthMs, life.healthMs);
    const identity = `${id} ${life.startedAt} ${life.restarts}`;
    return { ...container, ranMs: this.#ranMs(identity, ranMs), restarts: life.restarts };
  }

  /** What was told of a process before its identity was first seen may be about the one before it, and counts for nothing. */
  #ranMs(identity: string, toldMs: number): number {
    const now = this.#io.clock.now();
    const known = this.#since.get(identity);
    const since = known === undefined ? now : Math.min(known, now - toldMs);
    this.#since.set(identity, since);
    return now - since;
  }
}

/** How long a container must have run until it is believed, in milliseconds. */
export function provedMs({ site }: Pick<Io, "site">): number {
  return (site.portainer ?? site.externalPortainer)?.settleMs ?? 0;
}

/** Waits until every service has been started, one is broken, or the time is up. @returns what was seen last */
export function started(
  io: Io,
  watch: Watch,
  { services }: Pick<StackTarget, "services">,
): Promise<readonly SeenContainer[]> {
  const isDone = (seen: readonly SeenContainer[]): boolean => {
    const kinds = services.map((service) => serviceState(service, seen, provedMs(io)).kind);
    return kinds.includes("broken") || !kinds.includes("waiting");
  };
  return poll({ clock: io.clock, forMs: startMs, pauseMs: 500 }, () => watch.look(), isDone);
}

/**
 * Waits until what was started has run for long enough and its health checks have decided, one is broken or unhealthy, or
 * the time is up. What has run for long costs one look. @returns what was seen last
 */
export function proved(
  io: Io,
  watch: Watch,
  { stack, services }: Pick<StackTarget, "stack" | "services">,
): Promise<readonly SeenContainer[]> {
  const startedMs = io.clock.now();
  let told = "";
  const isDone = (seen: readonly SeenContainer[]): boolean => {
    const kinds = services.map((service) => provedState(service, seen, provedMs(io)).kind);
    if (kinds.includes("broken") || !kinds.includes("proving")) return true;
    const limitMs = Math.max(startMs, Math.min(watch.healthMs, longestMs));
    const names = seen.filter((each) => healthOf(each) === "starting").map(({ name }) => name);
    const what = names.length === 0 ? `${stack.name} to stay up` : `the health of ${names.join(", ")}`;
    if (told !== what) io.waiting(what, limitMs);
    told = what;
    return io.clock.now() - startedMs >= limitMs;
  };
  return poll(
    { clock: io.clock, forMs: longestMs, pauseMs: 250, longestPauseMs: 1_000 },
    () => watch.look(),
    isDone,
  );
}

/** The last line that a container wrote, to follow a reason; "" when there is none. */
export async function lastWords(
  io: Io,
  environmentId: number,
  container: SeenContainer | undefined,
): Promise<string> {
  const log =
    container === undefined ? "" : await io.apis.portainer.containerLogs(environmentId, container.id, 5);
  const last = lastLines(log.trim().split("\n").at(-1) ?? "");
  return last === "" ? "" : `; the end of its log: ${last}`;
}
