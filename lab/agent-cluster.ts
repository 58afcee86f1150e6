/** An agent that is a task of a Swarm's service: it asks a manager, a named node, or all nodes (agent 2.23). */
import { type ApiResponse, json } from "./api-server.ts";
import { engineResponse } from "./docker/http-api.ts";
import type { EngineRequest } from "./docker/http-request.ts";
import { seatOf } from "./docker/swarm/cluster.ts";
import { carries } from "./docker/swarm/overlay.ts";
import type { SwarmNode } from "./docker/swarm/state.ts";
import { type LabContainer, LabDocker } from "./docker.ts";

/** What managers alone know. */
const ofManagers = /^(?:\/v[\d.]+)?\/(?:services|tasks|secrets|configs|swarm|info|nodes)(?:\/|$)/;

/** What is gathered from all nodes. */
const ofAll = /^(?:\/v[\d.]+)?\/(?:containers\/json|images\/json|volumes|networks)$/;

/** @param container the agent's own */
export async function clusterResponse(
  docker: LabDocker,
  container: LabContainer,
  request: EngineRequest,
): Promise<ApiResponse> {
  const { context, host } = docker;
  const seat = seatOf(context, host);
  if (seat === undefined) return engineResponse(docker, request);
  const agents = seat.swarm.tasks.filter(
    ({ service, state }) =>
      state === "running" && service === container.labels["com.docker.swarm.service.id"],
  );
  const reached: SwarmNode[] = [];
  for (const node of seat.swarm.nodes)
    if (agents.some((task) => task.node === node.id) && (await carries(context, seat.node, node)))
      reached.push(node);
  const target = request.headers?.["x-portaineragent-target"];
  const isManager = request.headers?.["x-portaineragent-manageroperation"] === "1";
  if (ofManagers.test(request.path) || isManager) {
    const manager = seat.node.acts === "manager" ? seat.node : reached.find(({ acts }) => acts === "manager");
    if (manager !== undefined) return engineResponse(new LabDocker(context, manager.host), request);
    return json(500, {
      message: "The agent was unable to contact any other agent located on a manager node",
      details: "The agent was unable to contact any other agent",
    });
  }
  const named = reached.find(({ hostname }) => hostname === target);
  if (named !== undefined) return engineResponse(new LabDocker(context, named.host), request);
  if (request.method === "GET" && ofAll.test(request.path)) return gathered(docker, reached, request);
  return engineResponse(docker, request);
}

/** The lists of all nodes as one; each entry says whose it is. */
async function gathered(
  { context }: LabDocker,
  nodes: readonly SwarmNode[],
  request: EngineRequest,
): Promise<ApiResponse> {
  const entries: unknown[] = [];
  const isVolumes = request.path.endsWith("/volumes");
  for (const { host, hostname } of nodes) {
    const { body } = await engineResponse(new LabDocker(context, host), request);
    const value: unknown = JSON.parse(String(body));
    const list: unknown = isVolumes ? (value as { Volumes?: unknown }).Volumes : value;
    if (!Array.isArray(list)) continue;
    entries.push(...list.map((each) => ({ ...each, Portainer: { Agent: { NodeName: hostname } } })));
  }
  return json(200, isVolumes ? { Volumes: entries, Warnings: null } : entries);
}
