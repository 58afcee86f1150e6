/** What a stack of a Swarm should be: its services as Swarm is asked to run them, and the configs and secrets that they see. Pure. */
import type { EnvironmentVariable } from "../../../apis/portainer/index.ts";
import { defined } from "../../../defined.ts";
import { expectedServices } from "../../../fabric/containers-at.ts";
import { preparedForSwarm } from "../../../fabric/swarm-compose.ts";
import { readCompose } from "../../../formats/compose/index.ts";
import { placeBelow } from "../../../formats/compose/paths.ts";
import type { HostPath, Stack } from "../../../model.ts";
import type { ResourceId } from "../../../resource.ts";
import { countWords } from "../../resources.ts";
import { fromOf, type StackTarget, secretsOf, shownVariables } from "../facts.ts";
import { declaredOwners } from "../owners.ts";
import { declaredServices, swarmResource } from "./facts.ts";

/** @param members how many machines the Swarm has */
export function swarmTarget({
  id,
  stack,
  share,
  members,
}: {
  readonly id: ResourceId;
  readonly stack: Stack;
  readonly share: HostPath;
  readonly members: number;
}): StackTarget {
  const variables = new Map(stack.variables.map(({ name, value }) => [name, value.reveal()]));
  const directory = `${stack.share.mountPoint}/stacks/${share.path.split("/").at(-1)}`;
  const prepared = preparedForSwarm(stack, { values: variables, directory, members });
  const { compose } = readCompose(prepared.text, variables, stack.project);
  // The client gets them as its environment: byte for byte, with none of dotenv's quotes.
  const env = stack.variables.map(({ name, value }) => ({ name, value: value.reveal() }));
  const contents = new Map(
    stack.files.map(({ source, content }) => [placeBelow(stack.compose.file, source), content]),
  );
  const contentOf = (path: string) => contents.get(path);
  const swarm = {
    services: prepared.services,
    objects: prepared.objects.flatMap((each) => {
      const content = contentOf(each.path);
      return content === undefined ? [] : [{ ...each, content }];
    }),
    directories: prepared.directories,
  };
  const shared = prepared.shared.flatMap((path) => {
    const content = contentOf(path);
    return content === undefined ? [] : [[path, { content, mode: "644" }] as const];
  });
  const target = {
    ...{ id, stack, share, prepared, env, swarm },
    ...defined({ compose }),
    services: expectedServices(compose, variables),
    files: new Map(shared),
  };
  return { ...target, resource: declaredResource(target, env) };
}

function declaredResource(
  {
    id,
    stack,
    prepared,
    swarm,
    files,
  }: Pick<StackTarget, "id" | "stack" | "prepared" | "files"> & {
    readonly swarm: NonNullable<StackTarget["swarm"]>;
  },
  env: readonly EnvironmentVariable[],
): StackTarget["resource"] {
  const namesOf = (kind: "config" | "secret") =>
    swarm.objects.filter((each) => each.kind === kind).map(({ name }) => [name, "present"] as const);
  const facts = {
    id,
    host: stack.guest.host,
    project: stack.project,
    environment: stack.portainerEnvironment,
    swarm: stack.swarm ?? "",
    compose: prepared.text,
    variables: shownVariables(stack, env),
    files: Object.fromEntries([...files].map(([path, { content }]) => [path, content.fingerprint()])),
    services: declaredServices(swarm.services),
    configs: Object.fromEntries(namesOf("config")),
    secrets: Object.fromEntries(namesOf("secret")),
    networks: Object.fromEntries(stack.networks.map((name) => [name, "present"])),
    ...defined({ owners: declaredOwners(stack) }),
  };
  const from = fromOf(stack);
  return {
    ...swarmResource(facts, stack.compose.text, secretsOf(stack, env, new Map())),
    summary: countWords(swarm.services.length, "service"),
    from,
  };
}
