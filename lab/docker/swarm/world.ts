/** What a Swarm meets on its machines: whether they run, what their engines refuse, how processes end. */
import type { GuestName } from "../../../src/resource.ts";
import type { LabContext } from "../../context.ts";
import { guestState } from "../../guests.ts";
import { treeOf } from "../../tree.ts";
import { unitOn } from "../../units.ts";
import { mountAll } from "../mounts.ts";
import { isPortainer, startProcess } from "../processes.ts";
import { refusePull } from "../registry.ts";
import { DockerError, type EngineState, fullReference, type ProcessEnd } from "../state.ts";
import { containerSpecOf, mountsOf, volumesOf } from "./containers.ts";
import { imageOf, type SwarmNode, type SwarmState, type SwarmTask } from "./state.ts";

export interface SwarmWorld {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Whether the machine and its engine run. */
  isUp(node: SwarmNode): boolean;
  /** Why the node's engine cannot prepare a task: the task is rejected with these words. */
  refusal(node: SwarmNode, task: SwarmTask): string | undefined;
  /** When and how a task's process ends by itself; undefined for one that runs on. */
  endOf(swarm: SwarmState, task: SwarmTask): ProcessEnd | undefined;
  /** Whether another service, of which the lab knows no more, has every port of the node. */
  isHeld(node: SwarmNode): boolean;
  /** Whether something besides the Swarm's tasks has a port of the machine. */
  isTaken(node: SwarmNode, port: number, protocol: string): boolean;
}

export function worldOf(context: LabContext): SwarmWorld {
  const engine = (host: GuestName) => context.store.read<EngineState>(`docker-${treeOf(host)}`);
  return {
    now: context.clock.now(),
    isUp: ({ host }) => isUp(context, host),
    refusal: ({ host, volumes }, task) => {
      try {
        const image = imageOf(task.spec);
        const known = engine(host)?.images.some(({ reference }) => reference === fullReference(image));
        if (known !== true) refuseImage(context, host, image);
        const made = [...(engine(host)?.volumes ?? []), ...volumes, ...volumesOf(task.spec, 0)];
        mountAll(context, host, mountsOf(task.spec), made);
        return undefined;
      } catch (error) {
        if (error instanceof DockerError) return error.message;
        throw error;
      }
    },
    endOf: (swarm, task) => {
      const { host } = swarm.nodes.find(({ id }) => id === task.node) ?? {};
      if (host !== undefined && context.fault("task-crash", host) !== undefined)
        return { afterMs: 0, exitCode: 1 };
      const spec = containerSpecOf(swarm, task);
      if (isPortainer(spec.image)) return undefined;
      return startProcess(spec, { path: () => undefined, data: "", busy: false }).end;
    },
    isHeld: ({ host }) => context.fault("port-taken", host) !== undefined,
    isTaken: ({ host }, port, protocol) =>
      engine(host)?.containers.some(
        ({ state, ports }) =>
          state === "running" && ports.some((each) => each.host === port && each.protocol === protocol),
      ) === true,
  };
}

/** A machine that is down, or whose engine was stopped, is silent. */
export function isUp(context: Pick<LabContext, "store" | "fault">, host: GuestName): boolean {
  return guestState(context, host) === "running" && unitOn(context, host, "docker")?.state !== "inactive";
}

/** An image that no registry has is not on the machine either: those are a node's own words for it. @throws DockerError */
function refuseImage(context: LabContext, host: GuestName, image: string): void {
  const missing = new DockerError(404, `No such image: ${fullReference(image)}`);
  if (context.fault("image-missing", host) !== undefined) throw missing;
  try {
    refusePull(fullReference(image), undefined);
  } catch (error) {
    throw error instanceof DockerError ? missing : error;
  }
}
