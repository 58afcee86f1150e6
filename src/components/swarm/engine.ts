/** What an engine and a manager say of a Swarm, and the requests that change its nodes. */
import type { Io } from "../../component.ts";
import { ApiError } from "../../errors.ts";
import { swarmNodeOf } from "../../formats/docker/swarm-node.ts";
import { member, numberOf, objectsOf, textOf, textsOf } from "../../formats/json/index.ts";
import type { Host } from "../../hosts/host.ts";
import type { RoleGuest } from "../../model.ts";
import { poll } from "../../poll.ts";
import type { SwarmNode } from "../../swarm-node.ts";
import { askDocker, filtered } from "../foreign/docker-api.ts";

/** Marks a Swarm as the declared one, by its name. */
export const swarmLabel = "phoenix.swarm";
/** Marks a node as a declared member, by its virtual machine: "vm/311". */
export const memberLabel = "phoenix.member";

/** A machine's part in a Swarm, as its engine says it. */
export interface EngineView {
  /** Docker's word: "inactive", "pending", "active", "error" or "locked". */
  readonly state: string;
  readonly nodeId: string;
  /** Where the other members reach it; "" outside of a Swarm. */
  readonly address: string;
  readonly isManager: boolean;
  /** Managers know it, workers do not; nor does a manager without a quorum. */
  readonly clusterId: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Addresses of managers without their ports. */
  readonly managers: readonly string[];
}

export async function engineView(host: Host): Promise<EngineView> {
  const swarm = member(await askDocker(host, "GET", "/info"), "Swarm");
  const cluster = member(swarm, "Cluster");
  return {
    state: textOf(swarm, "LocalNodeState") || "inactive",
    nodeId: textOf(swarm, "NodeID"),
    address: textOf(swarm, "NodeAddr"),
    isManager: member(swarm, "ControlAvailable") === true,
    clusterId: textOf(cluster, "ID"),
    labels: textsOf(member(member(cluster, "Spec"), "Labels")),
    managers: objectsOf(member(swarm, "RemoteManagers")).map((each) =>
      textOf(each, "Addr").replace(/:\d+$/, ""),
    ),
  };
}

/** The Swarm's nodes. @param manager one of its managers; @throws ApiError 503 without a quorum */
export async function nodesOf(manager: Host): Promise<readonly SwarmNode[]> {
  return objectsOf(await askDocker(manager, "GET", "/nodes")).map(swarmNodeOf);
}

export interface NodeChange {
  readonly role?: SwarmNode["role"];
  readonly availability?: "active" | "drain";
  readonly labels?: Readonly<Record<string, string>>;
}

/** Somebody else changed the node between our look and our request: how often we look again. */
const attempts = 4;

/** Changes a node's settings and leaves the others as they are. */
export async function updateNode(manager: Host, id: string, change: NodeChange): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const found = await askDocker(manager, "GET", `/nodes/${id}`);
    const spec = member(found, "Spec");
    const known = swarmNodeOf(found);
    const wanted = {
      ...(spec as object),
      Role: change.role ?? known.role,
      Availability: change.availability ?? known.availability,
      Labels: { ...known.labels, ...change.labels },
    };
    const version = numberOf(member(found, "Version"), "Index");
    try {
      await askDocker(manager, "POST", `/nodes/${id}/update?version=${version}`, wanted);
      return;
    } catch (error) {
      const isLate = error instanceof ApiError && /out of sequence/i.test(error.message);
      if (!isLate || attempt === attempts) throw error;
    }
  }
}

/** How many tasks run on a node, or come up there: what a drain waits for. */
export async function tasksOn(manager: Host, node: string): Promise<number> {
  const tasks = objectsOf(await askDocker(manager, "GET", `/tasks${filtered({ node: [node] })}`));
  return tasks.filter((task) =>
    ["running", "starting", "preparing"].includes(textOf(member(task, "Status"), "State")),
  ).length;
}

const pauseMs = 500;

/** Waits until a node is as it should be. @returns what was seen last, also when the time was up */
export function waitForNode(
  io: Io,
  manager: RoleGuest,
  id: string,
  forMs: number,
  isDone: (node: SwarmNode | undefined) => boolean,
): Promise<SwarmNode | undefined> {
  const look = async (): Promise<SwarmNode | undefined> =>
    (await nodesOf(io.host(manager.host))).find((node) => node.id === id);
  return poll({ clock: io.clock, forMs, pauseMs }, look, isDone);
}
