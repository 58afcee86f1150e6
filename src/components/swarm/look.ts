/** A declared Swarm as its machines are now: which of them are members, and which manager answers for it. */
import type { Io } from "../../component.ts";
import { defined } from "../../defined.ts";
import { isUnavailable, messageOf, NotReadyError, type PhoenixError } from "../../errors.ts";
import { describeHost } from "../../fabric/guests.ts";
import type { RoleGuest, Swarm, SwarmMember } from "../../model.ts";
import type { SwarmNode } from "../../swarm-node.ts";
import { type EngineView, engineView, nodesOf, swarmLabel } from "./engine.ts";

export interface Machine {
  readonly member: SwarmMember;
  /** What its engine says; an error when it could not be asked. */
  readonly view: EngineView | PhoenixError;
}

export interface Seen {
  readonly swarm: Swarm;
  readonly machines: readonly Machine[];
  /** The manager that answers for the Swarm, and its nodes; absent where there is no Swarm yet. */
  readonly lead?: Lead;
  /** Managers are there, and none can act: the Swarm has lost its quorum. */
  readonly fault?: PhoenixError;
}

export interface Lead {
  readonly manager: RoleGuest;
  readonly clusterId: string;
  readonly nodes: readonly SwarmNode[];
  /** Whether Phoenix made the Swarm, or took it over. */
  readonly isOurs: boolean;
}

export function isView(view: Machine["view"]): view is EngineView {
  return !(view instanceof Error);
}

/** Asks every member's engine side by side, then a manager. */
export async function look(io: Io, swarm: Swarm): Promise<Seen> {
  const machines = await Promise.all(
    swarm.members.map(async (member): Promise<Machine> => {
      try {
        return { member, view: await engineView(io.host(member.guest.host)) };
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        return { member, view: error };
      }
    }),
  );
  const managers = machines.flatMap(({ member, view }) =>
    isView(view) && view.state === "active" && view.isManager ? [{ member, view }] : [],
  );
  if (managers.length === 0) return defined({ swarm, machines, fault: noManager(io, swarm, machines) });
  const clusterId = clusterOf(
    swarm,
    managers.map(({ view }) => view),
  );
  let reason = "";
  for (const { member, view } of managers) {
    if (view.clusterId !== clusterId) continue;
    try {
      const nodes = await nodesOf(io.host(member.guest.host));
      const isOurs = view.labels[swarmLabel] === swarm.name;
      return { swarm, machines, lead: { manager: member.guest, clusterId, nodes, isOurs } };
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      reason = messageOf(error);
    }
  }
  return { swarm, machines, fault: noQuorum(io, swarm, machines, reason) };
}

/** Of several Swarms on the declared machines: the one with our mark, else the one that most managers are in. */
function clusterOf(swarm: Swarm, views: readonly EngineView[]): string {
  const marked = views.find(({ labels }) => labels[swarmLabel] === swarm.name);
  if (marked !== undefined) return marked.clusterId;
  const count = (id: string): number => views.filter(({ clusterId }) => clusterId === id).length;
  return views.reduce(
    (best, { clusterId }) => (count(clusterId) > count(best) ? clusterId : best),
    views[0]?.clusterId ?? "",
  );
}

/** Whether there is a Swarm cannot be known while a manager is silent: a new one beside it would be a second. */
function noManager(io: Io, swarm: Swarm, machines: readonly Machine[]): PhoenixError | undefined {
  const silent = machines.filter(({ member, view }) => member.role === "manager" && !isView(view));
  if (silent.length === 0) return undefined;
  const names = silent.map(({ member, view }) => {
    const host = describeHost(io.site, member.guest.host);
    return isView(view) ? host : `${host}: ${view.message}`;
  });
  const message = `no manager of the Swarm ${swarm.name} answers, and without all of them it is not known whether there is one (${names.join("; ")})`;
  return new NotReadyError(message, { hint: "start its managers, and Docker on them" });
}

function noQuorum(io: Io, swarm: Swarm, machines: readonly Machine[], reason: string): PhoenixError {
  const managers = machines.filter(({ member }) => member.role === "manager");
  const lost = managers.filter(({ view }) => !isView(view) || view.state !== "active");
  const names = lost.map(({ member }) => describeHost(io.site, member.guest.host)).join(", ");
  const who = lost.length === 0 ? reason : `${names} ${lost.length === 1 ? "is" : "are"} not there`;
  return new NotReadyError(
    `the Swarm ${swarm.name} has no quorum: ${managers.length - lost.length} of ${managers.length} declared managers answer (${who})`,
    {
      hint: "start the other managers; where they are lost for good, `docker swarm init --force-new-cluster` on the one that is left",
    },
  );
}

/** How a machine stands to the declared Swarm. */
export type Standing =
  | { readonly is: "outside" }
  | { readonly is: "member"; readonly node: SwarmNode }
  /** It believes to be a member, and its Swarm has forgotten it or is gone. */
  | { readonly is: "forgotten" }
  /** Left alone, and why. */
  | { readonly is: "unknown"; readonly error: PhoenixError };

export function standingOf({ swarm, lead, fault }: Seen, { member, view }: Machine): Standing {
  const { host } = member.guest;
  if (!isView(view)) return { is: "unknown", error: view };
  if (view.state === "inactive")
    return fault === undefined ? { is: "outside" } : { is: "unknown", error: fault };
  if (view.state === "locked")
    return left(`the Swarm on ${host} is locked`, "unlock it there: `docker swarm unlock`");
  if (view.state === "pending")
    return left(`${host} is joining a Swarm`, "wait for it to end, and run this again");
  if (fault !== undefined) return { is: "unknown", error: fault };
  const node = lead?.nodes.find(({ id }) => id === view.nodeId);
  const isIn = node !== undefined && (!view.isManager || view.clusterId === lead?.clusterId);
  if (isIn && view.state === "active") return { is: "member", node };
  const addresses = swarm.members.map(({ guest }) => guest.address);
  // An engine whose node was removed knows neither itself nor a manager.
  const isNobody = view.state === "error" && view.nodeId === "";
  const wasOurs =
    isIn || isNobody || (!view.isManager && view.managers.some((each) => addresses.includes(each)));
  if (wasOurs) return { is: "forgotten" };
  const of =
    view.clusterId === "" ? `managed at ${view.managers.join(", ") || "an unknown address"}` : view.clusterId;
  return left(
    `${host} is a member of another Swarm (${of})`,
    "Phoenix does not take it out of there: `docker swarm leave` on it, or remove its swarm from the site",
  );
}

function left(message: string, hint: string): Standing {
  return { is: "unknown", error: new NotReadyError(message, { hint }) };
}
