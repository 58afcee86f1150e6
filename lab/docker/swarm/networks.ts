/** Overlay networks of a Swarm (Docker 26.1). */
import type { LabDocker } from "../../docker.ts";
import type { YamlObject } from "../compose-values.ts";
import { texts } from "../http-request.ts";
import { DockerError } from "../state.ts";
import { change, managed, seatOf } from "./cluster.ts";
import { textsOf } from "./containers.ts";
import { named } from "./json.ts";
import { listAt, objectAt, type SwarmNetwork, type SwarmService, type SwarmState, stamped } from "./state.ts";
import { checkName, rpc } from "./words.ts";

/** Those that the machine knows: a manager all of them, a worker the ones that its tasks are on. */
export function overlaysOn({ context, host }: LabDocker): readonly SwarmNetwork[] {
  const seat = seatOf(context, host);
  if (seat === undefined) return [];
  const { swarm, node } = seat;
  if (node.acts === "manager") return swarm.networks;
  const used = swarm.tasks
    .filter((task) => task.node === node.id && task.state === "running")
    .flatMap(({ addresses }) => addresses.map(({ network }) => network));
  return swarm.networks.filter(({ id, ingress }) => ingress || used.includes(id));
}

/** @returns its id. @throws DockerError 403 on a machine that is no manager */
export function createOverlay({ context, host }: LabDocker, body: YamlObject): string {
  if (seatOf(context, host)?.node.acts !== "manager")
    throw new DockerError(
      403,
      'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
    );
  checkName(String(body.Name ?? ""));
  return change(context, host, ({ swarm }) => {
    swarm.subnets += 1;
    const network: SwarmNetwork = {
      ...stamped(swarm),
      name: String(body.Name ?? ""),
      labels: texts(body.Labels),
      attachable: body.Attachable === true,
      internal: body.Internal === true,
      ingress: body.Ingress === true,
      options: textsOf(body.Options),
      subnet: swarm.subnets,
      base: `${swarm.pool}.${swarm.subnets}`,
      used: 1,
    };
    swarm.networks.push(network);
    return network.id;
  });
}

export function overlayNamed(swarm: SwarmState, wanted: string): SwarmNetwork | undefined {
  return named(swarm.networks, wanted, ({ name }) => name);
}

/** @returns false where the Swarm has no such network. @throws DockerError while somebody uses it */
export function removeOverlay({ context, host }: LabDocker, wanted: string): boolean {
  const seat = seatOf(context, host);
  if (seat === undefined || overlayNamed(seat.swarm, wanted) === undefined) return false;
  managed(context, host);
  change(context, host, ({ swarm }) => {
    const network = overlayNamed(swarm, wanted);
    if (network === undefined) return;
    const inUse = (what: string): DockerError =>
      rpc("FailedPrecondition", `network ${network.id} is in use by ${what}`);
    const service = swarm.services.find((each) => networksOf(each).includes(network.id));
    if (service !== undefined) throw inUse(`service ${service.id}`);
    const task = swarm.tasks.find(({ addresses }) => addresses.some((each) => each.network === network.id));
    if (task !== undefined) throw inUse(`task ${task.id}`);
    swarm.networks = swarm.networks.filter(({ id }) => id !== network.id);
    swarm.index += 1;
  });
  return true;
}

function networksOf({ spec }: SwarmService): readonly string[] {
  return listAt(objectAt(spec, "TaskTemplate"), "Networks").map(({ Target }) => String(Target ?? ""));
}
