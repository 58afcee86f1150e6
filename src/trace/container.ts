/** Containers: whether they run, how they are, and the last that they wrote. */
import { describeHost } from "../fabric/guests.ts";
import type { ContainerHop } from "../fabric/hop.ts";
import { swarmNamed } from "../fabric/swarms.ts";
import type { Site } from "../model.ts";
import { count } from "../render/words.ts";
import type { HostName } from "../resource.ts";
import type { ContainerFacts, ContainerStory } from "./containers.ts";
import { storyOf } from "./containers.ts";
import { downElsewhere, type Looking } from "./context.ts";
import { broken, degraded, type Finding, ok, unknown } from "./finding.ts";

/** A hop's containers, those that do not run first; undefined when Docker does not say. */
export async function ownContainers(
  { facts }: Looking,
  hop: ContainerHop,
): Promise<readonly ContainerFacts[] | undefined> {
  const answers = await Promise.all(machinesOf(facts.site, hop).map((host) => facts.containers(host)));
  const seen = answers.flatMap((each) => ("value" in each ? [each.value] : []));
  if (seen.length === 0) return undefined;
  const isOwn = ({ name, project, service }: ContainerFacts): boolean =>
    hop.container === undefined
      ? project === hop.project && hop.services.includes(service)
      : name === hop.container;
  const own = seen.flat().filter(isOwn);
  return hop.stack?.swarm === undefined ? own : present(own);
}

/** The machines that may run a hop's containers: every member of a Swarm, the first manager first. */
function machinesOf(site: Site, { host, stack }: ContainerHop): readonly HostName[] {
  const members = swarmNamed(site, stack?.swarm)?.members;
  return members?.map(({ guest }) => guest.host) ?? [host];
}

/** A Swarm keeps the containers of earlier tasks: where one of a service runs, they tell nothing. */
function present(own: readonly ContainerFacts[]): readonly ContainerFacts[] {
  const runs = new Set(own.filter(({ state }) => state === "running").map(({ service }) => service));
  return own.filter(({ service, state }) => state === "running" || !runs.has(service));
}

export async function lookAtContainers(looking: Looking, hop: ContainerHop): Promise<Finding> {
  const { facts } = looking;
  const [down, own] = await Promise.all([downElsewhere(looking, hop.host), ownContainers(looking, hop)]);
  // Another member of a Swarm may run them.
  if (down !== undefined && (hop.stack?.swarm === undefined || own === undefined)) return down;
  if (own === undefined) {
    const seen = await facts.containers(hop.host);
    return unknown("fault" in seen ? seen.fault : "Docker does not answer");
  }
  const swarm = hop.stack?.swarm;
  const where = swarm === undefined ? describeHost(facts.site, hop.host) : `the Swarm ${swarm}`;
  const sync = `\`phoenix sync ${hop.stack === undefined ? "portainer" : `stacks/${hop.stack.name}`}\``;
  const missing =
    hop.container === undefined
      ? hop.services.filter((name) => !own.some(({ service }) => service === name))
      : [];
  if (own.length === 0 || missing.length > 0) {
    const what = hop.container ?? missing.map((name) => `${name} of ${hop.project}`).join(", ");
    return cut(hop, "no container", `${where} has no container for ${what}`, { hint: `${sync} creates it` });
  }
  const sick = own.find((container) => faultOf(container, hop) !== undefined);
  if (sick === undefined) {
    const [first] = own;
    return ok(
      own.length === 1 && first !== undefined
        ? `${first.name} ${lowered(first.status)}`
        : `${count(own.length, "container")} running`,
    );
  }
  const told = await facts.ask(`story ${sick.host} ${sick.name}`, () =>
    storyOf(facts.io.host(sick.host), sick.name),
  );
  const story = "value" in told ? told.value : undefined;
  const details = [
    ...(story === undefined ? [] : storyLines(story)),
    ...(story?.log ?? []).map((line) => `${sick.name} | ${line}`),
  ];
  const fault = faultOf(sick, hop) ?? "";
  const start = sick.host.startsWith("vm/")
    ? `qm guest exec ${sick.host.slice(3)} -- docker start ${sick.name}`
    : `docker start ${sick.name}`;
  const isUnhealthy = fault === "unhealthy";
  const hint =
    swarm === undefined &&
    sick.state === "exited" &&
    story?.exitCode !== undefined &&
    [0, 137, 143].includes(story.exitCode)
      ? `\`${start}\` starts it; so does ${sync}`
      : `\`docker logs ${sick.name}\` on ${sick.host} shows more; ${sync} deploys it again`;
  const cause = `${sick.name} on ${describeHost(facts.site, sick.host)} is ${fault}: ${sick.status}`;
  return isUnhealthy ? degraded(fault, cause, { details, hint }) : cut(hop, fault, cause, { details, hint });
}

/** What requests do not pass through is not what stops them. */
function cut(hop: ContainerHop, ...[seen, cause, more]: Parameters<typeof broken>): Finding {
  return hop.isBeside === true ? degraded(seen, cause, more) : broken(seen, cause, more);
}

/** What is wrong with a container. A job that ended well is done. */
function faultOf({ state, status, service }: ContainerFacts, hop: ContainerHop): string | undefined {
  if (state === "running") return /\(unhealthy\)/.test(status) ? "unhealthy" : undefined;
  const isJob = hop.jobs?.includes(service) === true && state === "exited" && /^Exited \(0\)/.test(status);
  return isJob ? undefined : state;
}

function storyLines({ exitCode, restarts, health }: ContainerStory): readonly string[] {
  return [
    ...(exitCode === 0 && restarts === 0 ? [] : [`exit code ${exitCode}, ${count(restarts, "restart")}`]),
    ...(health === "" ? [] : [`its health check printed: ${health}`]),
  ];
}

function lowered(status: string): string {
  return status === "" ? "running" : status.charAt(0).toLowerCase() + status.slice(1);
}
