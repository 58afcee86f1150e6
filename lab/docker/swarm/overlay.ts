/** Overlay networks between members: VXLAN on udp 4789, which a firewall may drop while the Swarm calls its nodes Ready. */
import { TransportError } from "../../../src/errors.ts";
import type { GuestName, HostName } from "../../../src/resource.ts";
import type { LabContext } from "../../context.ts";
import type { LabContainer } from "../state.ts";
import { seatOf } from "./cluster.ts";
import { taskContainers } from "./containers.ts";
import { isLive, type SwarmNode, type SwarmState, type SwarmTask } from "./state.ts";
import { isUp } from "./world.ts";

const vxlanPort = 4789;

/** Where the lab's network leads connections that are refused. */
const closedPort = 1;

/** Whether packets of overlay networks get from one member to the other and back. */
export async function carries(context: LabContext, from: SwarmNode, to: SwarmNode): Promise<boolean> {
  if (!isUp(context, from.host) || !isUp(context, to.host)) return false;
  if (from.host === to.host) return true;
  if ([from, to].some(({ host }) => context.fault("overlay-closed", host) !== undefined)) return false;
  return (await gets(context, from.host, to.address)) && (await gets(context, to.host, from.address));
}

async function gets(context: LabContext, from: GuestName, address: string): Promise<boolean> {
  try {
    const { port } = await context.route(from, { protocol: "udp", address, port: vxlanPort });
    return port !== closedPort;
  } catch (error) {
    if (error instanceof TransportError) return false;
    throw error;
  }
}

/** The running task that has an address of an overlay network: "10.0.1.5". */
export function taskAt(swarm: SwarmState, address: string): SwarmTask | undefined {
  return swarm.tasks.find(
    (task) => isLive(task) && task.addresses.some((each) => each.address.split("/")[0] === address),
  );
}

/**
 * What comes of a connection from a container of a task to an address of its overlay networks. A virtual address leads to
 * any running task of its service.
 */
export async function connectFromTask(
  context: LabContext,
  host: HostName,
  container: string,
  address: string,
): Promise<"open" | "silent" | "unreachable"> {
  const seat = seatOf(context, host);
  const from = seat?.swarm.tasks.find((task) => task.container.startsWith(container));
  if (seat === undefined || from === undefined) return "unreachable";
  const { swarm, node } = seat;
  const service = swarm.services.find(({ addresses }) =>
    addresses.some((each) => each.address.split("/")[0] === address),
  );
  const to =
    service === undefined
      ? taskAt(swarm, address)
      : swarm.tasks.find((task) => task.service === service.id && task.state === "running");
  if (to === undefined || to.state !== "running") return "unreachable";
  const shared = to.addresses.some(({ network }) => from.addresses.some((each) => each.network === network));
  const there = swarm.nodes.find(({ id }) => id === to.node);
  if (!shared || there === undefined) return "unreachable";
  return (await carries(context, node, there)) ? "open" : "silent";
}

/** A running task behind a port that every member publishes for its service, as the member `host` reaches it. */
export async function ingressTask(
  context: LabContext,
  host: GuestName,
  port: number,
): Promise<{ readonly container: LabContainer; readonly port: number } | undefined> {
  const seat = seatOf(context, host);
  if (seat === undefined) return undefined;
  const { swarm, node } = seat;
  for (const task of swarm.tasks) {
    if (task.state !== "running") continue;
    const published = task.ports.find((each) => each.mode === "ingress" && each.published === port);
    const there = swarm.nodes.find(({ id }) => id === task.node);
    if (published === undefined || there === undefined || !(await carries(context, node, there))) continue;
    const container = taskContainers(swarm, there).find(({ id }) => id === task.container);
    if (container !== undefined) return { container, port: published.target };
  }
  return undefined;
}
