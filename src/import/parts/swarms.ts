/** Docker Swarms in the site: their members, and what runs in them that the site does not declare. Pure. */
import type { GuestName } from "../../resource.ts";
import { type DraftPart, emptyDraft, joined } from "../draft.ts";
import type { FoundService, FoundSwarm } from "../found/swarms.ts";
import type { Left, Source } from "../found.ts";
import { type JoinedSwarm, joinSwarms, serversOf } from "../join/swarms.ts";
import { type DraftObject, noted } from "../json.ts";
import type { Found } from "../read/index.ts";
import { agentImage } from "./portainer.ts";

export function swarmsPart(found: Found): DraftPart {
  const declared = joinSwarms(found);
  return found.swarms
    .map((swarm): DraftPart => {
      const own = declared.find((each) => each.swarm === swarm);
      return {
        guests: own === undefined ? new Map() : membersOf(own),
        left: [...membersLeft(swarm, own), ...servicesLeft(found, swarm, own)],
      };
    })
    .reduce<typeof emptyDraft>(joined, emptyDraft);
}

function membersOf({ name, members }: JoinedSwarm): ReadonlyMap<GuestName, DraftObject> {
  return new Map(
    members.map(({ host, role, source }) => [
      host,
      { swarm: noted(name, source), ...(role === "manager" ? { swarm_role: noted(role, source) } : {}) },
    ]),
  );
}

function membersLeft(swarm: FoundSwarm, own: JoinedSwarm | undefined): readonly Left[] {
  return swarm.members
    .filter(({ host }) => own?.members.some((each) => each.host === host) !== true)
    .map(({ host, role, source }) => ({
      source,
      what: `a ${role} of a Docker Swarm`,
      reason: host.startsWith("lxc/")
        ? "it is a container; the members of a site's Swarm are virtual machines"
        : "a site's Swarm has a manager that is a virtual machine, and this one has none",
    }));
}

/** The services that no stack of Portainer's has, a stack or a service a line. */
function servicesLeft(
  { docker }: Found,
  { id, members, services }: FoundSwarm,
  own: JoinedSwarm | undefined,
): readonly Left[] {
  const [server] = serversOf(docker);
  const host = own?.manager ?? members[0]?.host ?? "pve";
  const ofPortainer = new Set(
    (server?.state?.stacks ?? []).filter(({ swarmId }) => swarmId === id).map(({ name }) => name),
  );
  const others = services.filter(
    ({ stack, image }) => !ofPortainer.has(stack) && !(stack === "" && agentImage.test(image)),
  );
  const stacks = [...new Set(others.map(({ stack }) => stack))].filter((stack) => stack !== "");
  const isUnread = server !== undefined && server.state === undefined;
  const made = isUnread
    ? "Portainer has not told whether it is its stack"
    : "the command line made it, and it stays as it is";
  const todo =
    own === undefined
      ? ""
      : `; a Compose file in stacks/NAME that swarms.${own.name}.docker_stacks names would declare it`;
  const source = (path: string): Source => ({ host, path });
  return [
    ...stacks.map((stack) => ({
      source: source("docker stack ls"),
      what: `stack ${stack} of the Swarm: ${wordsOf(others.filter((each) => each.stack === stack))}`,
      reason: `${made}${isUnread ? "" : todo}`,
    })),
    ...others
      .filter(({ stack }) => stack === "")
      .map((service) => ({
        source: source("docker service ls"),
        what: `service ${wordsOf([service])} of the Swarm`,
        reason: `it was made with \`docker service create\`, and stays as it is${todo}`,
      })),
  ];
}

function wordsOf(services: readonly FoundService[]): string {
  return services.map(({ name, image }) => `${name} (${image})`).join(", ");
}
