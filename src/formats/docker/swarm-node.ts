/** Reads the nodes of a Swarm. Pure. */
import type { SwarmNode } from "../../swarm-node.ts";
import { member, textOf, textsOf } from "../json/index.ts";

/** @param found one object of `GET /nodes`; what it lacks is "" */
export function swarmNodeOf(found: unknown): SwarmNode {
  const spec = member(found, "Spec");
  const description = member(found, "Description");
  const status = member(found, "Status");
  const manager = member(found, "ManagerStatus");
  return {
    id: textOf(found, "ID"),
    name: textOf(description, "Hostname"),
    role: textOf(spec, "Role") === "manager" ? "manager" : "worker",
    availability: textOf(spec, "Availability") || "active",
    state: textOf(status, "State"),
    reachability: textOf(manager, "Reachability"),
    isLeader: member(manager, "Leader") === true,
    address: textOf(status, "Addr"),
    os: textOf(member(description, "Platform"), "OS"),
    labels: textsOf(member(spec, "Labels")),
  };
}
