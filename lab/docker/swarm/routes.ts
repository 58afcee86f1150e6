/** Swarm's part of the engine's HTTP API (Docker 26.1). */
import { isGuestName } from "../../../src/resource.ts";
import { type ApiResponse, json } from "../../api-server.ts";
import type { LabDocker } from "../../docker.ts";
import { bodyOf, type EngineCall, isTrue } from "../http-request.ts";
import { hasQuorum, hasSeat, managed, seatOf } from "./cluster.ts";
import { clusterJson } from "./json.ts";
import { initSwarm, joinSwarm, leaveSwarm } from "./membership.ts";
import { listNodes, removeNode, showNode, updateNode } from "./nodes.ts";
import { objectRoutes } from "./objects.ts";
import {
  createService,
  listServices,
  listTasks,
  removeService,
  showService,
  showTask,
  updateService,
} from "./services.ts";
import { noLeader } from "./words.ts";

export type EngineRoute = readonly [string, RegExp, (call: EngineCall) => ApiResponse | Promise<ApiResponse>];

export const swarmRoutes: readonly EngineRoute[] = [
  ["GET", /^\/swarm$/, show],
  ["POST", /^\/swarm\/init$/, init],
  ["POST", /^\/swarm\/join$/, join],
  ["POST", /^\/swarm\/leave$/, leave],
  ["GET", /^\/nodes$/, listNodes],
  ["GET", /^\/nodes\/([^/]+)$/, showNode],
  ["POST", /^\/nodes\/([^/]+)\/update$/, updateNode],
  ["DELETE", /^\/nodes\/([^/]+)$/, removeNode],
  ["GET", /^\/services$/, listServices],
  ["POST", /^\/services\/create$/, createService],
  ["GET", /^\/services\/([^/]+)$/, showService],
  ["POST", /^\/services\/([^/]+)\/update$/, updateService],
  ["DELETE", /^\/services\/([^/]+)$/, removeService],
  ["GET", /^\/tasks$/, listTasks],
  ["GET", /^\/tasks\/([^/]+)$/, showTask],
  ...objectRoutes,
];

function show({ docker }: EngineCall): ApiResponse {
  return json(200, clusterJson(managed(docker.context, docker.host).swarm, true));
}

function init({ docker, request }: EngineCall): ApiResponse {
  return json(200, initSwarm(docker.context, machineOf(docker), bodyOf(request)));
}

async function join({ docker, request }: EngineCall): Promise<ApiResponse> {
  await joinSwarm(docker.context, machineOf(docker), bodyOf(request));
  return { status: 200 };
}

function leave({ docker, request }: EngineCall): ApiResponse {
  leaveSwarm(docker.context, machineOf(docker), isTrue(request.query.get("force")));
  return { status: 200 };
}

function machineOf({ host }: LabDocker) {
  if (isGuestName(host)) return host;
  throw new Error(`no engine on ${host}`);
}

/** The member `Swarm` of `/info`. */
export function swarmInfo({ context, host }: LabDocker): Readonly<Record<string, unknown>> {
  const nothing = {
    NodeID: "",
    NodeAddr: "",
    LocalNodeState: "inactive",
    ControlAvailable: false,
    Error: "",
    RemoteManagers: null,
  };
  const seat = seatOf(context, host);
  if (seat === undefined)
    return hasSeat(context, host)
      ? { ...nothing, LocalNodeState: "error", Error: "rpc error: code = NotFound desc = node not found" }
      : nothing;
  const { swarm, node } = seat;
  const managers = swarm.nodes.filter(({ acts, left }) => acts === "manager" && left !== true);
  const known = {
    ...nothing,
    NodeID: node.id,
    NodeAddr: node.address,
    LocalNodeState: "active",
    ControlAvailable: node.acts === "manager",
    RemoteManagers: managers.map(({ id, address }) => ({ NodeID: id, Addr: `${address}:2377` })),
  };
  if (node.acts !== "manager") return known;
  if (!hasQuorum(context, swarm)) return { ...known, Error: noLeader, Cluster: { ID: "" } };
  const two = managers.length === 2 ? { Warnings: [twoManagers] } : {};
  return {
    ...known,
    Nodes: swarm.nodes.length,
    Managers: managers.length,
    Cluster: clusterJson(swarm, false),
    ...two,
  };
}

const twoManagers =
  "WARNING: Running Swarm in a two-manager configuration. This configuration provides\n         no fault tolerance, and poses a high risk to lose control over the cluster.\n         Refer to https://docs.docker.com/engine/swarm/admin_guide/ to configure the\n         Swarm for fault-tolerance.";
