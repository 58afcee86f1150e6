/** Rolling updates and rollbacks (swarmkit's updater, Docker 26.1): slot after slot, watched, paused or put back. Pure. */
import { canonicalJson } from "../../../src/resource.ts";
import { addTask, endTask, isGlobal, tasksOf, wantedSlots } from "./orchestrate.ts";
import { satisfies } from "./schedule.ts";
import {
  isLive,
  isWanted,
  objectAt,
  type ServiceUpdate,
  type SwarmService,
  type SwarmState,
  type SwarmTask,
  touch,
} from "./state.ts";

interface Config {
  /** 0 is all at once. */
  readonly parallelism: number;
  readonly delayMs: number;
  readonly monitorMs: number;
  readonly onFailure: "pause" | "continue" | "rollback";
  readonly maxFailureRatio: number;
  readonly startFirst: boolean;
}

const defaultMonitorMs = 5_000;

function configOf({ spec, update }: SwarmService): Config {
  const rollback = update?.state === "rollback_started";
  const name = rollback ? "RollbackConfig" : "UpdateConfig";
  const config = objectAt(spec, name);
  const text = String(config.FailureAction ?? "pause") || "pause";
  return {
    parallelism: spec[name] === undefined ? 1 : Number(config.Parallelism ?? 0),
    delayMs: Number(config.Delay ?? 0) / 1e6,
    monitorMs: Number(config.Monitor ?? 0) / 1e6 || defaultMonitorMs,
    onFailure: text === "continue" || (text === "rollback" && !rollback) ? text : "pause",
    maxFailureRatio: Number(config.MaxFailureRatio ?? 0),
    startFirst: config.Order === "start-first",
  };
}

/** Begins an update where tasks differ from the service now; before a new spec is stored the last update is forgotten. */
export function beginUpdate(swarm: SwarmState, service: SwarmService): void {
  if (dirtySlots(swarm, service).length > 0)
    service.update = {
      state: "updating",
      message: "update in progress",
      startedAt: swarm.at,
      slots: [],
      failed: [],
    };
}

/** Puts the service's last spec back by hand: the same steps as after a failure. */
export function beginRollback(swarm: SwarmState, service: SwarmService, message: string): void {
  if (service.previous === undefined) return;
  service.spec = service.previous;
  delete service.previous;
  service.update = { state: "rollback_started", message, startedAt: swarm.at, slots: [], failed: [] };
  touch(swarm, service);
}

/** @returns whether anything changed */
export function stepUpdate(swarm: SwarmState, service: SwarmService): boolean {
  const { update } = service;
  if (update === undefined || (update.state !== "updating" && update.state !== "rollback_started"))
    return false;
  const before = swarm.index;
  const config = configOf(service);
  if (noteFailures(swarm, service, update, config)) return true;
  for (const slot of update.slots)
    if (slot.freeAt === undefined && isSettled(swarm, service, slot.slot)) {
      slot.freeAt = swarm.at + config.delayMs;
      touch(swarm, service);
    }
  const busy = update.slots.filter(({ freeAt }) => freeAt === undefined || freeAt > swarm.at).length;
  const free = config.parallelism === 0 ? Number.POSITIVE_INFINITY : config.parallelism - busy;
  const next = dirtySlots(swarm, service).filter((each) => !update.slots.some(({ slot }) => slot === each));
  for (const slot of next.slice(0, Math.max(0, free))) {
    update.slots.push({ slot });
    replace(swarm, service, slot, config);
    touch(swarm, service);
  }
  startFirstDone(swarm, service, config);
  finish(swarm, service, update, config);
  return swarm.index !== before;
}

/** Whether a task is of the service as it is now. Where only its placement has changed, it stays if its node still fits. */
export function isCurrent(swarm: SwarmState, service: SwarmService, task: SwarmTask): boolean {
  const template = objectAt(service.spec, "TaskTemplate");
  const { Runtime: _, Placement: wanted, ...spec } = template;
  const { Placement: placed, ...known } = task.spec;
  if (canonicalJson([known, task.ports]) !== canonicalJson([spec, service.ports])) return false;
  if (canonicalJson(wanted ?? null) === canonicalJson(placed ?? null)) return true;
  const node = swarm.nodes.find(({ id }) => id === task.node);
  return node !== undefined && satisfies(node, template);
}

function dirtySlots(swarm: SwarmState, service: SwarmService): readonly string[] {
  const wanted = wantedSlots(swarm, service);
  return [
    ...new Set(
      tasksOf(swarm, service)
        .filter((task) => isWanted(task) && wanted.includes(task.slot) && !isCurrent(swarm, service, task))
        .map(({ slot }) => slot),
    ),
  ];
}

/** The new task of a slot runs, or has come to an end. */
function isSettled(swarm: SwarmState, service: SwarmService, slot: string): boolean {
  return tasksOf(swarm, service).some(
    (task) =>
      task.slot === slot &&
      isCurrent(swarm, service, task) &&
      (task.state === "running" || ["failed", "rejected", "complete"].includes(task.state)),
  );
}

function replace(swarm: SwarmState, service: SwarmService, slot: string, { startFirst }: Config): void {
  const old = tasksOf(swarm, service).filter((task) => task.slot === slot && isWanted(task));
  const running = old.find((task) => isLive(task) && task.startedAt !== undefined);
  const node = isGlobal(service) ? slot : "";
  if (startFirst) {
    for (const task of old) if (task !== running) endTask(swarm, task);
    addTask(swarm, service, slot, { node });
    return;
  }
  for (const task of old) endTask(swarm, task);
  addTask(swarm, service, slot, { node, ...(running === undefined ? {} : { after: running.id }) });
}

/** With `start-first` the old task goes as soon as the new one runs. */
function startFirstDone(swarm: SwarmState, service: SwarmService, { startFirst }: Config): void {
  if (!startFirst) return;
  for (const task of tasksOf(swarm, service)) {
    if (!isWanted(task) || isCurrent(swarm, service, task)) continue;
    const successor = tasksOf(swarm, service).find(
      (each) => each.slot === task.slot && isCurrent(swarm, service, each) && each.state === "running",
    );
    if (successor !== undefined) endTask(swarm, task);
  }
}

/** Failures of new tasks in the time that they are watched for. @returns whether the update ends by it */
function noteFailures(
  swarm: SwarmState,
  service: SwarmService,
  update: ServiceUpdate,
  config: Config,
): boolean {
  const failing = tasksOf(swarm, service).filter(
    (task) =>
      task.createdAt >= update.startedAt &&
      isCurrent(swarm, service, task) &&
      (task.state === "failed" || task.state === "rejected") &&
      task.since - (task.startedAt ?? task.createdAt) <= config.monitorMs &&
      !update.failed.includes(task.id),
  );
  for (const { id } of failing) update.failed.push(id);
  const total = Math.max(1, wantedSlots(swarm, service).length);
  const [last] = failing.slice(-1);
  if (last === undefined || config.onFailure === "continue") return false;
  if (update.failed.length / total <= config.maxFailureRatio) return false;
  const because = `due to failure or early termination of task ${last.id}`;
  if (config.onFailure === "rollback") beginRollback(swarm, service, `update rolled back ${because}`);
  else {
    const isRollback = update.state === "rollback_started";
    update.state = isRollback ? "rollback_paused" : "paused";
    update.message = `${isRollback ? "rollback" : "update"} paused ${because}`;
    touch(swarm, service);
  }
  return true;
}

/** Completed when every slot runs what it should and the last one was watched long enough. */
function finish(swarm: SwarmState, service: SwarmService, update: ServiceUpdate, config: Config): void {
  delete update.due;
  if (update.slots.some(({ freeAt }) => freeAt === undefined)) return;
  const freeAt = Math.max(0, ...update.slots.map((slot) => slot.freeAt ?? 0));
  if (dirtySlots(swarm, service).some((slot) => !update.slots.some((each) => each.slot === slot))) {
    update.due = Math.min(...update.slots.map((slot) => slot.freeAt ?? 0).filter((at) => at > swarm.at));
    return;
  }
  const end = (update.slots.length === 0 ? update.startedAt : freeAt - config.delayMs) + config.monitorMs;
  if (end > swarm.at) {
    update.due = end;
    return;
  }
  const isRollback = update.state === "rollback_started";
  update.state = isRollback ? "rollback_completed" : "completed";
  update.message = isRollback ? "rollback completed" : "update completed";
  update.completedAt = swarm.at;
  touch(swarm, service);
}
