/** The lab's Docker Compose answers every recorded document as the real one does: the same verdict, and the same meaning of what it deploys. */
import { readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { expect, test } from "vitest";
import { ComposeError } from "../../lab/docker/compose-errors.ts";
import { type ComposeProject, readCompose } from "../../lab/docker/compose-file.ts";
import type { ComposeService } from "../../lab/docker/compose-service.ts";
import { parseEnvFile } from "../../lab/docker/env-file.ts";
import { readCases } from "../../script/record/cases.mjs";

const root = join(import.meta.dirname, "../cases/recorded/compose");

interface Answer {
  readonly accepted: boolean;
  readonly meaning?: Meaning;
  readonly message?: string;
}

interface Meaning {
  readonly services?: Readonly<Record<string, RecordedService>>;
  readonly volumes?: Readonly<Record<string, { readonly name: string; readonly external?: boolean }>>;
  readonly networks?: Readonly<Record<string, { readonly name: string; readonly external?: boolean }>>;
}

interface RecordedService {
  readonly image?: string;
  readonly container_name?: string;
  readonly command?: readonly string[] | null;
  readonly entrypoint?: readonly string[] | null;
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly ports?: readonly { host_ip?: string; published?: string; target?: number; protocol?: string }[];
  readonly restart?: string;
}

const answersOf = (version: string): Readonly<Record<string, Answer>> =>
  (
    JSON.parse(readFileSync(join(root, `recorded-${version}.json`), "utf8")) as {
      answers: Record<string, Answer>;
    }
  ).answers;
const versions = ["2.26.1", "2.40.3"].map(answersOf);

/** What the lab does not play, since no stack of Phoenix gets there: it refuses them. */
const refusedByTheLab = new Map([
  [
    "extends and include",
    /^file\/(extends (within the file|as text|another file)|include( as maps)?|an override file beside it)$/,
  ],
]);

test("the verdicts and the meanings are those of Compose", () => {
  const differences: string[] = [];
  for (const { name, files } of readCases(join(root, "documents"), "docker-compose.yml")) {
    if ([...refusedByTheLab.values()].some((pattern) => pattern.test(name))) continue;
    const answers = versions.map((recorded) => recorded[name]).filter((answer) => answer !== undefined);
    const mine = answer(files);
    const differs = answers.map((recorded) => difference(mine, recorded));
    if (!differs.includes(undefined)) differences.push(`${name}: ${differs.join(" | ")}`);
  }
  expect(differences).toEqual([]);
});

type Mine = { readonly project: ComposeProject } | { readonly refusal: string };

function answer(files: Readonly<Record<string, string>>): Mine {
  const outer = Object.fromEntries(
    (files.variables ?? "").split("\n").flatMap((line) => (line === "" ? [] : [splitAt(line, "=")])),
  );
  try {
    const own = files[".env"] === undefined ? {} : parseEnvFile(files[".env"], outer, "/project/.env");
    const project = readCompose({
      text: files["docker-compose.yml"] ?? "",
      file: "/project/docker-compose.yml",
      directory: "/project",
      project: "recorded",
      variables: { ...own, HOME: "/home/recorded", PATH: "/usr/bin", PWD: "/project", ...outer },
      readFile: (path) => files[posix.relative("/project", path)],
    });
    return { project };
  } catch (error) {
    if (error instanceof ComposeError) return { refusal: error.message };
    throw error;
  }
}

function splitAt(text: string, sign: string): [string, string] {
  const at = text.indexOf(sign);
  return [text.slice(0, at), text.slice(at + 1)];
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
