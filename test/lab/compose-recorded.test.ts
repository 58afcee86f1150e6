/** The lab's Docker Compose answers every recorded document as the real one does: the same verdict, and the same meaning of what it deploys. */
import { posix } from "node:path";
import { expect, test } from "vitest";
import { ComposeError } from "../../lab/docker/compose-errors.ts";
import { type ComposeProject, readCompose } from "../../lab/docker/compose-file.ts";
import type { ComposeService } from "../../lab/docker/compose-service.ts";
import { parseEnvFile } from "../../lab/docker/env-file.ts";
import {
  type Answer,
  type Document,
  documents,
  machineVariables,
  newer,
  older,
  type RecordedService,
} from "../formats/compose-cases.ts";

/** What the lab does not play, since no stack of Phoenix gets there: it refuses them. */
const refusedByTheLab = new Map([
  [
    "extends and include",
    /^file\/(extends (within the file|as text|another file)|include( as maps)?|an override file beside it)$/,
  ],
]);

test("the verdicts and the meanings are those of Compose", () => {
  const differences: string[] = [];
  for (const document of documents) {
    const { name } = document;
    if ([...refusedByTheLab.values()].some((pattern) => pattern.test(name))) continue;
    const answers = [older, newer].map((recorded) => recorded[name]).filter((answer) => answer !== undefined);
    const mine = answer(document);
    const differs = answers.map((recorded) => difference(mine, recorded));
    if (!differs.includes(undefined)) differences.push(`${name}: ${differs.join(" | ")}`);
  }
  expect(differences).toEqual([]);
});

type Mine = { readonly project: ComposeProject } | { readonly refusal: string };

function answer({ files, variables: outer }: Document): Mine {
  try {
    const own = files[".env"] === undefined ? {} : parseEnvFile(files[".env"], outer, "/project/.env");
    const project = readCompose({
      text: files["docker-compose.yml"] ?? "",
      file: "/project/docker-compose.yml",
      directory: "/project",
      project: "recorded",
      variables: { ...own, ...machineVariables, ...outer },
      readFile: (path) => files[posix.relative("/project", path)],
    });
    return { project };
  } catch (error) {
    if (error instanceof ComposeError) return { refusal: error.message };
    throw error;
  }
}

/** What differs from one version's answer, for a person to read; undefined when nothing does. */
function difference(mine: Mine, recorded: Answer): string | undefined {
  if ("refusal" in mine) return recorded.accepted ? `refused (${mine.refusal}), Compose takes it` : undefined;
  if (!recorded.accepted) return `taken, Compose says: ${recorded.message}`;
  const { project } = mine;
  const meaning = recorded.meaning ?? {};
  const pairs: [unknown, unknown][] = [
    [project.services.map(({ name }) => name).sort(), Object.keys(meaning.services ?? {}).sort()],
    [named(project.networks), named(Object.values(meaning.networks ?? {}))],
    [named(project.volumes), named(Object.values(meaning.volumes ?? {}))],
    ...project.services.map((service): [unknown, unknown] => [
      meaningOf(service),
      recordedMeaning(service, meaning.services?.[service.name] ?? {}),
    ]),
  ];
  const wrong = pairs.find(([ours, theirs]) => JSON.stringify(ours) !== JSON.stringify(theirs));
  return wrong && `${JSON.stringify(wrong[0])}, Compose: ${JSON.stringify(wrong[1])}`;
}

function named(
  objects: readonly { readonly name: string; readonly external?: boolean }[],
): readonly string[] {
  return objects.map(({ name, external }) => `${name}${external === true ? " external" : ""}`).sort();
}

function meaningOf({
  image,
  containerName,
  command,
  entrypoint,
  env,
  labels,
  ports,
  restart,
}: ComposeService) {
  return {
    image,
    containerName,
    command,
    entrypoint,
    env: [...env].sort(),
    labels: sorted(labels),
    ports: ports
      .map(
        ({ address, host, upTo, container, protocol }) =>
          `${address}:${upTo === undefined ? host : `${host}-${upTo}`}:${container}/${protocol}`,
      )
      .sort(),
    restart,
  };
}

function recordedMeaning({ name }: ComposeService, service: RecordedService) {
  return {
    image: service.image ?? "",
    containerName: service.container_name ?? `recorded-${name}-1`,
    command: service.command ?? [],
    entrypoint: service.entrypoint ?? [],
    env: Object.entries(service.environment ?? {})
      .flatMap(([key, value]) => (value === null ? [] : [`${key}=${value}`]))
      .sort(),
    labels: sorted(service.labels ?? {}),
    ports: (service.ports ?? [])
      .map(
        ({ host_ip = "0.0.0.0", published = "0", target = 0, protocol = "tcp" }) =>
          `${host_ip}:${/^\d+(-\d+)?$/.test(published) ? published : Number.NaN}:${target}/${protocol}`,
      )
      .sort(),
    restart: restartOf(service.restart),
  };
}

/** `config` repeats the policy as written; the engine gets "no" for "none" and nothing, "always" for "any". */
function restartOf(policy = "no"): string {
  const [name = "", ...count] = policy.split(":");
  const meant = name === "" || name === "none" ? "no" : name === "any" ? "always" : name;
  return [meant, ...count].join(":");
}

function sorted(labels: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .sort();
}
