/** The state of a service's containers. Pure. */
import type { ContainerState } from "../../apis/portainer/index.ts";
import type { ComposeService } from "../../formats/compose/index.ts";

export interface ServiceState {
  /** "fine": runs, or is a job that succeeded. "waiting": may still come up. "broken": will not come up by itself. */
  readonly kind: "fine" | "waiting" | "broken";
  /** "running", or what is wrong. */
  readonly reason: string;
  /** The container that it is about. */
  readonly container?: ContainerState;
}

export function serviceState(service: ComposeService, all: readonly ContainerState[]): ServiceState {
  const own = all.filter((container) => container.service === service.name);
  if (own.length < service.replicas) {
    const reason = own.length === 0 ? "no container" : `${own.length} of ${service.replicas} containers`;
    return { kind: "waiting", reason };
  }
  const other = own.find(({ image }) => !sameImage(image, service.image ?? ""));
  if (other !== undefined) return { kind: "broken", reason: `runs image ${other.image}`, container: other };
  for (const container of own) {
    if (container.state === "running" || hasSucceeded(service, container)) continue;
    const reason = container.status === "" ? container.state : `${container.state}: ${container.status}`;
    const kind = container.state === "created" ? "waiting" : "broken";
    return { kind, reason, container };
  }
  return { kind: "fine", reason: "running" };
}

/** A job that ended well and must not start again. */
function hasSucceeded({ restart }: ComposeService, { state, status }: ContainerState): boolean {
  return state === "exited" && /^Exited \(0\)/.test(status) && (restart === "no" || restart === "on-failure");
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
