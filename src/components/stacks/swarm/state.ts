/** Whether Swarm runs a service as it was asked to: by the service's spec, its update and its tasks. Pure. */
import type { SwarmService, SwarmTask } from "../../../apis/portainer/swarm.ts";
import type { SwarmServiceSpec } from "../../../formats/compose/swarm/services.ts";
import type { SwarmNode } from "../../../swarm-node.ts";
import { mismatch } from "./facts.ts";

/** A stack's services and tasks, and the machines of its Swarm, at one moment. */
export interface Sight {
  readonly services: readonly SwarmService[];
  readonly tasks: readonly SwarmTask[];
  readonly nodes: readonly SwarmNode[];
}

export interface SwarmState {
  /**
   * "fine": runs as asked. "waiting": does not yet. "stuck": waits for what may never come, with an error. "broken": Swarm has given
   * up, or will.
   */
  readonly kind: "fine" | "waiting" | "stuck" | "broken";
  /** "running", or what is wrong. */
  readonly reason: string;
  /** The task that it is about. */
  readonly task?: SwarmTask;
}

/** @param known tasks whose failure is not this deployment's; @param isProved whether a running task has run for long enough */
export function stateOf(
  spec: SwarmServiceSpec,
  project: string,
  { services, tasks, nodes }: Sight,
  known: (task: SwarmTask) => boolean,
  isProved: (task: SwarmTask) => boolean,
): SwarmState {
  const service = services.find(({ name }) => name === `${project}_${spec.name}`);
  // Swarm has a new spec as soon as it is sent: one that is not there will not come.
  if (service === undefined) return { kind: "broken", reason: "no service" };
  const { update } = service;
  const own = tasks.filter(({ serviceId }) => serviceId === service.id);
  if (update !== undefined && /^(?:paused|rollback_)/.test(update.state)) {
    const blamed = own.find(({ id }) => update.message.includes(id));
    const words = blamed === undefined ? "" : `; ${wordsOf(blamed)}`;
    const reason = `its update is ${update.state}: ${update.message}${words}`;
    return { kind: "broken", reason, ...(blamed && { task: blamed }) };
  }
  const current = own.filter(({ template }) => template === service.template);
  const failed = current.find((task) => hasFailed(task) && !known(task));
  if (failed !== undefined) return { kind: "broken", reason: wordsOf(failed), task: failed };
  const other = mismatch(spec, service);
  if (other !== undefined) return { kind: "broken", reason: `runs another version (${other})` };
  return tasksState(spec, service, { own, current, nodes }, isProved);
}

function tasksState(
  spec: SwarmServiceSpec,
  service: SwarmService,
  {
    own,
    current,
    nodes,
  }: {
    readonly own: readonly SwarmTask[];
    readonly current: readonly SwarmTask[];
    readonly nodes: readonly SwarmNode[];
  },
  isProved: (task: SwarmTask) => boolean,
): SwarmState {
  const expected = expectedTasks(spec, service, nodes);
  const wanted = own.filter(({ desired }) => desired === "running");
  const running = current.filter(({ desired, state }) => desired === "running" && state === "running");
  const ended = spec.mayEnd ? current.filter(({ state }) => state === "complete") : [];
  const open = wanted.find((task) => !running.includes(task));
  if (running.length + ended.length < expected) {
    const count = `${running.length} of ${expected} tasks run`;
    const why = open === undefined ? "" : `; ${wordsOf(open)}`;
    const isStuck = open !== undefined && open.state === "pending" && open.error !== "";
    return { kind: isStuck ? "stuck" : "waiting", reason: `${count}${why}`, ...(open && { task: open }) };
  }
  if (service.update?.state === "updating")
    return { kind: "waiting", reason: "is being updated", ...(open && { task: open }) };
  const young = running.find((task) => !isProved(task));
  if (young !== undefined) return { kind: "waiting", reason: "has just been started", task: young };
  return { kind: "fine", reason: "running" };
}

/** A service that publishes a port of its machines has at most one task on each; one that is global exactly one. */
function expectedTasks(
  { replicas, ports, mayEnd }: SwarmServiceSpec,
  { container: { constraints } }: SwarmService,
  nodes: readonly SwarmNode[],
): number {
  const usable = nodes.filter(
    (node) => isUsable(node) && constraints.every((each) => fits(node, each)),
  ).length;
  if (replicas === undefined) return mayEnd ? 0 : usable;
  const isOnePerNode = ports.some(({ mode, published }) => mode === "host" && published !== undefined);
  // Without any usable node it is not as asked, whatever it publishes.
  return isOnePerNode && usable > 0 ? Math.min(replicas, usable) : replicas;
}

function isUsable({ state, availability }: SwarmNode): boolean {
  return state === "ready" && availability === "active";
}

/** Docker's constraints; one of a kind that is not known here is taken as met. */
function fits(node: SwarmNode, constraint: string): boolean {
  const [, key = "", operator, value = ""] = /^\s*([\w.-]+)\s*(==|!=)\s*(.*?)\s*$/.exec(constraint) ?? [];
  const label = /^node\.labels\.(.+)$/.exec(key)?.[1];
  const known: Readonly<Record<string, string>> = {
    "node.role": node.role,
    "node.hostname": node.name,
    "node.id": node.id,
    "node.platform.os": node.os,
  };
  const seen = label === undefined ? known[key] : (node.labels[label] ?? "");
  if (seen === undefined) return true;
  return (seen.toLowerCase() === value.toLowerCase()) === (operator === "==");
}

function hasFailed({ state }: SwarmTask): boolean {
  return ["failed", "rejected", "orphaned"].includes(state);
}

/** "task 2 is rejected: No such image: nginx:9". */
function wordsOf({ slot, state, error }: SwarmTask): string {
  const task = slot === undefined ? "a task" : `task ${slot}`;
  return `${task} is ${state}${error === "" ? "" : `: ${error}`}`;
}

/** A task that its machine still gets ready: its image may be on its way. */
export function isPreparing(task: SwarmTask | undefined): boolean {
  return (
    task !== undefined && ["assigned", "accepted", "preparing", "ready", "starting"].includes(task.state)
  );
}

/** How long an update takes at most, image pulls aside, in milliseconds: each step stops, starts and watches some of its tasks. */
export function rolloutMs({ replicas, rollout }: SwarmServiceSpec, nodes: number): number {
  const { parallelism, delayMs, monitorMs, stopGraceMs, healthMs } = rollout;
  const tasks = Math.max(1, replicas ?? nodes);
  const steps = parallelism === 0 ? 1 : Math.ceil(tasks / parallelism);
  return steps * (stopGraceMs + monitorMs + delayMs + healthMs);
}
