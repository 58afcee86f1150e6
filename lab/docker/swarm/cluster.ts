/** Looking at a Swarm and changing it: every member sees the same one, as time has made it. */
import type { GuestName, HostName } from "../../../src/resource.ts";
import type { LabContext } from "../../context.ts";
import { treeOf } from "../../tree.ts";
import { DockerError } from "../state.ts";
import { advance, noteNext, settle } from "./advance.ts";
import type { SwarmNode, SwarmState } from "./state.ts";
import { noLeader, notManager } from "./words.ts";
import { isUp, worldOf } from "./world.ts";

/** A machine's place in a Swarm, as the machine keeps it. */
interface Membership {
  readonly swarm: string;
  readonly node: string;
}

/** A Swarm as a member sees it. */
export interface Seat {
  readonly swarm: SwarmState;
  readonly node: SwarmNode;
}

const document = (id: string): string => `swarm/${id}`;
const seatDocument = (host: HostName): string => `swarm-seat-${treeOf(host)}`;

/** A member's Swarm as it is now; undefined on a machine that is in none. */
export function seatOf(context: LabContext, host: HostName): Seat | undefined {
  const seat = context.store.read<Membership | null>(seatDocument(host)) ?? undefined;
  const swarm = seat === undefined ? undefined : look(context, seat.swarm);
  const node = swarm?.nodes.find(({ id }) => id === seat?.node);
  return swarm === undefined || node === undefined ? undefined : { swarm, node };
}

export function takeSeat(context: LabContext, host: GuestName, swarm: string, node: string): void {
  context.store.write(seatDocument(host), { swarm, node } satisfies Membership);
}

export function giveUpSeat(context: LabContext, host: GuestName): void {
  context.store.write(seatDocument(host), null);
}

/** Whether the machine believes to be a member, also of a Swarm that has forgotten it. */
export function hasSeat(context: LabContext, host: HostName): boolean {
  return (context.store.read<Membership | null>(seatDocument(host)) ?? undefined) !== undefined;
}

function look(context: LabContext, id: string): SwarmState | undefined {
  const before = context.store.read<SwarmState>(document(id));
  if (before === undefined || isStill(context, before) || !hasQuorum(context, before)) return before;
  const after = structuredClone(before);
  advance(after, worldOf(context));
  if (!isSame(before, after)) context.store.settle(document(id), before, after);
  return after;
}

/** How old a look may be that saw all machines as they are: a machine that falls silent does so at the last look. Milliseconds. */
const lookMs = 5_000;

/** Whether nothing has happened since the last look. */
function isStill(context: LabContext, { at, nextAt, nodes }: SwarmState): boolean {
  const now = context.clock.now();
  if (now - at > lookMs || (nextAt !== undefined && nextAt <= now)) return false;
  return nodes.every(
    ({ host, left, silentSince }) => left === true || isUp(context, host) === (silentSince === undefined),
  );
}

/** How far time was played is no change by itself, unless it is long ago. */
function isSame(before: SwarmState, after: SwarmState): boolean {
  const ages = after.at - before.at;
  return ages < lookMs && JSON.stringify({ ...after, at: before.at }) === JSON.stringify(before);
}

export function storeSwarm(context: LabContext, swarm: SwarmState): void {
  noteNext(swarm, worldOf(context));
  context.store.write(document(swarm.id), swarm);
}

/** More than half of the managers run. */
export function hasQuorum(context: LabContext, { nodes }: SwarmState): boolean {
  const managers = nodes.filter(({ acts }) => acts === "manager");
  const running = managers.filter((node) => node.left !== true && isUp(context, node.host));
  return running.length * 2 > managers.length;
}

/** The Swarm that a manager answers for. @throws DockerError on a worker, outside of a Swarm, without a leader */
export function managed(context: LabContext, host: HostName): Seat {
  const seat = seatOf(context, host);
  if (seat?.node.acts !== "manager") throw notManager(seat !== undefined);
  if (!hasQuorum(context, seat.swarm)) throw new DockerError(500, noLeader);
  return seat;
}

/** Changes the Swarm through one of its managers; its orchestrators act on it at once. @throws DockerError */
export function change<T>(context: LabContext, host: HostName, act: (seat: Seat) => T): T {
  const { swarm: seen, node: own } = managed(context, host);
  const swarm = structuredClone(seen);
  const node = swarm.nodes.find(({ id }) => id === own.id) ?? own;
  swarm.at = Math.max(swarm.at, context.clock.now());
  const result = act({ swarm, node });
  settle(swarm, worldOf(context));
  storeSwarm(context, swarm);
  return result;
}

/** The one who leads: the manager that has been one for longest and runs. */
export function leaderOf(context: LabContext, { nodes }: SwarmState): SwarmNode | undefined {
  return nodes.find((node) => node.acts === "manager" && node.left !== true && isUp(context, node.host));
}
