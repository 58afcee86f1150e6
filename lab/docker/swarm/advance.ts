/** What time does to a Swarm: tasks come up and end, nodes fall silent, updates go on. Deterministic but for new ids. */

import { fullReference } from "../state.ts";
import { containerSpecOf, healthOutcome, volumesOf } from "./containers.ts";
import { orchestrate } from "./orchestrate.ts";
import { schedule } from "./schedule.ts";
import {
  imageOf,
  isLive,
  isWanted,
  type SwarmNode,
  type SwarmState,
  type SwarmTask,
  touch,
} from "./state.ts";
import { stepUpdate } from "./update.ts";
import type { SwarmWorld } from "./world.ts";

/** How long the lab's engines take; real ones take one to four times as long. Milliseconds. */
const prepareMs = 100;
const startMs = 100;

/** After this long a silent node is down: the dispatcher misses its heartbeats. */
export const downMs = 11_000;

/** Events that are played in one go: a task that ends at once fills the rest of any time. */
const mostEvents = 2_000;

export function advance(swarm: SwarmState, world: SwarmWorld): void {
  noteNodes(swarm, world);
  for (let events = 0; events < mostEvents; events += 1) {
    settle(swarm, world);
    const next = nextDue(swarm, world);
    if (next === undefined || next > world.now) break;
    swarm.at = Math.max(next, swarm.at);
    fire(swarm, world);
  }
  swarm.at = Math.max(world.now, swarm.at);
  noteNext(swarm, world);
}

/** Keeps when time does the next thing, for those who only look. */
export function noteNext(swarm: SwarmState, world: SwarmWorld): void {
  const next = nextDue(swarm, world);
  if (next === undefined) delete swarm.nextAt;
  else swarm.nextAt = next;
}

/** Everything that happens without time going by. */
export function settle(swarm: SwarmState, world: SwarmWorld): void {
  for (let round = 0; round < 50; round += 1) {
    let changed = false;
    for (const service of swarm.services) {
      // An update goes as far as it can first: what it replaces, no restart policy restarts.
      while (stepUpdate(swarm, service)) changed = true;
      if (orchestrate(swarm, service)) changed = true;
    }
    if (takeTurns(swarm)) changed = true;
    if (schedule(swarm, world)) changed = true;
    if (!changed) return;
  }
}

/** Machines that do not run are silent from the last look on; those that run again are ready, and their tasks are over. */
function noteNodes(swarm: SwarmState, world: SwarmWorld): void {
  for (const node of swarm.nodes) {
    if (node.left === true) continue;
    const up = world.isUp(node);
    if (up && node.silentSince !== undefined) returned(swarm, node);
    else if (!up && node.silentSince === undefined) node.silentSince = swarm.at;
  }
}

function returned(swarm: SwarmState, node: SwarmNode): void {
  delete node.silentSince;
  const wasDown = node.state === "down";
  node.state = "ready";
  touch(swarm, node);
  for (const task of swarm.tasks) {
    if (task.node !== node.id || !isLive(task)) continue;
    // The machine's containers ended with it.
    if (task.startedAt !== undefined)
      became(swarm, task, isWanted(task) && !wasDown ? "failed" : "shutdown", "task: non-zero exit (255)");
  }
}

/** Tasks whose turn has come: the delay is over, or the one before them is gone. */
function takeTurns(swarm: SwarmState): boolean {
  let changed = false;
  for (const task of swarm.tasks) {
    if (task.desired !== "ready") continue;
    if (task.notBefore !== undefined && task.notBefore > swarm.at) continue;
    const before = swarm.tasks.find(({ id }) => id === task.after);
    if (before !== undefined && isLive(before) && !isSilent(swarm, before)) continue;
    task.desired = "running";
    if (task.state === "ready") task.due = swarm.at;
    touch(swarm, task);
    changed = true;
  }
  return changed;
}

function isSilent(swarm: SwarmState, task: SwarmTask): boolean {
  return swarm.nodes.find(({ id }) => id === task.node)?.state !== "ready";
}

function nextDue(swarm: SwarmState, world: SwarmWorld): number | undefined {
  const times: number[] = [];
  for (const node of swarm.nodes) {
    if (node.silentSince !== undefined && node.state === "ready") times.push(node.silentSince + downMs);
    if (node.turnsAt !== undefined) times.push(node.turnsAt);
  }
  for (const task of swarm.tasks) {
    if (task.due !== undefined && acts(swarm, world, task)) times.push(task.due);
    if (task.desired === "ready" && task.notBefore !== undefined) times.push(task.notBefore);
  }
  for (const { update } of swarm.services) if (update?.due !== undefined) times.push(update.due);
  const later = times.filter((time) => Number.isFinite(time));
  return later.length === 0 ? undefined : Math.min(...later);
}

/** Whether the task's node does anything now. */
function acts(swarm: SwarmState, world: SwarmWorld, task: SwarmTask): boolean {
  const node = swarm.nodes.find(({ id }) => id === task.node);
  return node !== undefined && node.left !== true && world.isUp(node);
}

function fire(swarm: SwarmState, world: SwarmWorld): void {
  for (const node of swarm.nodes) {
    if (node.state === "ready" && node.silentSince !== undefined && node.silentSince + downMs <= swarm.at) {
      node.state = "down";
      touch(swarm, node);
    }
    if (node.turnsAt !== undefined && node.turnsAt <= swarm.at) {
      delete node.turnsAt;
      node.acts = node.role;
      touch(swarm, node);
    }
  }
  for (const task of swarm.tasks)
    if (task.due !== undefined && task.due <= swarm.at && acts(swarm, world, task)) go(swarm, world, task);
  swarm.tasks = swarm.tasks.filter(
    (task) => task.desired !== "remove" || (isLive(task) && acts(swarm, world, task)),
  );
}

/** The next thing that a node does with a task. */
function go(swarm: SwarmState, world: SwarmWorld, task: SwarmTask): void {
  delete task.due;
  const node = swarm.nodes.find(({ id }) => id === task.node);
  if (node === undefined || !isLive(task)) return;
  if (!isWanted(task)) {
    task.exitCode = 0;
    became(swarm, task, "shutdown");
    return;
  }
  switch (task.state) {
    case "assigned":
      became(swarm, task, "preparing");
      task.due = swarm.at + prepareMs;
      return;
    case "preparing":
      prepare(swarm, world, node, task);
      return;
    case "ready":
      start(swarm, world, node, task);
      return;
    case "starting":
      became(swarm, task, "running");
      runOn(swarm, world, task);
      return;
    case "running":
      end(swarm, world, task);
      return;
  }
}

function prepare(swarm: SwarmState, world: SwarmWorld, node: SwarmNode, task: SwarmTask): void {
  const refusal = world.refusal(node, task);
  if (refusal !== undefined) {
    task.exitCode = 0;
    became(swarm, task, "rejected", refusal);
    task.message = "preparing";
    return;
  }
  const image = fullReference(imageOf(task.spec));
  if (!node.images.includes(image)) node.images.push(image);
  for (const volume of volumesOf(task.spec, swarm.at))
    if (!node.volumes.some(({ name }) => name === volume.name)) node.volumes.push(volume);
  became(swarm, task, "ready");
  if (task.desired === "running") task.due = swarm.at;
}

function start(swarm: SwarmState, world: SwarmWorld, node: SwarmNode, task: SwarmTask): void {
  const wanted = task.ports.filter(({ mode }) => mode === "host");
  const taken = wanted.find(({ published, protocol }) => world.isTaken(node, published, protocol));
  task.startedAt = swarm.at;
  if (taken !== undefined) {
    task.exitCode = 128;
    became(
      swarm,
      task,
      "failed",
      `starting container failed: driver failed programming external connectivity on endpoint ${containerSpecOf(swarm, task).name} (${task.container}): Bind for 0.0.0.0:${taken.published} failed: port is already allocated`,
    );
    task.message = "starting";
    return;
  }
  task.bound = wanted.map(({ target, published, protocol }) => ({
    container: target,
    protocol,
    address: "0.0.0.0",
    host: published === 0 ? 32_768 + (Number.parseInt(task.container.slice(0, 4), 16) % 20_000) : published,
  }));
  became(swarm, task, "starting");
  const health = healthOutcome(containerSpecOf(swarm, task));
  task.due = swarm.at + startMs + (health?.passes === true ? health.afterMs : 0);
}

/** It runs: until its process ends, its health check gives up, or without an end. */
function runOn(swarm: SwarmState, world: SwarmWorld, task: SwarmTask): void {
  const end = world.endOf(swarm, task);
  if (end !== undefined) task.due = swarm.at + end.afterMs;
}

function end(swarm: SwarmState, world: SwarmWorld, task: SwarmTask): void {
  const { exitCode = 0 } = world.endOf(swarm, task) ?? {};
  task.exitCode = exitCode;
  if (exitCode === 0) became(swarm, task, "complete");
  else became(swarm, task, "failed", `task: non-zero exit (${exitCode})`);
}

const messages: Readonly<Partial<Record<SwarmTask["state"], string>>> = {
  preparing: "preparing",
  ready: "prepared",
  starting: "starting",
  running: "started",
  complete: "finished",
  failed: "started",
  shutdown: "shutdown",
};

/** A task came into another state now. */
export function became(swarm: SwarmState, task: SwarmTask, state: SwarmTask["state"], error?: string): void {
  task.state = state;
  task.since = swarm.at;
  task.message = messages[state] ?? task.message;
  if (!isLive(task)) delete task.due;
  if (error === undefined || state === "shutdown") delete task.error;
  else task.error = error;
  touch(swarm, task);
}
