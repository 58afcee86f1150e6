/** Which node a task goes to, and why none takes it (swarmkit's scheduler of Docker 26.1). Pure. */
import type { YamlObject } from "../compose-values.ts";
import {
  isLive,
  isWanted,
  objectAt,
  type SwarmNode,
  type SwarmState,
  type SwarmTask,
  textsAt,
  touch,
} from "./state.ts";
import type { SwarmWorld } from "./world.ts";

/** A reason that rules nodes out, and its words for a number of them. */
interface Filter {
  readonly admits: (node: SwarmNode) => boolean;
  readonly words: (nodes: number) => string;
}

/** Gives nodes to tasks that have none, or says why they wait. @returns whether anything changed */
export function schedule(swarm: SwarmState, world: SwarmWorld): boolean {
  let changed = false;
  for (const task of swarm.tasks) {
    if (task.state !== "pending" || !isWanted(task)) continue;
    const before = JSON.stringify(task);
    place(swarm, world, task);
    if (JSON.stringify(task) === before) continue;
    touch(swarm, task);
    changed = true;
  }
  return changed;
}

function place(swarm: SwarmState, world: SwarmWorld, task: SwarmTask): void {
  const nodes = task.node === "" ? swarm.nodes : swarm.nodes.filter(({ id }) => id === task.node);
  const ruledOut = new Map<Filter, number>();
  const all = filters(swarm, world, task);
  const fit = nodes.filter((node) => {
    const failing = all.find(({ admits }) => !admits(node));
    if (failing !== undefined) ruledOut.set(failing, (ruledOut.get(failing) ?? 0) + 1);
    return failing === undefined;
  });
  const [best] = fit.toSorted((a, b) => load(swarm, task, a) - load(swarm, task, b));
  if (best === undefined) {
    const reasons = [...ruledOut].sort(([, a], [, b]) => b - a).map(([{ words }, count]) => words(count));
    task.message = "pending task scheduling";
    // A global service's task has its node already: only the node's own reason is said.
    task.error =
      task.node !== "" || reasons.length === 0
        ? (reasons[0] ?? "no suitable node")
        : `no suitable node (${reasons.join("; ")})`;
    return;
  }
  task.node = best.id;
  task.state = "assigned";
  task.message = "scheduler assigned task to node";
  task.since = swarm.at;
  delete task.error;
  task.due = swarm.at;
}

/** Tasks of the same service weigh more than all others together. */
function load(swarm: SwarmState, task: SwarmTask, node: SwarmNode): number {
  const there = swarm.tasks.filter((each) => each.node === node.id && isWanted(each) && isLive(each));
  return there.filter(({ service }) => service === task.service).length * 10_000 + there.length;
}

const nodeCount = (count: number): string => `${count} ${count === 1 ? "node" : "nodes"}`;

function filters(swarm: SwarmState, world: SwarmWorld, task: SwarmTask): readonly Filter[] {
  const most = Number(objectAt(task.spec, "Placement").MaxReplicas ?? 0);
  return [
    {
      admits: ({ state, availability }) => state === "ready" && availability === "active",
      words: (count) => `${nodeCount(count)} not available for new tasks`,
    },
    {
      admits: (node) => satisfies(node, task.spec),
      words: (count) => `scheduling constraints not satisfied on ${nodeCount(count)}`,
    },
    {
      admits: (node) => hasHostPorts(swarm, world, node, task),
      words: (count) => `host-mode port already in use on ${nodeCount(count)}`,
    },
    {
      admits: (node) =>
        most === 0 ||
        swarm.tasks.filter(
          (each) => each.service === task.service && each.node === node.id && isWanted(each) && isLive(each),
        ).length < most,
      words: () => "max replicas per node limit exceed",
    },
  ];
}

/** A port counts as taken by every task that the scheduler knows there: standalone containers it does not know. */
function hasHostPorts(swarm: SwarmState, world: SwarmWorld, node: SwarmNode, task: SwarmTask): boolean {
  const wanted = task.ports.filter(({ mode, published }) => mode === "host" && published !== 0);
  if (wanted.length === 0) return true;
  if (world.isHeld(node)) return false;
  return !swarm.tasks.some(
    (each) =>
      each.id !== task.id &&
      each.node === node.id &&
      !(each.service === task.service && each.slot === task.slot) &&
      isLive(each) &&
      each.ports.some(
        ({ mode, published, protocol }) =>
          mode === "host" &&
          wanted.some((port) => port.published === published && port.protocol === protocol),
      ),
  );
}

/** `Placement.Constraints` and the platforms of a service. */
export function satisfies(node: SwarmNode, spec: YamlObject): boolean {
  return textsAt(objectAt(spec, "Placement"), "Constraints").every((text) => {
    const [, key = "", operator = "", value = ""] = constraint.exec(text) ?? [];
    const matches = attributeOf(node, key.trim())?.toLowerCase() === value.trim().toLowerCase();
    return operator === "==" ? matches : !matches;
  });
}

export const constraint = /^\s*([a-zA-Z0-9\-._]+)\s*(==|!=)\s*(.+)$/;

function attributeOf(node: SwarmNode, key: string): string | undefined {
  switch (key) {
    case "node.id":
      return node.id;
    case "node.hostname":
      return node.hostname;
    case "node.role":
      return node.role;
    case "node.ip":
      return node.address;
    case "node.platform.os":
      return "linux";
    case "node.platform.arch":
      return "x86_64";
    default:
      return key.startsWith("node.labels.") ? node.labels[key.slice("node.labels.".length)] : undefined;
  }
}
