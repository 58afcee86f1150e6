/** Docker in the site: Portainer with its machines and stacks, and the Compose projects that run without it. */
import { definitionLabel } from "../../fabric/portainer-server.ts";
import type { DraftPart } from "../draft.ts";
import { emptyDraft, joined } from "../draft.ts";
import type { FoundContainer, FoundDocker, FoundProject } from "../found/docker.ts";
import type { Left } from "../found.ts";
import { swarmOf } from "../join/swarms.ts";
import type { Found } from "../read/index.ts";
import { handMadeStack } from "../stacks/by-hand.ts";
import { isDirectoryName } from "../stacks/deployed.ts";
import { portainerPart } from "./portainer.ts";

export function dockerPart(found: Found): DraftPart {
  const portainer = portainerPart(found);
  const taken = new Set((portainer.stacks ?? []).map(({ name }) => name));
  const projects = projectsPart(found, taken);
  return [portainer, projects, { left: containersLeft(found) }].reduce<typeof emptyDraft>(joined, emptyDraft);
}

/** The Compose projects that are run by hand: declared, and assigned to no machine, so that nothing of them is changed. */
function projectsPart(found: Found, taken: Set<string>): DraftPart {
  const { docker, guests } = found;
  const parts = docker.projects
    .filter((project) => !isPortainers(docker, project))
    .map((project): DraftPart => {
      const { host, name, source } = project;
      const what = `Compose project ${name}`;
      const machine = guests.find((guest) => guest.host === host)?.name ?? host;
      if (host.startsWith("lxc/"))
        return {
          left: [
            { source, what, reason: "it runs in a container; Phoenix deploys stacks to virtual machines" },
          ],
        };
      if (taken.has(name) || !isDirectoryName(name))
        return { left: [{ source, what, reason: "another stack of the site has this name" }] };
      const drafted = handMadeStack(project);
      if (!("stack" in drafted)) return { left: drafted };
      taken.add(name);
      const swarm = swarmOf(found, host);
      // A member has no stacks of its own.
      const runner = swarm === undefined ? machine : `the Swarm ${swarm.name}`;
      const reason = `it is declared in stacks/${name} and runs without Portainer: nothing of it is changed until ${runner} has "docker_stacks": ["${name}"]`;
      return {
        stacks: [drafted.stack],
        secrets: drafted.secrets,
        left: [{ source, what, reason }, ...drafted.left],
      };
    });
  return parts.reduce<typeof emptyDraft>(joined, emptyDraft);
}

/** Whether Portainer made the project, or it is Portainer itself: then the part of Portainer speaks of it. */
function isPortainers(docker: FoundDocker, { host, name, byPortainer }: FoundProject): boolean {
  const isServer = docker.portainer.some(
    ({ host: its, container }) => its === host && container.labels["com.docker.compose.project"] === name,
  );
  return isServer || (byPortainer && docker.portainer.length > 0);
}

/** Containers that no Compose file declares. Those of a Swarm are told by its services, where a manager tells these. */
function containersLeft({ docker, swarms }: Found): readonly Left[] {
  const members = new Set(swarms.flatMap((swarm) => swarm.members.map(({ host }) => host)));
  return docker.engines.flatMap(({ host, containers }) =>
    containers.flatMap((container): readonly Left[] => {
      const reason = reasonOf(container, members.has(host));
      const what = `container ${container.name} (${container.image})`;
      return reason === undefined ? [] : [{ source: container.source, what, reason }];
    }),
  );
}

function reasonOf({ labels, image }: FoundContainer, isOfKnownSwarm: boolean): string | undefined {
  const service = labels["com.docker.swarm.service.name"];
  if (service !== undefined)
    return isOfKnownSwarm
      ? undefined
      : `it belongs to the Swarm service ${service}, which no manager here tells of`;
  const isOurs = labels[definitionLabel] !== undefined || labels["com.docker.compose.project"] !== undefined;
  if (isOurs) return undefined;
  if (/(?:^|\/)portainer\//.test(image)) return undefined;
  return "it was started with `docker run`; a Compose file in stacks/NAME would declare it";
}
