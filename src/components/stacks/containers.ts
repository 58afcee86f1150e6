/** The state of a service's containers. Pure. */
import type { ContainerState } from "../../apis/portainer/index.ts";
import type { ComposeService } from "../../formats/compose/index.ts";

/** A container with what tells its process from the one before it. */
export interface SeenContainer extends ContainerState {
  /** How long its present process is known to have run, in milliseconds. */
  readonly ranMs: number;
  /** How often its restart policy has started it again; 0 where nobody asked, because it has run for long. */
  readonly restarts: number;
}

export interface ServiceState {
  /**
   * "fine": has run for long enough, or is a job that succeeded. "waiting": has not been started. "proving": was started, and
   * whether it stays up is open. "broken": will not come up by itself.
   */
  readonly kind: "fine" | "waiting" | "proving" | "broken";
  /** "running", or what is wrong. */
  readonly reason: string;
  /** The container that it is about. */
  readonly container?: SeenContainer;
}

/**
 * A container that Docker started again this often ends again and again. Docker waits 0.1 s before the first restart and twice
 * as long before each further one, so that by then one that only waits for another service had more than 3 s for it.
 */
export const tooManyRestarts = 5;

/** @param proofMs how long a container's process must have run to be believed, in milliseconds */
export function serviceState(
  service: ComposeService,
  all: readonly SeenContainer[],
  proofMs: number,
): ServiceState {
  const own = all.filter((container) => container.service === service.name);
  if (own.length < service.replicas) {
    const reason = own.length === 0 ? "no container" : `${own.length} of ${service.replicas} containers`;
    return { kind: "waiting", reason };
  }
  const other = own.find(({ image }) => !sameImage(image, service.image ?? ""));
  if (other !== undefined) return { kind: "broken", reason: `runs image ${other.image}`, container: other };
  const states = own.map((container) => containerState(service, container, proofMs));
  const worst = (["broken", "waiting", "proving"] as const).flatMap((kind) =>
    states.filter((state) => state.kind === kind),
  );
  return worst[0] ?? { kind: "fine", reason: "running" };
}

/** The state of a service with what its health check says of it: only one that passes proves it. */
export function provedState(
  service: ComposeService,
  all: readonly SeenContainer[],
  proofMs: number,
): ServiceState {
  const state = serviceState(service, all, proofMs);
  if (state.kind === "broken" || state.kind === "waiting") return state;
  const own = all.filter((container) => container.service === service.name);
  const sick = own.find((container) => healthOf(container) === "unhealthy");
  if (sick !== undefined)
    return { kind: "broken", reason: `${sick.name} is unhealthy: ${sick.status}`, container: sick };
  const starting = own.find((container) => healthOf(container) === "starting");
  if (starting === undefined) return state;
  return { kind: "proving", reason: `is not healthy yet: ${starting.status}`, container: starting };
}

function containerState(service: ComposeService, container: SeenContainer, proofMs: number): ServiceState {
  const { state, status, ranMs, restarts } = container;
  const told = status === "" ? state : `${state}: ${status}`;
  const sofar = `${restarts} ${restarts === 1 ? "restart" : "restarts"} so far`;
  switch (state) {
    case "running":
      if (ranMs >= proofMs) return { kind: "fine", reason: "running" };
      return {
        kind: "proving",
        reason: `has run for ${Math.round(ranMs / 1000)} s${restarts === 0 ? "" : ` (${sofar})`}`,
        container,
      };
    case "created":
      return { kind: "waiting", reason: told, container };
    case "restarting":
      if (restarts < tooManyRestarts) return { kind: "proving", reason: told, container };
      return { kind: "broken", reason: `ends again and again (${sofar}): ${status}`, container };
    default:
      if (hasSucceeded(service, container)) return { kind: "fine", reason: "ended well" };
      return { kind: "broken", reason: told, container };
  }
}

/** A job that ended well and must not start again. */
function hasSucceeded({ restart }: ComposeService, { state, status }: ContainerState): boolean {
  return state === "exited" && /^Exited \(0\)/.test(status) && (restart === "no" || restart === "on-failure");
}

/** What Docker's health checks say: "starting" until they have decided; undefined without one. */
export function healthOf({
  state,
  status,
}: ContainerState): "starting" | "healthy" | "unhealthy" | undefined {
  if (state !== "running") return undefined;
  if (status.includes("(health: starting)")) return "starting";
  if (status.includes("(unhealthy)")) return "unhealthy";
  return status.includes("(healthy)") ? "healthy" : undefined;
}

/** The least time that "Up 5 seconds", "Up About a minute" stand for, in milliseconds; 0 for one that does not run. */
export function uptimeMs(status: string): number {
  if (!status.startsWith("Up ")) return 0;
  if (status.startsWith("Up Less than")) return 0;
  const [, seconds] = /^Up (\d+) seconds?\b/.exec(status) ?? [];
  return seconds === undefined ? 60_000 : Number(seconds) * 1000;
}

/** The engine shows an image by its id once its tag has moved: that tells nothing about the declared one. */
function sameImage(running: string, declared: string): boolean {
  if (running === "" || running.startsWith("sha256:") || declared === "") return true;
  return fullName(running) === fullName(declared);
}

/** "nginx" is "docker.io/library/nginx:latest"; of a tag and a digest the digest counts. */
function fullName(image: string): string {
  const short = image.replace(/^(index\.)?docker\.io\//, "").replace(/^library\//, "");
  const [name = "", digest] = short.split("@");
  const tag = /:[^/:]+$/.exec(name)?.[0];
  if (digest !== undefined) return `${name.slice(0, name.length - (tag?.length ?? 0))}@${digest}`;
  return tag === undefined ? `${name}:latest` : name;
}
