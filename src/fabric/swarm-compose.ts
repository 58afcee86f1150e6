/** The Compose file of a stack that is assigned to a Swarm, prepared for it. Pure. */
import { placeBelow } from "../formats/compose/paths.ts";
import { type SwarmCompose, type SwarmFileUse, swarmCompose } from "../formats/compose/swarm/prepare.ts";
import type { Stack, StackFile, StackVariable } from "../model.ts";
import { looksSecret } from "../secret-spans.ts";
import { isSensitiveName } from "../sensitive.ts";

/** What of a stack its file is prepared from. */
export type SwarmStack = Pick<
  Stack,
  "compose" | "project" | "variables" | "files" | "labels" | "volumes" | "share"
>;

/**
 * @param values of the variables; @param directory the stack's own, as a machine that mounts the share sees it
 * @param members how many machines the Swarm has
 */
export function preparedForSwarm(
  stack: SwarmStack,
  {
    values,
    directory,
    members,
  }: {
    readonly values: ReadonlyMap<string, string>;
    readonly directory: string;
    readonly members: number;
  },
): SwarmCompose {
  const { compose, project, labels, volumes, share } = stack;
  return swarmCompose(compose.text, {
    project,
    variables: values,
    labels: new Map(Object.entries(labels)),
    directory,
    files: swarmFiles(stack),
    share,
    volumes: new Map(volumes.map(({ name, directory: below }) => [name, below])),
    members,
  });
}

/** The files of a stack as its Compose file names them, by their paths below the stack's directory. */
function swarmFiles({
  compose,
  files,
  variables,
}: Pick<SwarmStack, "compose" | "files" | "variables">): ReadonlyMap<string, SwarmFileUse> {
  return new Map(
    files.map((file) => [
      placeBelow(compose.file, file.source),
      {
        content: file.content.reveal(),
        destination: file.destination,
        isSecret: holdsSecret(file, variables),
        fingerprint: file.content.fingerprint(),
      },
    ]),
  );
}

/** A shorter value may stand anywhere by chance. */
const shortestSecret = 6;

/** Whether a file must be kept from those who may read a Swarm's configs: by its name, its look, or a secret of the stack in it. */
function holdsSecret(
  { source, destination, content }: StackFile,
  variables: readonly StackVariable[],
): boolean {
  const text = content.reveal();
  const named = [source, destination].some(
    (path) =>
      path.startsWith("/run/secrets/") ||
      isSensitiveName((path.split("/").at(-1) ?? "").replace(/\.\w+$/, "")),
  );
  const values = variables.filter(({ sensitive }) => sensitive).map(({ value }) => value.reveal());
  return (
    named ||
    looksSecret(text) ||
    values.some((value) => value.length >= shortestSecret && text.includes(value))
  );
}
