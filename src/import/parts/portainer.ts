/** Portainer in the site: the server that Phoenix runs, its machines, and the stacks on them. Pure. */
import { defined } from "../../defined.ts";
import { ports } from "../../fabric/ports.ts";
import type { GuestName } from "../../resource.ts";
import { defaultEnvironment } from "../../site/stacks/assignments.ts";
import { type DraftPart, type DraftSecret, emptyDraft, joined } from "../draft.ts";
import type {
  FoundEnvironment,
  FoundPortainer,
  FoundPortainerState,
  FoundProject,
  FoundStack,
} from "../found/docker.ts";
import type { FoundGuest, Left } from "../found.ts";
import { joinRoles } from "../join/roles.ts";
import { type JoinedSwarm, joinSwarms, serversOf, swarmOf } from "../join/swarms.ts";
import { type DraftObject, type DraftValue, noted } from "../json.ts";
import type { Found } from "../read/index.ts";
import { machineBehind } from "../read/portainer.ts";
import { handMadeStack } from "../stacks/by-hand.ts";
import { type Deployment, deploymentOf, isMarked, type Machine } from "../stacks/deployed.ts";
import { draftStack, textFile } from "../stacks/draft.ts";
import { declaredServerFile } from "../stacks/server-file.ts";
import { secretFile } from "../stacks/variables.ts";
import { apiSource, fromGit, otherEnvironments, type StackPlace, undeployable } from "./portainer-left.ts";

export const serverStack = "portainer_service";

/** What the site says of Portainer. A server that somebody else runs stays foreign: it is told, and so is what it has. */
export function portainerPart(found: Found): DraftPart {
  const [server, ...others] = serversOf(found.docker);
  if (server === undefined) return {};
  const left = others.map(({ source }) => ({
    source,
    what: "a Portainer server",
    reason: "the site has one Portainer, and another one is declared",
  }));
  const part = server.state === undefined ? unreadPart(found, server) : ownPart(found, server, server.state);
  return joined({ ...emptyDraft, left }, part);
}

function unreadPart({ docker }: Found, { source, unread = "" }: FoundPortainer): DraftPart {
  const hint = /credentials/.test(unread)
    ? ": run import again with a password or an API key of Portainer's"
    : "";
  const reason = `its stacks and environments could not be read: ${unread}${hint}`;
  const left = [{ source, what: "a Portainer server", reason }];
  return docker.projects
    .filter(({ byPortainer }) => byPortainer)
    .map(projectOfPortainer)
    .reduce<typeof emptyDraft>(joined, { ...emptyDraft, left });
}

/** A stack as far as Portainer's own data on its machine tells. */
function projectOfPortainer(project: FoundProject): DraftPart {
  const { name, source } = project;
  const what = `stack ${name}`;
  const drafted = handMadeStack(project);
  if (!("stack" in drafted)) {
    const reason = "Portainer deployed it, and has not told its Compose file and variables";
    return { left: [{ source, what, reason }] };
  }
  const reason = `it is declared in stacks/${name} as Portainer's data has it, and assigned to no machine`;
  return {
    stacks: [drafted.stack],
    secrets: drafted.secrets,
    left: [{ source, what, reason }, ...drafted.left],
  };
}

function ownPart(found: Found, server: FoundPortainer, state: FoundPortainerState): DraftPart {
  const project = found.docker.projects.find(
    ({ host, name }) =>
      host === server.host && name === server.container.labels["com.docker.compose.project"],
  );
  const text = project?.files[0]?.text;
  const file = text === undefined ? undefined : declaredServerFile(text, server.port ?? ports.portainer);
  if (file === undefined) return foreignPart(found, server, state);
  const drafted: DraftPart = {
    config: configOf(found, server, state),
    guests: new Map<GuestName, DraftValue>([
      [server.host, { portainer_role: noted("primary", server.source) }],
    ]),
    stacks: [{ name: serverStack, compose: textFile("docker-compose.yml", file.text) }],
    secrets: secretsOf(state),
    left: state.registries.map(({ name, url }) => ({
      source: apiSource(server, `registry ${name}`),
      what: `the registry ${url}`,
      reason:
        "Portainer does not tell its password: it stays in Portainer and is used from there; to declare it, add it to portainer_api.registries with its password",
    })),
  };
  return [environmentsPart(found, server, state), stacksPart(found, server, state)].reduce(
    joined,
    joined(emptyDraft, drafted),
  );
}

const passwordPath = "secrets/portainer_admin_password";
const keyPath = "secrets/portainer_api_key";

function configOf({ docker }: Found, server: FoundPortainer, state: FoundPortainerState): DraftObject {
  const agents = docker.engines.flatMap(({ containers }) =>
    containers.filter(({ image }) => agentImage.test(image)),
  );
  const agentPort = portOf(state.environments.find(({ kind }) => kind === "agent")?.url);
  const image = agents[0]?.image;
  const { user, password, apiKey } = state;
  const hostname = server.names.find((name) => !/^[\d.]+$/.test(name));
  const changed = (port: number | undefined, usual: number): DraftValue | undefined =>
    port === undefined || port === usual ? undefined : noted(port, server.source);
  const network = defined({
    portainer_server_port: changed(server.port, ports.portainer),
    portainer_agent_port: changed(agentPort, ports.portainerAgent),
  });
  return {
    ...(Object.keys(network).length === 0 ? {} : { network }),
    ...(image === undefined ? {} : { docker: { portainer_agent_image: noted(image, agents[0]?.source) } }),
    portainer_api: defined({
      admin_user: user === "admin" ? undefined : user,
      admin_password: password === undefined ? undefined : `file:${passwordPath}`,
      api_key: apiKey === undefined ? undefined : `file:${keyPath}`,
      portainer_hostname:
        hostname === undefined ? undefined : noted(hostname, apiSource(server, "its certificate")),
    }),
  };
}

/** An image of Portainer's agent. */
export const agentImage = /(?:^|\/)portainer\/agent(?:[:@]|$)/;

function portOf(url: string | undefined): number | undefined {
  const port = /:(\d+)\/?$/.exec(url ?? "")?.[1];
  return port === undefined ? undefined : Number(port);
}

function secretsOf({ password, apiKey }: FoundPortainerState): readonly DraftSecret[] {
  return [
    ...(password === undefined ? [] : [secretFile(passwordPath, password)]),
    ...(apiKey === undefined ? [] : [secretFile(keyPath, apiKey)]),
  ];
}

/** The machines and Swarms behind Portainer's environments: roles and names, where these are not the default ones. */
function environmentsPart(found: Found, server: FoundPortainer, state: FoundPortainerState): DraftPart {
  const swarms = joinSwarms(found);
  const guests = new Map<GuestName, DraftObject>();
  const left: Left[] = [...otherEnvironments(server, state)];
  for (const environment of state.environments) {
    const { name, kind } = environment;
    if (swarms.some((swarm) => swarm.environment === environment)) continue;
    const source = apiSource(server, `environment ${name}`);
    const guest = machineBehind(environment, server.host, found.guests);
    const swarm = swarmOf(found, guest?.host);
    const reason =
      swarm === undefined
        ? refusal(guest, server, kind, guests)
        : `it leads to a member of the Swarm ${swarm.name}, which has one environment, by agents`;
    if (guest === undefined || reason !== undefined) {
      const why = reason ?? `no guest has the address or the name in ${environment.url}`;
      left.push({ source, what: `environment ${name}`, reason: why });
      continue;
    }
    const usual = kind === "local" ? "local" : guest.name;
    const role = kind === "agent" ? { portainer_role: noted("agent", source) } : {};
    guests.set(guest.host, {
      ...role,
      ...(name === usual ? {} : { portainer_environment_name: noted(name, source) }),
    });
  }
  return { config: swarmNames(swarms, server), guests, left };
}

/** The names of the Swarms' environments that are not the Swarms' own. */
function swarmNames(swarms: readonly JoinedSwarm[], server: FoundPortainer): DraftObject {
  const named = swarms.flatMap(({ name, environment }): [string, DraftValue][] => {
    if (environment === undefined || environment.name === name) return [];
    const source = apiSource(server, `environment ${environment.name}`);
    return [[name, noted({ environment_name: environment.name }, source)]];
  });
  return named.length === 0 ? {} : { swarms: Object.fromEntries(named) };
}

function refusal(
  guest: FoundGuest | undefined,
  server: FoundPortainer,
  kind: FoundEnvironment["kind"],
  taken: ReadonlyMap<GuestName, unknown>,
): string | undefined {
  if (guest === undefined) return undefined;
  if (taken.has(guest.host)) return `${guest.name} has another environment already`;
  if (kind === "agent" && guest.host === server.host)
    return "the machine of the server itself is reached without an agent";
  return undefined;
}

function stacksPart(found: Found, server: FoundPortainer, state: FoundPortainerState): DraftPart {
  const deployments: Deployment[] = [];
  const parts: DraftPart[] = [];
  for (const stack of state.stacks) {
    const place = placeOf(found, server, state, stack);
    const reason = stackRefusal(stack, place, state);
    if (place.host === undefined || reason !== undefined) {
      const source = apiSource(server, `stack ${stack.name}`);
      const what = `stack ${stack.name}`;
      parts.push({ left: [{ source, what, reason: reason ?? "" }] });
      continue;
    }
    deployments.push(deploymentOf(stack, machineOf(found, place.host, place.swarm), state.stacks, state));
  }
  const assigned: { readonly at: number; readonly part: DraftPart }[] = [];
  const names = [...new Set(deployments.map(({ name }) => name))];
  for (const name of names) {
    const drafted = draftStack(
      name,
      deployments.filter((each) => each.name === name),
    );
    parts.push({ stacks: [drafted.stack], secrets: drafted.secrets, left: drafted.left });
    for (const { host, swarm, environment, source } of drafted.deployments) {
      const entry = environment === defaultEnvironment ? name : { name, environment };
      const own = { docker_stacks: [noted(entry, source)] };
      const part: DraftPart =
        swarm === undefined
          ? { guests: new Map([[host, own]]) }
          : { config: { swarms: { [swarm]: noted(own, { host, path: "docker info" }) } } };
      const at = deployments.findIndex(
        (each) => each.name === name && each.host === host && each.environment === environment,
      );
      assigned.push({ at, part });
    }
  }
  // In the order that they were deployed in, which is that of the site they came from.
  parts.push(...assigned.sort((a, b) => a.at - b.at).map(({ part }) => part));
  return parts.reduce<typeof emptyDraft>(joined, emptyDraft);
}

function placeOf(
  found: Found,
  server: FoundPortainer,
  { environments }: FoundPortainerState,
  { environmentId }: FoundStack,
): StackPlace {
  const environment = environments.find(({ id }) => id === environmentId);
  const guest = environment && machineBehind(environment, server.host, found.guests);
  const swarm = swarmOf(found, guest?.host);
  return defined({ host: swarm?.manager ?? guest?.host, swarm });
}

/** Why a stack is not one that the site declares. */
function stackRefusal(stack: FoundStack, place: StackPlace, state: FoundPortainerState): string | undefined {
  const reason = undeployable(stack, place, state);
  if (reason !== undefined) return reason;
  if (place.host?.startsWith("lxc/") === true)
    return "Phoenix deploys stacks to virtual machines, and this one runs in a container";
  if (!isMarked(stack)) return `somebody made it in Portainer: it stays as it is${fromGit(stack)}`;
  if (stack.status === "inactive") return "it is stopped in Portainer: a sync would start it";
  return undefined;
}

function machineOf(
  { shares, docker, web, guests }: Found,
  host: GuestName,
  swarm: JoinedSwarm | undefined,
): Machine {
  const roles = [...joinRoles(web, guests).roles.values()].flat();
  return {
    host,
    share: shares.mounts.find((share) => share.host === host),
    engine: docker.engines.find((each) => each.host === host),
    servers: web.servers,
    isRouted: roles.includes("mesh"),
    ...defined({ swarm }),
  };
}

/** A Portainer that somebody else runs: what it has is told, with its files beside. */
function foreignPart(found: Found, server: FoundPortainer, state: FoundPortainerState): DraftPart {
  const own = state.stacks.filter(isMarked);
  const isUsed = own.length > 0 && server.address !== undefined;
  const what = "a Portainer server";
  const reason = "it was not set up by Phoenix: it and its stacks stay as they are";
  const left: readonly Left[] = [
    ...(isUsed ? [] : [{ source: server.source, what, reason }]),
    ...otherEnvironments(server, state),
  ];
  const parts = [
    ...(isUsed
      ? [externalPart(found, server, state), stacksPart(found, server, { ...state, stacks: own })]
      : []),
    ...state.stacks
      .filter((stack) => !isUsed || !isMarked(stack))
      .map((stack) => foreignStack(found, server, state, stack)),
  ];
  return parts.reduce<typeof emptyDraft>(joined, { ...emptyDraft, left });
}

/** A Portainer of somebody else's that Phoenix deploys stacks through. */
function externalPart(found: Found, server: FoundPortainer, state: FoundPortainerState): DraftPart {
  const swarms = joinSwarms(found);
  const { user, password, apiKey, environments, stacks } = state;
  const ids = new Set(stacks.filter(isMarked).map(({ environmentId }) => environmentId));
  const names = environments
    .filter(({ id }) => ids.has(id) && !swarms.some(({ environment }) => environment?.id === id))
    .flatMap((environment): [GuestName, DraftObject][] => {
      const guest = machineBehind(environment, server.host, found.guests);
      if (guest === undefined || guest.name === environment.name) return [];
      const name = noted(environment.name, apiSource(server, `environment ${environment.name}`));
      return [[guest.host, { portainer_environment_name: name }]];
    });
  return {
    config: {
      portainer_api: noted(
        defined({
          external: true,
          url: `https://${server.address}:${server.port}`,
          fingerprint: server.fingerprint,
          admin_user: user === "admin" ? undefined : user,
          admin_password: password === undefined ? undefined : `file:${passwordPath}`,
          api_key: apiKey === undefined ? undefined : `file:${keyPath}`,
        }),
        server.source,
      ),
      ...swarmNames(swarms, server),
    },
    guests: new Map(names),
    secrets: secretsOf(state),
  };
}

function foreignStack(
  found: Found,
  server: FoundPortainer,
  state: FoundPortainerState,
  stack: FoundStack,
): DraftPart {
  const what = `stack ${stack.name}`;
  const source = apiSource(server, what);
  const place = placeOf(found, server, state, stack);
  const refused = undeployable(stack, place, state);
  if (place.host === undefined || refused !== undefined)
    return { left: [{ source, what, reason: `${refused}${fromGit(stack)}` }] };
  const machine = machineOf(found, place.host, place.swarm);
  const drafted = draftStack(stack.name, [deploymentOf(stack, machine, state.stacks, state)]);
  const reason = `it is declared in stacks/${stack.name} and assigned to no machine: it stays as it is${fromGit(stack)}`;
  return {
    stacks: [drafted.stack],
    secrets: drafted.secrets,
    left: [{ source, what, reason }, ...drafted.left],
  };
}
