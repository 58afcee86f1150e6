/**
 * The product's reading of Compose files, held to what real Compose 2.26.1 and 2.40.3 said about 928 documents: an error where
 * both refuse, a warning at least where one of them does, and the same meaning where both accept.
 */
import { expect, test } from "vitest";
import { ComposeDocument } from "../../src/formats/compose/document.ts";
import { parseEnvFile } from "../../src/formats/compose/env-file.ts";
import { type ComposeService, readCompose } from "../../src/formats/compose/index.ts";
import { ComposeTextError } from "../../src/formats/compose/interpolation.ts";
import { preparedCompose } from "../../src/formats/compose/prepare.ts";
import {
  assignmentIn,
  type Document,
  documents,
  machineVariables,
  newer,
  older,
  type RecordedPort,
  type RecordedService,
} from "./compose-cases.ts";

const cases = documents.map((document) => ({ name: document.name, ...read(document) }));

/** Documents that Compose takes, at least in one version, and the product refuses: the reasons. */
const stricter: readonly (readonly [reason: string, names: RegExp])[] = [
  [
    "Portainer gets one file: nothing is built, extended or included, and other files are the stack's",
    /^images\/(build|image and build)|^file\/(extends|include|develop$)|^configs-and-secrets\/(secret long|secret long with mode as text|secret (from a file that is not there|external with a file)|config (from a file|with a name))$|^volumes\/bind to (the parent|home)$/,
  ],
  [
    "a variable without a value is a slip",
    /^interpolation\/(not there|lower case name|underscore|in (a port|container_name) that becomes empty|COMPOSE_FILE)/,
  ],
  ["a stack without services does nothing", /^file\/(no services|services empty)$/],
  [
    "the engine refuses it",
    /^images\/(upper case in the repository|a space in it|two tags|short digest|a scheme before it)$|^scalars\/restart (unknown|upper case)$|^scalars\/container_name |^dependencies\/two container names$|^ports\/(one host port|the same port everywhere|long with (target (zero|beyond)|published|a host name|an unknown protocol))|^volumes\/long with an unknown type$/,
  ],
  ["nothing can run a negative number of containers", /^(deploy\/replicas|scalars\/scale) negative$/],
  ["a hook without a command does nothing", /^commands\/post_start without a command$/],
  ["no container gets a variable without a name", /^env-files\/name empty$/],
  ["several documents merge in ways that few know", /^yaml\/two documents/],
];

/** Documents that no version takes and the product only warns of: the reasons. */
const lenient: readonly (readonly [reason: string, names: RegExp])[] = [
  [
    "a later version may know the key: the machine's own Compose is asked before a stack is touched",
    /unknown (member|key)$|an unknown member of a network$|^file\/a file of version 1$|^scalars\/(version as a number is not a service key|volume_driver is unknown)$/,
  ],
];

test("the verdicts are those of Compose", () => {
  const used = new Set<string>();
  const isListed = (list: typeof stricter, name: string): boolean =>
    list.some(([reason, names]) => names.test(name) && used.add(reason));
  const wrong = cases.flatMap(({ name, errors, warnings }) => {
    const [first, second] = [older[name], newer[name]];
    const accepted = [first, second].filter((answer) => answer?.accepted).length;
    const said = [first?.message, second?.message].filter((message) => message !== undefined).join(" | ");
    if (errors.length > 0)
      return accepted === 0 || isListed(stricter, name)
        ? []
        : [`${name}: refused (${errors[0]}), Compose: ${said}`];
    if (accepted === 2 || (accepted === 1 && warnings.length > 0)) return [];
    if (accepted === 0 && warnings.length > 0 && isListed(lenient, name)) return [];
    return [`${name}: taken, Compose: ${said}`];
  });
  expect(wrong).toEqual([]);
  expect([...used].sort(), "reasons that hold for a document").toEqual(
    [...stricter, ...lenient].map(([reason]) => reason).sort(),
  );
});

test("the meanings are those of Compose", () => {
  const wrong = cases.flatMap(({ name, errors, variables, text = "" }) => {
    const answer = newer[name];
    const isJudged = answer?.accepted === true && older[name]?.accepted === true && errors.length === 0;
    // The stack is one file: an override beside it is none of its files.
    if (!isJudged || variables === undefined || name === "file/an override file beside it") return [];
    const { services = {}, volumes = {} } = answer.meaning ?? {};
    const document = new ComposeDocument(text, variables, "recorded");
    const { compose } = readCompose(text, variables, "recorded");
    const enabled = (compose?.services ?? []).filter((each) =>
      document.isEnabled(document.services.get(each.name)),
    );
    const mine = Object.fromEntries(
      enabled.map((each) => [each.name, meaningOf(each, environmentOf(document, each.name, variables))]),
    );
    const theirs = Object.fromEntries(
      Object.entries(services).map(([key, each]) => [key, recordedMeaning(each)]),
    );
    const names = new Set(compose?.volumes.map((volume) => volume.name));
    const missing = Object.values(volumes).filter((volume) => !names.has(volume.name));
    const [one, other] = [JSON.stringify(sorted(mine)), JSON.stringify(sorted(theirs))];
    return one === other && missing.length === 0 ? [] : [`${name}: ${one}, Compose: ${other}`];
  });
  expect(wrong).toEqual([]);
});

function meaningOf(service: ComposeService, environment: Readonly<Record<string, string>>) {
  const { image, containerName, labels, ports, restart, replicas, networkMode } = service;
  return {
    image: image ?? "",
    containerName: containerName ?? "",
    environment: sorted(environment),
    labels: sorted(
      Object.fromEntries(labels.flatMap(({ key, value }) => (key === "phoenix.files" ? [] : [[key, value]]))),
    ),
    ports:
      networkMode === undefined
        ? ports
            .map(
              ({ hostIp = "*", published = "any", target, protocol }) =>
                `${hostIp}:${published}:${target}/${protocol}`,
            )
            .sort()
        : [],
    restart,
    replicas,
  };
}

function recordedMeaning(service: RecordedService) {
  const {
    image = "",
    container_name = "",
    environment = {},
    labels = {},
    ports = [],
    scale,
    deploy,
  } = service;
  const given = Object.entries(environment).filter((pair): pair is [string, string] => pair[1] !== null);
  return {
    image,
    containerName: container_name,
    environment: sorted(Object.fromEntries(given)),
    labels: sorted(labels),
    ports: service.network_mode === undefined ? [...new Set(ports.map(recordedPort))].sort() : [],
    restart: restartOf(service.restart),
    replicas: deploy?.replicas ?? scale ?? 1,
  };
}

/** One port of a range, or of any, is the engine's choice. */
function recordedPort({ host_ip = "*", published = "", target = 0, protocol = "tcp" }: RecordedPort): string {
  const address = ["0.0.0.0", "::"].includes(host_ip) ? "*" : host_ip;
  return `${address}:${/^[1-9]\d*$/.test(published) ? published : "any"}:${target}/${protocol}`;
}

/** `config` repeats the policy as written; the engine gets "no" for "none" and nothing, "always" for "any". */
function restartOf(policy = "no"): string {
  const [name = ""] = policy.split(":");
  return name === "" || name === "none" ? "no" : name === "any" ? "always" : name;
}

/** The variables that the container of a service gets, as the text that is sent gives them. */
function environmentOf(
  document: ComposeDocument,
  service: string,
  variables: ReadonlyMap<string, string>,
): Readonly<Record<string, string>> {
  const node = document.services.get(service).get("environment");
  const pairs = node.isMapping
    ? node.members.map(({ key, value }) => [key, value.asVariable] as const)
    : node.items.map(({ text = "" }) =>
        text.includes("=") ? assignmentIn(text) : ([text, undefined] as const),
      );
  return Object.fromEntries(
    pairs.flatMap(([key, value = variables.get(key)]) =>
      value === undefined ? [] : [[key, value] as const],
    ),
  );
}

function sorted<T>(values: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function read({ files, variables: given }: Document) {
  const outer = new Map(Object.entries(given));
  try {
    const own = files[".env"] === undefined ? new Map() : parseEnvFile(files[".env"], outer);
    const variables = new Map([...own, ...Object.entries(machineVariables), ...outer]);
    const { faults } = readCompose(files["docker-compose.yml"] ?? "", variables, "recorded");
    const prepared = preparedCompose(files["docker-compose.yml"] ?? "", {
      project: "recorded",
      variables,
      labels: new Map(),
      directory: "/project",
      files: new Map(Object.entries(files).map(([path, content]) => [path, { content, destination: "" }])),
    });
    const all = [...faults, ...prepared.faults];
    const messages = (isError: boolean) =>
      all
        .filter(({ severity = "error" }) => (severity === "error") === isError)
        .map(({ message }) => message);
    return { errors: messages(true), warnings: messages(false), variables, text: prepared.text };
  } catch (error) {
    if (error instanceof ComposeTextError) return { errors: [error.reason], warnings: [] };
    throw error;
  }
}
