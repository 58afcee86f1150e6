/** What Portainer has and a site cannot declare, with the reason. Pure. */
import type { GuestName } from "../../resource.ts";
import type { FoundPortainer, FoundPortainerState, FoundStack } from "../found/docker.ts";
import type { Left, Source } from "../found.ts";
import type { JoinedSwarm } from "../join/swarms.ts";

export function apiSource({ host }: FoundPortainer, what: string): Source {
  return { host, path: `Portainer: ${what}` };
}

/** Environments of kinds that Phoenix does not deploy to. */
export function otherEnvironments(server: FoundPortainer, { others }: FoundPortainerState): readonly Left[] {
  return others.map(({ name, kind }) => ({
    source: apiSource(server, `environment ${name}`),
    what: `environment ${name}`,
    reason: `it is ${kind}: Phoenix deploys through Portainer's agent on Docker and the server's own engine`,
  }));
}

/** Where a stack runs: a machine, which may be a member of a Swarm. */
export interface StackPlace {
  readonly host?: GuestName;
  readonly swarm?: JoinedSwarm;
}

/** Why Phoenix could not deploy a stack, whoever made it; undefined when it could. */
export function undeployable(
  { kind, environmentId, swarmId }: FoundStack,
  { host, swarm }: StackPlace,
  { others }: FoundPortainerState,
): string | undefined {
  const other = others.find(({ id }) => id === environmentId);
  if (other !== undefined) return `its environment ${other.name} is ${other.kind}`;
  if (kind === "Kubernetes") return "it is a stack of Kubernetes, which is not imported";
  if (host === undefined) return "its environment is not a machine of the site";
  const isOfSwarm = swarm !== undefined && swarmId === swarm.swarm.id;
  if (kind === "swarm" && !isOfSwarm) return "it was made for a Swarm that the site does not have";
  if (swarm !== undefined && !isOfSwarm)
    return `it runs on one machine of the Swarm ${swarm.name}, whose members have no stacks of their own`;
  if (swarm !== undefined && swarm.environment?.id !== environmentId)
    return `its environment is not the one that the Swarm ${swarm.name} has in the site`;
  return kind === "without a file" ? "Portainer has lost its Compose file" : undefined;
}

/** What else is said of a stack that Portainer takes from a Git repository. */
export function fromGit({ repository }: FoundStack): string {
  return repository === undefined ? "" : `, and Portainer takes it from the Git repository ${repository}`;
}
