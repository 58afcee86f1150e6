/** As many tasks as a service declares: one for each slot, a new one for each that ended (swarmkit's orchestrators). Pure. */
import { satisfies } from "./schedule.ts";
import {
  containerId,
  isLive,
  isWanted,
  newId,
  objectAt,
  type SwarmService,
  type SwarmState,
  type SwarmTask,
  stamped,
  touch,
} from "./state.ts";

/** Docker's defaults (26.1). Milliseconds. */
const restartDelayMs = 5_000;

/** Tasks that are kept of a slot, the last one among them. */
const taskHistory = 5;

/** @returns whether anything changed */
export function orchestrate(swarm: SwarmState, service: SwarmService): boolean {
  const before = swarm.index;
  if (isRemoved(swarm, service)) return false;
  const slots = wantedSlots(swarm, service);
  for (const task of tasksOf(swarm, service)) {
    if (!isWanted(task)) continue;
    if (!slots.includes(task.slot) || isLost(swarm, task)) endTask(swarm, task);
    else if (!isLive(task)) restart(swarm, service, task);
  }
  for (const slot of slots)
    if (
      !tasksOf(swarm, service).some((task) => task.slot === slot && (isWanted(task) || task.gaveUp === true))
    )
      addTask(swarm, service, slot);
  return swarm.index !== before;
}

export function tasksOf(swarm: SwarmState, { id }: Pick<SwarmService, "id">): readonly SwarmTask[] {
  return swarm.tasks.filter(({ service }) => service === id);
}

function isRemoved(swarm: SwarmState, service: SwarmService): boolean {
  return !swarm.services.includes(service);
}

export function isGlobal({ spec }: Pick<SwarmService, "spec">): boolean {
  return objectAt(spec, "Mode").Global !== undefined;
}

/** "1" to "n", or the nodes that a global service wants a task on. */
export function wantedSlots(swarm: SwarmState, service: SwarmService): readonly string[] {
  const { spec } = service;
  if (isGlobal(service))
    return swarm.nodes
      .filter(
        (node) =>
          node.availability !== "drain" &&
          node.left !== true &&
          satisfies(node, objectAt(spec, "TaskTemplate")) &&
          // A paused node keeps its task, and gets no new one.
          (node.availability === "active" || tasksOf(swarm, service).some((task) => task.slot === node.id)),
      )
      .filter(({ state, id }) => state === "ready" || tasksOf(swarm, service).some(({ slot }) => slot === id))
      .map(({ id }) => id);
  const replicas = objectAt(spec, "Mode", "Replicated").Replicas;
  return Array.from({ length: replicas === undefined ? 1 : Number(replicas) }, (_, at) => String(at + 1));
}

/** Its node is drained, down or gone; a global service's task waits for its node. */
function isLost(swarm: SwarmState, task: SwarmTask): boolean {
  if (task.node === "") return false;
  const node = swarm.nodes.find(({ id }) => id === task.node);
  return node === undefined || node.availability === "drain" || node.state === "down";
}

/** Ends a task: what has not started is over at once, a process is stopped by its node. */
export function endTask(
  swarm: SwarmState,
  task: SwarmTask,
  desired: "shutdown" | "remove" = "shutdown",
): void {
  if (task.desired === desired) return;
  task.desired = desired;
  if (isLive(task) && task.startedAt === undefined) {
    task.state = "shutdown";
    task.message = "shutdown";
    task.since = swarm.at;
    delete task.due;
  } else if (isLive(task)) task.due = swarm.at + stopMs;
  touch(swarm, task);
}

/** How long a process takes to end when it is told to. */
const stopMs = 200;

/** By the restart policy: a new task in its slot, which waits for its turn. */
function restart(swarm: SwarmState, service: SwarmService, task: SwarmTask): void {
  // The one before has its turn first: a rejected task ends the wait that it was made with.
  if (task.notBefore !== undefined && task.notBefore > swarm.at) return;
  const policy = objectAt(task.spec, "RestartPolicy");
  const condition = String(policy.Condition ?? "any") || "any";
  const most = Number(policy.MaxAttempts ?? 0);
  const again = condition === "any" || (condition === "on-failure" && task.state !== "complete");
  endTask(swarm, task);
  if (!again || (most > 0 && task.attempts >= most)) {
    task.gaveUp = true;
    return;
  }
  const delay = policy.Delay === undefined ? restartDelayMs : Number(policy.Delay) / 1e6;
  addTask(swarm, service, task.slot, {
    notBefore: swarm.at + delay,
    attempts: task.attempts + 1,
    node: isGlobal(service) ? task.slot : "",
  });
}

export interface NewTask {
  readonly notBefore?: number;
  readonly after?: string;
  readonly attempts?: number;
  readonly node?: string;
}

/** A new task of the service as it is now. */
export function addTask(
  swarm: SwarmState,
  service: SwarmService,
  slot: string,
  { notBefore, after, attempts = 0, node = isGlobal(service) ? slot : "" }: NewTask = {},
): SwarmTask {
  const id = newId();
  const { Runtime: _, ...spec } = objectAt(service.spec, "TaskTemplate");
  const task: SwarmTask = {
    ...stamped(swarm, id),
    service: service.id,
    slot,
    node,
    spec,
    ports: service.ports,
    desired: notBefore === undefined && after === undefined ? "running" : "ready",
    state: "pending",
    since: swarm.at,
    message: "created",
    container: containerId(id),
    addresses: addressesFor(swarm, service, spec),
    attempts,
    bound: [],
    ...(notBefore === undefined ? {} : { notBefore }),
    ...(after === undefined ? {} : { after }),
  };
  swarm.tasks.push(task);
  const mine = swarm.tasks.filter((each) => each.service === service.id && each.slot === slot);
  const old = mine.filter((each) => !isWanted(each) && !isLive(each));
  const tooMany = old.slice(0, Math.max(0, mine.length - taskHistory));
  swarm.tasks = swarm.tasks.filter((each) => !tooMany.includes(each));
  return task;
}

/** An address in each of its networks, and in the ingress where it publishes a port there. */
function addressesFor(
  swarm: SwarmState,
  service: SwarmService,
  spec: SwarmTask["spec"],
): SwarmTask["addresses"] {
  const networks = Array.isArray(spec.Networks) ? spec.Networks : [];
  const names = networks.map((each) => String(objectAt(each).Target ?? ""));
  const ingress = swarm.networks.find((each) => each.ingress);
  const meshed = service.ports.some(({ mode }) => mode === "ingress");
  return [...(meshed && ingress !== undefined ? [ingress.id] : []), ...names].flatMap((id) => {
    const address = nextAddress(swarm, id);
    return address === undefined ? [] : [{ network: id, address }];
  });
}

/** "10.0.1.2/24"; undefined for a network that is none of the Swarm's. */
export function nextAddress(swarm: SwarmState, id: string): string | undefined {
  const network = swarm.networks.find((each) => each.id === id);
  if (network === undefined) return undefined;
  network.used += 1;
  // The first is the gateway's.
  return `${network.base}.${1 + (network.used % 253)}/24`;
}
