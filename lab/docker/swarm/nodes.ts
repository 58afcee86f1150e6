/** `/nodes` (Docker 26.1). */
import { json } from "../../api-server.ts";
import { bodyOf, type EngineCall, isTrue, texts } from "../http-request.ts";
import { DockerError } from "../state.ts";
import { change, leaderOf, managed, type Seat } from "./cluster.ts";
import { filtersIn, hasLabel, named, nodeJson } from "./json.ts";
import { type SwarmNode, type SwarmState, touch } from "./state.ts";
import { outOfSequence, rpc, versionIn } from "./words.ts";
import { isUp } from "./world.ts";

/** How long the managers take to make a node one of them, or to let it go. Milliseconds. */
const turnMs = 500;

export function listNodes({ docker, request }: EngineCall) {
  const { context, host } = docker;
  const { swarm } = managed(context, host);
  const wanted = checked(filtersIn(request.query.get("filters")));
  return json(
    200,
    swarm.nodes.filter(wanted).map((node) => shown(docker, swarm, node)),
  );
}

function checked(filters: ReadonlyMap<string, readonly string[]>): (node: SwarmNode) => boolean {
  const known = ["id", "label", "membership", "name", "node.label", "role"];
  for (const key of filters.keys())
    if (!known.includes(key)) throw new DockerError(400, `invalid filter '${key}'`);
  const any = (key: string, test: (value: string) => boolean): boolean => {
    const values = filters.get(key);
    return values === undefined || values.length === 0 || values.some(test);
  };
  return (node) =>
    any("id", (value) => node.id.startsWith(value)) &&
    any("name", (value) => node.hostname.startsWith(value)) &&
    any("role", (value) => node.role === value) &&
    any("node.label", (value) => hasLabel(node.labels, value));
}

function shown({ context }: EngineCall["docker"], swarm: SwarmState, node: SwarmNode) {
  const leads = leaderOf(context, swarm)?.id === node.id;
  return nodeJson(node, leads, node.left !== true && isUp(context, node.host));
}

export function showNode({ docker, name }: EngineCall) {
  const { swarm } = managed(docker.context, docker.host);
  return json(200, shown(docker, swarm, nodeNamed(swarm, name)));
}

function nodeNamed(swarm: SwarmState, wanted: string): SwarmNode {
  const found = named(swarm.nodes, wanted, ({ hostname }) => hostname);
  if (found !== undefined) return found;
  throw new DockerError(404, `node ${wanted} not found`);
}

export function updateNode({ docker, name, request }: EngineCall) {
  const version = versionIn("node", request.query.get("version"));
  const body = bodyOf(request);
  const [role, availability] = [String(body.Role ?? ""), String(body.Availability ?? "")];
  change(docker.context, docker.host, ({ swarm }) => {
    if (role !== "manager" && role !== "worker")
      throw new DockerError(400, `invalid Role: ${JSON.stringify(role)}`);
    if (availability !== "active" && availability !== "pause" && availability !== "drain")
      throw new DockerError(400, `invalid Availability: ${JSON.stringify(availability)}`);
    const node = nodeNamed(swarm, name);
    if (version !== node.version) throw outOfSequence();
    if (role === "worker" && node.role === "manager") checkDemotion(docker, swarm);
    node.labels = texts(body.Labels);
    node.availability = availability;
    if (role !== node.role) {
      node.role = role;
      node.turnsAt = swarm.at + turnMs;
    }
    touch(swarm, node);
  });
  return { status: 200 };
}

function checkDemotion({ context }: EngineCall["docker"], swarm: SwarmState): void {
  const managers = swarm.nodes.filter(({ role }) => role === "manager");
  if (managers.length === 1)
    throw rpc("FailedPrecondition", "attempting to demote the last manager of the swarm");
  const running = managers.filter((node) => isUp(context, node.host)).length;
  if ((running - 1) * 2 <= managers.length - 1)
    throw rpc(
      "FailedPrecondition",
      "can't remove member from the raft: this would result in a loss of quorum",
    );
}

export function removeNode({ docker, name, request }: EngineCall) {
  const force = isTrue(request.query.get("force"));
  change(docker.context, docker.host, ({ swarm }: Seat) => {
    const node = nodeNamed(swarm, name);
    if (node.role === "manager")
      throw rpc(
        "FailedPrecondition",
        `node ${node.id} is a cluster manager and is a member of the raft cluster. It must be demoted to worker before removal`,
      );
    if (!force && node.state !== "down")
      throw rpc("FailedPrecondition", `node ${node.id} is not down and can't be removed`);
    swarm.nodes = swarm.nodes.filter(({ id }) => id !== node.id);
    swarm.tasks = swarm.tasks.filter((task) => task.node !== node.id || task.desired === "running");
    swarm.index += 1;
  });
  return { status: 200 };
}
