/** What clients of a Swarm's service notice while its tasks are replaced one after the other. */
import type { ComposeService } from "../../formats/compose/index.ts";
import { replacesAllAtOnce } from "../../formats/compose/swarm/rollout.ts";
import { isObject } from "../../formats/json/index.ts";
import { backInMs } from "../../formats/traefik/members.ts";
import type { Service } from "../../model.ts";

type Routed = Pick<Service, "backend" | "loadBalancer">;

/**
 * Whether Traefik asks a member again before the next one's task is stopped. Where an update does not pause for so long, all members
 * of a health check may be out at once, and clients get 503 though a task serves.
 */
export function hasTimeToReturn(service: ComposeService, { backend, loadBalancer }: Routed): boolean {
  const { healthCheck = {} } = loadBalancer;
  const isOfNode = service.ports.some(({ published, mode }) => published === backend.port && mode === "host");
  return (
    !isOfNode ||
    !hasSeveralTasks(service) ||
    service.rollout.startsFirst ||
    (isObject(healthCheck) && service.rollout.delayMs >= backInMs(healthCheck))
  );
}

/** What an update would do to the clients of a service with several tasks, and how to mend it; undefined where one always answers. */
export function rolloutFault(
  service: ComposeService,
  routed: Routed,
): { readonly message: string; readonly hint: string } | undefined {
  const { name, rollout, healthcheck, isGlobal, replicas } = service;
  if (!hasSeveralTasks(service)) return undefined;
  if (replacesAllAtOnce(isGlobal ? undefined : replicas, rollout))
    return {
      message: `an update of ${name} replaces all of its tasks at once: its route does not answer meanwhile`,
      hint: "set deploy.update_config.parallelism: 1",
    };
  if (!healthcheck && rollout.delayMs === 0 && !rollout.startsFirst)
    return {
      message: `an update of ${name} goes on as soon as a task has started: its route does not answer until the first new task is ready`,
      hint: "give the service a healthcheck, or set deploy.update_config.delay to the time that it takes to start",
    };
  if ("healthCheck" in routed.loadBalancer && !hasTimeToReturn(service, routed))
    return {
      message: `an update of ${name} stops the next task before Traefik has asked for the one before it again: its route answers 503 meanwhile`,
      hint: "set deploy.update_config.delay to a second more than the interval of Traefik's health check (5s unless labels say otherwise)",
    };
  return undefined;
}

function hasSeveralTasks({ isGlobal, replicas }: ComposeService): boolean {
  return isGlobal || replicas > 1;
}
