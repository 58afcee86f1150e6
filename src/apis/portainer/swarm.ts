/** Docker Swarm behind an environment of Portainer, as its engine tells it. Versions of objects move without a change: they are left out. */
import type { Secret } from "../../secret.ts";
import type { SwarmNode } from "../../swarm-node.ts";

export interface SwarmApi {
  /** The Swarm that an environment's engine manages; undefined for an engine that manages none. Join tokens are never kept. */
  swarm(environmentId: number): Promise<SwarmState | undefined>;
  nodes(environmentId: number): Promise<readonly SwarmNode[]>;
  /** @param namespace the name of a stack; without one, all services */
  services(environmentId: number, namespace?: string): Promise<readonly SwarmService[]>;
  /** The tasks of a stack, also those that have ended and that Swarm still remembers. */
  tasks(environmentId: number, namespace: string): Promise<readonly SwarmTask[]>;
  /** The last lines of a task's log, for an error message; "" where its machine does not answer. */
  taskLogs(environmentId: number, taskId: string, lines: number): Promise<string>;
  swarmObjects(environmentId: number, kind: SwarmObjectKind): Promise<readonly SwarmObject[]>;
  /** Creates a config or secret; one of that name stays as it is, for its content cannot change. */
  createSwarmObject(environmentId: number, kind: SwarmObjectKind, object: NewSwarmObject): Promise<void>;
  /** False where a service still uses it, which keeps it. */
  removeSwarmObject(environmentId: number, kind: SwarmObjectKind, id: string): Promise<boolean>;
  /** Removes a service; tasks end behind the answer, volumes stay. */
  removeService(environmentId: number, id: string): Promise<void>;
  /** The names of the networks that span the Swarm. */
  overlayNetworks(environmentId: number): Promise<readonly string[]>;
  /** Creates an overlay network that containers outside of services may join too. */
  createOverlayNetwork(environmentId: number, name: string): Promise<void>;
}

export interface SwarmState {
  readonly id: string;
}

export interface SwarmPort {
  readonly target: number;
  /** Absent when Swarm chooses one. */
  readonly published?: number;
  readonly protocol: string;
  /** "ingress": at every member; "host": at the members that run a task. */
  readonly mode: string;
}

/** A config or secret in a service, under the path where its containers see it. */
export interface SwarmGrant {
  readonly name: string;
  readonly target: string;
}

export interface SwarmService {
  readonly id: string;
  /** With the stack's name before it: "wiki_web". */
  readonly name: string;
  /** Of the service itself, not of its containers. */
  readonly labels: Readonly<Record<string, string>>;
  /** As declared, with a digest where the client has resolved one. */
  readonly image: string;
  readonly env: readonly string[];
  /** Undefined for one task on each node, "global". */
  readonly replicas: number | undefined;
  readonly ports: readonly SwarmPort[];
  readonly configs: readonly SwarmGrant[];
  readonly secrets: readonly SwarmGrant[];
  readonly container: SwarmContainer;
  /** What its tasks are made from: canonical JSON, to be compared with a task's. It may hold secrets. */
  readonly template: string;
  /** The last update that Swarm has begun; absent when it never had to. */
  readonly update?: SwarmUpdate;
}

/** What its containers are asked to be, beside the image. */
export interface SwarmContainer {
  /** Instead of the image's entry point. */
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly user: string;
  /** The paths that are mounted, without configs and secrets. */
  readonly targets: readonly string[];
  /** On the nodes that may run it: "node.role == manager". */
  readonly constraints: readonly string[];
  /** 0 for no limit. */
  readonly nanoCpus: number;
  readonly memoryBytes: number;
}

export interface SwarmUpdate {
  /** "updating", "paused", "completed", "rollback_started", "rollback_paused", "rollback_completed". */
  readonly state: string;
  readonly message: string;
}

export interface SwarmTask {
  readonly id: string;
  readonly serviceId: string;
  /** Undefined for a task of a global service. */
  readonly slot: number | undefined;
  /** "" until it has been assigned. */
  readonly nodeId: string;
  /** Docker's terms: "pending", "preparing", "running", "failed", "rejected", "shutdown" … */
  readonly state: string;
  /** What Swarm wants of it: "running", "shutdown". */
  readonly desired: string;
  readonly error: string;
  /** When it was made, in milliseconds since the epoch. */
  readonly createdMs: number;
  /** Since when it is in its state, in milliseconds since the epoch. */
  readonly sinceMs: number;
  /** As {@link SwarmService.template}. */
  readonly template: string;
}

export type SwarmObjectKind = "config" | "secret";

/** A config or secret. What a secret says cannot be read again. */
export interface SwarmObject {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** In milliseconds since the epoch. */
  readonly createdMs: number;
}

export interface NewSwarmObject {
  readonly name: string;
  readonly content: Secret;
  readonly labels: Readonly<Record<string, string>>;
}
