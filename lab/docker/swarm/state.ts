/** What the managers of a Swarm know together: plain data, kept in the lab's store as `swarm/ID`. Times are milliseconds since the epoch. */
import { createHash, randomBytes } from "node:crypto";
import type { GuestName } from "../../../src/resource.ts";
import type { YamlObject } from "../compose-values.ts";
import type { EngineVolume, PublishedPort } from "../state.ts";

/** A working copy: whoever changes a Swarm is handed one of his own. */
export interface SwarmState {
  readonly id: string;
  readonly createdAt: number;
  tokens: { readonly worker: string; readonly manager: string };
  /** Raft's index: each change of an object takes the next one as the object's version. */
  index: number;
  /** How far time has been played. */
  at: number;
  /** When time does the next thing; absent while nothing is on its way. */
  nextAt?: number;
  /** The cluster object's own version and labels. */
  version: number;
  updatedAt: number;
  labels: Readonly<Record<string, string>>;
  /** Where its networks lie: "10.0" for 10.0.0.0/24 and on. */
  readonly pool: string;
  /** As it was asked for. */
  readonly pools: readonly string[];
  /** Subnets given out so far. */
  subnets: number;
  nodes: SwarmNode[];
  services: SwarmService[];
  tasks: SwarmTask[];
  networks: SwarmNetwork[];
  secrets: SwarmObject[];
  configs: SwarmObject[];
}

export interface Stamp {
  readonly id: string;
  version: number;
  readonly createdAt: number;
  updatedAt: number;
}

export interface SwarmNode extends Stamp {
  readonly host: GuestName;
  readonly hostname: string;
  readonly address: string;
  role: "manager" | "worker";
  /** What it acts as: a change of its role takes a moment. */
  acts: "manager" | "worker";
  turnsAt?: number;
  availability: "active" | "pause" | "drain";
  labels: Readonly<Record<string, string>>;
  state: "ready" | "down";
  /** Since when its managers have not heard of it. */
  silentSince?: number;
  /** It has left by itself: it is down, and only its row is there. */
  left?: true;
  /** Volumes and images that came there with tasks, and stay when those go. */
  volumes: EngineVolume[];
  images: string[];
}

export interface SwarmService extends Stamp {
  /** As Docker's API has it, networks by their ids. */
  spec: YamlObject;
  previous?: YamlObject;
  update?: ServiceUpdate;
  /** Published ports, those that nobody asked for by number too. */
  ports: ServicePort[];
  /** Its virtual addresses; empty with `dnsrr`. */
  addresses: { readonly network: string; readonly address: string }[];
}

export interface ServicePort {
  readonly protocol: string;
  readonly target: number;
  /** 0 in mode host asks for any. */
  readonly published: number;
  readonly mode: "ingress" | "host";
}

export type UpdateState =
  | "updating"
  | "paused"
  | "completed"
  | "rollback_started"
  | "rollback_paused"
  | "rollback_completed";

export interface ServiceUpdate {
  state: UpdateState;
  message: string;
  startedAt: number;
  completedAt?: number;
  /** Slots that have been taken up, with the time from which their worker is free again. */
  slots: { slot: string; freeAt?: number }[];
  /** Tasks of this update that failed. */
  failed: string[];
  /** When it looks again by itself. */
  due?: number;
}

export type TaskState =
  | "pending"
  | "assigned"
  | "preparing"
  | "ready"
  | "starting"
  | "running"
  | "complete"
  | "failed"
  | "rejected"
  | "shutdown";

export interface SwarmTask extends Stamp {
  readonly service: string;
  /** "1" of a replicated service; the node's id of a global one. */
  readonly slot: string;
  node: string;
  /** The TaskTemplate that it was made from. */
  readonly spec: YamlObject;
  readonly ports: readonly ServicePort[];
  desired: "ready" | "running" | "shutdown" | "remove";
  state: TaskState;
  /** When it got into this state, and the words that go with it. */
  since: number;
  message: string;
  error?: string;
  exitCode?: number;
  readonly container: string;
  readonly addresses: readonly { readonly network: string; readonly address: string }[];
  /** Absent until its process was started. */
  startedAt?: number;
  /** When its node does the next thing with it. */
  due?: number;
  /** It waits for its turn until then: the delay of a restart. */
  notBefore?: number;
  /** The task whose place it takes, which must be gone first. */
  after?: string;
  /** Restarts in its slot so far, for `MaxAttempts`. */
  readonly attempts: number;
  /** Its restart policy makes no other. */
  gaveUp?: true;
  /** Host ports that it has while it runs. */
  bound: PublishedPort[];
}

export interface SwarmNetwork extends Stamp {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly attachable: boolean;
  readonly internal: boolean;
  readonly ingress: boolean;
  readonly options: Readonly<Record<string, string>>;
  /** 1 for 10.0.1.0/24. */
  readonly subnet: number;
  /** "10.0.1" of 10.0.1.0/24. */
  readonly base: string;
  /** Addresses given out in it so far. */
  used: number;
}

/** A secret or a config. */
export interface SwarmObject extends Stamp {
  readonly name: string;
  labels: Readonly<Record<string, string>>;
  /** Base64. */
  readonly data: string;
}

/** An id as Swarm makes them: 25 digits and letters. */
export function newId(length = 25): string {
  return [...randomBytes(length)].map((byte) => (byte % 36).toString(36)).join("");
}

/** The id of a task's container follows from the task's. */
export function containerId(task: string): string {
  return createHash("sha256").update(`container of ${task}`).digest("hex");
}

/** A new object's stamp; the index goes on. */
export function stamped(swarm: SwarmState, id = newId()): Stamp {
  swarm.index += 1;
  return { id, version: swarm.index, createdAt: swarm.at, updatedAt: swarm.at };
}

/** An object was changed now. */
export function touch(swarm: SwarmState, object: Stamp): void {
  swarm.index += 1;
  object.version = swarm.index;
  object.updatedAt = swarm.at;
}

/** The members of a value on a path; an empty object where there are none. */
export function objectAt(value: unknown, ...path: readonly string[]): YamlObject {
  let at: unknown = value;
  for (const name of path) at = isObject(at) ? at[name] : undefined;
  return isObject(at) ? at : {};
}

export function listAt(value: YamlObject, name: string): readonly YamlObject[] {
  const list = value[name];
  return Array.isArray(list) ? list.filter(isObject) : [];
}

export function textsAt(value: YamlObject, name: string): readonly string[] {
  const list = value[name];
  return Array.isArray(list) ? list.map(String) : [];
}

function isObject(value: unknown): value is YamlObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function nameOf({ spec }: Pick<SwarmService, "spec">): string {
  return String(spec.Name ?? "");
}

export function imageOf(spec: YamlObject): string {
  return String(objectAt(spec, "ContainerSpec").Image ?? "");
}

/** "s_web.1.ID" of a replicated service, "s_web.NODE.ID" of a global one. */
export function taskName(swarm: SwarmState, { service, slot, id }: SwarmTask): string {
  const owner = swarm.services.find((each) => each.id === service);
  return `${owner === undefined ? service : nameOf(owner)}.${slot}.${id}`;
}

/** Whether its process may still run, or come to run. */
export function isLive({ state }: Pick<SwarmTask, "state">): boolean {
  return !["complete", "failed", "rejected", "shutdown"].includes(state);
}

/** Whether it is meant to run now or next. */
export function isWanted({ desired }: Pick<SwarmTask, "desired">): boolean {
  return desired === "ready" || desired === "running";
}
