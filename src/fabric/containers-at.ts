/** The services that a stack runs, and which of them answer at a port of their machine. Pure. */
import {
  type Compose,
  type ComposePort,
  type ComposeService,
  readCompose,
} from "../formats/compose/index.ts";
import { withDeployLabels } from "../formats/compose/swarm/prepare.ts";
import type { Stack, StackLabel } from "../model.ts";
import type { SourceRef } from "../resource.ts";
import { memo } from "./memo.ts";

/** A service of a stack, and the line that declares it. */
export interface PublishedService extends ComposeService {
  readonly from: SourceRef;
}

/** What a stack's Compose file declares before it is prepared; undefined when it is not a Compose file. */
export const declaredCompose = memo((stack: Stack): Compose | undefined => {
  const { compose } = readCompose(stack.compose.text, variablesOf(stack), stack.project);
  return compose !== undefined && stack.swarm !== undefined ? withDeployLabels(compose) : compose;
});

/** Every service that the stack runs, in the order of its file. */
export const stackServices = memo((stack: Stack): readonly PublishedService[] => {
  const { file } = stack.compose;
  const services = expectedServices(declaredCompose(stack), variablesOf(stack));
  return services.map((each) => ({ ...each, from: { file, ...each.place } }));
});

function variablesOf({ variables }: Stack): ReadonlyMap<string, string> {
  return new Map(variables.map(({ name, value }) => [name, value.reveal()]));
}

/** The labels that phoenix.json adds to a service of the Compose file, which may be called "constructor". */
export function labelsAddedTo({ labels }: Stack, service: string): readonly StackLabel[] {
  return Object.hasOwn(labels, service) ? (labels[service] ?? []) : [];
}

/** The services of a Compose file that run: those of its profiles that are asked for, and not those with no container. */
export function expectedServices(
  compose: Compose | undefined,
  variables: ReadonlyMap<string, string>,
): readonly ComposeService[] {
  const asked = (variables.get("COMPOSE_PROFILES") ?? "").split(",").map((profile) => profile.trim());
  return (compose?.services ?? []).filter(
    ({ profiles, replicas }) =>
      replicas > 0 &&
      (profiles.length === 0 || profiles.some((profile) => asked.includes(profile) || asked.includes("*"))),
  );
}

/**
 * The services that answer at a port: the one that publishes it and those in its network. Where none publishes it, those in the
 * machine's own network; where there are none either, all.
 */
export function servicesAt(stack: Stack, port: number): readonly PublishedService[] {
  const all = stackServices(stack);
  const publisher = all.find(({ ports }) => portIn(ports, port) !== undefined);
  if (publisher !== undefined)
    return all.filter((each) => each === publisher || each.networkMode === `service:${publisher.name}`);
  const onHost = all.filter(({ networkMode }) => networkMode === "host");
  return onHost.length > 0 ? onHost : all;
}

/** The line that publishes a port; undefined where none does. */
export function placeOfPort(stack: Stack, port: number): SourceRef | undefined {
  const { file } = stack.compose;
  for (const { ports } of stackServices(stack)) {
    const found = portIn(ports, port);
    if (found !== undefined) return { file, ...found.place };
  }
  return undefined;
}

function portIn(ports: readonly ComposePort[], port: number): ComposePort | undefined {
  return ports.find(({ published, protocol }) => published === port && protocol === "tcp");
}
