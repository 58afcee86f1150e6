/** What Portainer and a Swarm have of a declared stack, and configs and secrets of ours that nothing uses any more. */
import type { EnvironmentState, StackState } from "../../../apis/portainer/index.ts";
import type { SwarmObjectKind } from "../../../apis/portainer/swarm.ts";
import type { Io } from "../../../component.ts";
import { defined } from "../../../defined.ts";
import { NotReadyError } from "../../../errors.ts";
import { canonicalJson, type Resource } from "../../../resource.ts";
import { Secret } from "../../../secret.ts";
import { type StackTarget, secretsOf, shownVariables } from "../facts.ts";
import { liveOwners } from "../owners.ts";
import { runningCompose } from "../shown.ts";
import { liveService, type ServiceFacts, swarmResource } from "./facts.ts";
import { sightOf, statesAt } from "./watch.ts";

/** The label of our configs and secrets: the stack's name. */
export const objectLabel = "phoenix.stack";

/** The Swarm of an environment. @throws NotReadyError where its engine manages none */
export async function swarmOf(io: Io, environment: EnvironmentState): Promise<string> {
  const found = await io.apis.portainer.swarm(environment.id);
  if (found !== undefined) return found.id;
  throw new NotReadyError(`the engine of environment ${environment.name} does not manage a Swarm`, {
    hint: "`phoenix sync swarm` makes its machines members of one",
  });
}

/** A stack of a Swarm on an environment, whatever Swarm it was made for. */
export function swarmStackOf(
  stacks: readonly StackState[],
  environmentId: number,
  project: string,
): StackState | undefined {
  return stacks.find(
    (stack) => stack.swarmId !== undefined && stack.environmentId === environmentId && stack.name === project,
  );
}

/** A declared stack as it is; undefined where neither Portainer nor the Swarm has it. */
export async function liveSwarmStack(
  io: Io,
  target: StackTarget,
  environment: EnvironmentState,
  found: StackState,
): Promise<Resource> {
  const { stack, share, swarm, prepared } = target;
  const api = io.apis.portainer;
  const services = swarm?.services ?? [];
  const paths = [...target.files.keys()].map((path) => `${share.path}/${path}`);
  const namesOf = async (kind: SwarmObjectKind): Promise<Readonly<Record<string, string>>> => {
    const wanted = (swarm?.objects ?? []).filter((each) => each.kind === kind);
    if (wanted.length === 0) return {};
    const names = new Set((await api.swarmObjects(environment.id, kind)).map(({ name }) => name));
    return Object.fromEntries(wanted.flatMap(({ name }) => (names.has(name) ? [[name, "present"]] : [])));
  };
  const [compose, sight, networks, files, owners, configs, secrets] = await Promise.all([
    api.stackFile(found.id),
    sightOf(io, environment.id, stack.project),
    stack.networks.length === 0 ? noNames : api.overlayNetworks(environment.id),
    io.host(share.host).readFiles(paths),
    liveOwners(io, stack, found.id),
    namesOf("config"),
    namesOf("secret"),
  ]);
  const watched = { environmentId: environment.id, project: stack.project, name: stack.name, services };
  const states = statesAt({ ...watched, known: "all" }, sight, () => true);
  const live: [string, ServiceFacts][] = sight.services.map((service) => {
    const name = service.name.slice(stack.project.length + 1);
    const spec = services.find((each) => each.name === name);
    const state = found.status === "active" ? (states.get(name)?.reason ?? "") : `stack ${found.status}`;
    return spec === undefined ? [name, undeclared] : [name, liveService(spec, service, state)];
  });
  const facts = {
    id: target.id,
    host: stack.guest.host,
    project: stack.project,
    environment: stack.portainerEnvironment,
    swarm: stack.swarm ?? "",
    compose,
    variables: shownVariables(stack, found.env),
    files: Object.fromEntries(
      [...target.files.keys()].flatMap((path): [string, string][] => {
        const text = files.get(`${share.path}/${path}`)?.text;
        return text === undefined ? [] : [[path, new Secret(text).fingerprint()]];
      }),
    ),
    services: Object.fromEntries(live),
    configs,
    secrets,
    networks: Object.fromEntries(
      stack.networks.flatMap((name) => (networks.includes(name) ? [[name, "present"]] : [])),
    ),
    ...defined({ owners }),
  };
  const { document } = runningCompose(compose, stack, prepared.text);
  return swarmResource(facts, document, secretsOf(stack, found.env, new Map()));
}

const noNames: readonly string[] = [];

const undeclared: ServiceFacts = {
  image: "",
  replicas: "",
  ports: "",
  configs: "",
  secrets: "",
  environment: "",
  container: "",
  definition: "",
  state: "running, not declared",
};

/** A config or secret that a stack of ours once had, as a resource of its own. */
export interface ObjectFacts {
  readonly object: SwarmObjectKind;
  readonly name: string;
  readonly environment: string;
}

/** Configs and secrets of ours on an environment that no service uses and no stack declares: kept for the way back, until pruned. */
export async function unusedObjects(
  io: Io,
  environment: EnvironmentState,
  targets: readonly StackTarget[],
): Promise<readonly Resource[]> {
  const api = io.apis.portainer;
  const here = targets.filter(({ stack }) => stack.portainerEnvironment === environment.name);
  const [services, configs, secrets] = await Promise.all([
    api.services(environment.id),
    api.swarmObjects(environment.id, "config"),
    api.swarmObjects(environment.id, "secret"),
  ]);
  const kept = new Set([
    ...here.flatMap(({ swarm }) => swarm?.objects ?? []).map(({ kind, name }) => `${kind} ${name}`),
    ...services.flatMap((each) => each.configs.map(({ name }) => `config ${name}`)),
    ...services.flatMap((each) => each.secrets.map(({ name }) => `secret ${name}`)),
  ]);
  const host = io.site.swarms.find((swarm) => swarm.environment === environment.name)?.members[0]?.guest.host;
  if (host === undefined) return [];
  const all = [
    ...configs.map((each) => ({ kind: "config" as const, ...each })),
    ...secrets.map((each) => ({ kind: "secret" as const, ...each })),
  ];
  return all
    .filter(({ kind, name, labels }) => labels[objectLabel] !== undefined && !kept.has(`${kind} ${name}`))
    .map(({ kind, name }) => {
      const facts: ObjectFacts = { object: kind, name, environment: environment.name };
      return {
        id: `stacks/${name}`,
        host,
        text: canonicalJson(facts),
        units: { [kind]: "no service uses it" },
      };
    });
}
