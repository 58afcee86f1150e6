/** What somebody does on a member behind the Swarm's back: it notices, and goes on. */
import type { GuestName, HostName } from "../../../src/resource.ts";
import type { LabContext } from "../../context.ts";
import { became, settle } from "./advance.ts";
import { seatOf, storeSwarm } from "./cluster.ts";
import type { SwarmState } from "./state.ts";
import { worldOf } from "./world.ts";

/** A task's container was stopped, killed or removed: the task has failed. */
export function endContainer(context: LabContext, host: HostName, task: string): void {
  changing(context, host, (swarm) => {
    const found = swarm.tasks.find(({ id }) => id === task);
    if (found === undefined) return;
    found.exitCode = 137;
    became(swarm, found, "failed", "task: non-zero exit (137)");
  });
}

export function forgetVolume(context: LabContext, host: GuestName, name: string): void {
  changing(context, host, (swarm) => {
    for (const node of swarm.nodes)
      if (node.host === host) node.volumes = node.volumes.filter((volume) => volume.name !== name);
  });
}

function changing(context: LabContext, host: HostName, act: (swarm: SwarmState) => void): void {
  const seat = seatOf(context, host);
  if (seat === undefined) return;
  const swarm = structuredClone(seat.swarm);
  act(swarm);
  settle(swarm, worldOf(context));
  storeSwarm(context, swarm);
}
