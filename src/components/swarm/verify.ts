/** Looks at each Swarm as its managers do: every declared machine is a ready member, and enough managers are there. */
import { type Check, external, failed, type Io, passed } from "../../component.ts";
import { describeHost } from "../../fabric/guests.ts";
import type { Swarm } from "../../model.ts";
import type { SwarmNode } from "../../swarm-node.ts";
import { memberId } from "./compile.ts";
import { look, type Machine, type Seen, standingOf } from "./look.ts";

export async function verify(io: Io): Promise<readonly Check[]> {
  const checks = await Promise.all(io.site.swarms.map((swarm) => verifySwarm(io, swarm)));
  return checks.flat();
}

/** A member that is down, or cut off, is no fault of its membership: going back to before would not help. */
async function verifySwarm(io: Io, swarm: Swarm): Promise<readonly Check[]> {
  const seen = await look(io, swarm);
  const members = seen.machines.map((machine) => checkMember(io, seen, machine));
  return [...members, ...checkManagers(seen)].map((check) =>
    check.status === "fail" ? external(check) : check,
  );
}

function checkMember(io: Io, seen: Seen, machine: Machine): Check {
  const { guest } = machine.member;
  const id = memberId(seen.swarm, guest.name);
  const claim = `${describeHost(io.site, guest.host)} is a ready member of the Swarm ${seen.swarm.name}`;
  const node = seen.lead?.nodes.find((each) => isNodeOf(seen, machine, each));
  if (node?.state === "ready") return passed(id, claim);
  const hint = "`docker node ls` on a manager shows its state, `journalctl -u docker` on the member why";
  if (node !== undefined) return failed(id, claim, `its managers say it is ${node.state}`, hint);
  const standing = standingOf(seen, machine);
  return failed(id, claim, standing.is === "unknown" ? standing.error.message : "it is not a member", hint);
}

/** By the node that the machine says it is, or by its address where it does not answer. */
function isNodeOf({ machines }: Seen, { member, view }: Machine, node: SwarmNode): boolean {
  if ("nodeId" in view) return view.nodeId === node.id;
  const isAnothers = machines.some((each) => "nodeId" in each.view && each.view.nodeId === node.id);
  return !isAnothers && node.address === member.guest.address;
}

function checkManagers({ swarm, lead, fault }: Seen): readonly Check[] {
  const [first] = swarm.members;
  if (first === undefined) return [];
  const id = memberId(swarm, first.guest.name);
  const claim = `all managers of the Swarm ${swarm.name} are reachable`;
  if (lead === undefined) return fault === undefined ? [] : [failed(id, claim, fault.message, fault.hint)];
  const managers = lead.nodes.filter(({ role }) => role === "manager");
  const reachable = managers.filter(({ reachability }) => reachability === "reachable").length;
  if (reachable === managers.length) return [passed(id, claim)];
  const needed = Math.floor(managers.length / 2) + 1;
  const observed = `${reachable} of ${managers.length} are; ${needed} must be, or nothing can be changed`;
  return [failed(id, claim, observed, "start the others: `docker node ls` on a manager names them")];
}
