/** Swarm's part of the engine's HTTP API (Docker 26.1). */
import { isGuestName } from "../../../src/resource.ts";
import { type ApiResponse, json } from "../../api-server.ts";
import type { LabDocker } from "../../docker.ts";
import { bodyOf, type EngineCall, isTrue } from "../http-request.ts";
import { change, hasQuorum, hasSeat, managed, seatOf } from "./cluster.ts";
import { textsOf } from "./containers.ts";
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
import { newId, touch } from "./state.ts";
import { noLeader, outOfSequence, versionIn } from "./words.ts";

export type EngineRoute = readonly [string, RegExp, (call: EngineCall) => ApiResponse | Promise<ApiResponse>];

export const swarmRoutes: readonly EngineRoute[] = [
  ["GET", /^\/swarm$/, show],
  ["POST", /^\/swarm\/init$/, init],
  ["POST", /^\/swarm\/join$/, join],
  ["POST", /^\/swarm\/leave$/, leave],
  ["POST", /^\/swarm\/update$/, update],
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

/** Labels alone are played of the cluster's settings, and new tokens. */
function update({ docker, request }: EngineCall): ApiResponse {
  const { query } = request;
  managed(docker.context, docker.host);
  const version = versionIn("swarm", query.get("version"));
  const body = bodyOf(request);
  change(docker.context, docker.host, ({ swarm }) => {
    if (version !== swarm.version) throw outOfSequence();
    swarm.labels = textsOf(body.Labels);
    const worker = isTrue(query.get("rotateWorkerToken"));
    const manager = isTrue(query.get("rotateManagerToken"));
    swarm.tokens = {
      worker: worker ? newToken(swarm.tokens.worker) : swarm.tokens.worker,
      manager: manager ? newToken(swarm.tokens.manager) : swarm.tokens.manager,
    };
    touch(swarm, swarm);
  });
  return { status: 200 };
}

function newToken(before: string): string {
  return before.replace(/[^-]+$/, newId());
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
