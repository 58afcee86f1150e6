/** `docker compose`. */
import { posix } from "node:path";
import { stringify } from "yaml";
import type { CommandResult } from "../../src/hosts/host.ts";
import { type Cli, type CliCall, fail, lines, ok, readOn } from "./cli.ts";
import { parseOptions } from "./command-options.ts";
import { composeDown, composeUp, composeVersion, configHash, containersOf } from "./compose.ts";
import { ComposeError } from "./compose-errors.ts";
import { type ComposeProject, readCompose } from "./compose-file.ts";
import { parseEnvFile } from "./env-file.ts";
import { formatted } from "./go-template.ts";
import { composePsRow } from "./json.ts";
import { DockerError } from "./state.ts";

const globalOptions = [
  "file,f",
  "project-name,p",
  "env-file",
  "project-directory",
  "profile",
  "progress",
  "ansi",
  "compatibility!",
];

export const compose: Cli = (call) => {
  const { values, rest, unknown } = parseOptions(call.args, globalOptions, false);
  if (unknown !== undefined) return fail(16, unknown);
  const [command = "", ...args] = rest;
  const action = commands[command];
  if (action === undefined)
    return command === ""
      ? fail(1, "Usage:  docker compose [OPTIONS] COMMAND")
      : fail(16, `unknown docker command: "compose ${command}"`);
  try {
    return action({ ...call, args }, () => load(call, values), values.get("project-name")?.at(-1));
  } catch (error) {
    if (error instanceof ComposeError) return fail(error.exitCode, error.message);
    if (error instanceof DockerError) return fail(1, `Error response from daemon: ${error.message}`);
    throw error;
  }
};

type ComposeCommand = (
  call: CliCall,
  project: () => ComposeProject,
  name: string | undefined,
) => CommandResult;

const commands: Readonly<Record<string, ComposeCommand>> = {
  version: ({ args }) =>
    ok(args.includes("--short") ? `${composeVersion}\n` : `Docker Compose version v${composeVersion}\n`),

  up: ({ docker, args }, project) => {
    const known = [
      "detach,d!",
      "remove-orphans!",
      "force-recreate!",
      "pull",
      "wait!",
      "quiet-pull!",
      "no-build!",
      "no-color!",
    ];
    const { values, unknown } = parseOptions(args, [...known, "timeout,t", "wait-timeout"]);
    if (unknown !== undefined) return fail(16, unknown);
    const { exitCode, lines: said } = composeUp(docker, project(), {
      removeOrphans: values.has("remove-orphans"),
      forceRecreate: values.has("force-recreate"),
      pull: values.get("pull")?.at(-1) === "always",
    });
    return { exitCode, stdout: "", stderr: lines(said) };
  },

  down: ({ docker, args }, project, name) => {
    const { values, unknown } = parseOptions(args, ["remove-orphans!", "volumes,v!", "timeout,t", "rmi"]);
    if (unknown !== undefined) return fail(16, unknown);
    // With a name and no file everything of the project goes, as its labels tell.
    const declared = name === undefined ? project() : optional(project);
    const own = declared?.services.map((service) => service.name);
    const orphans = values.has("remove-orphans") || declared === undefined;
    const result = composeDown(docker, declared?.name ?? name ?? "", orphans ? undefined : own);
    if (values.has("volumes"))
      for (const volume of declared?.volumes ?? []) if (!volume.external) docker.removeVolume(volume.name);
    return { exitCode: result.exitCode, stdout: "", stderr: lines(result.lines) };
  },

  config: ({ args }, project) => {
    const { values, unknown } = parseOptions(args, [
      "quiet,q!",
      "format",
      "services!",
      "images!",
      "volumes!",
      "hash",
    ]);
    if (unknown !== undefined) return fail(16, unknown);
    const { document, services, volumes, warnings } = project();
    const print = (): string => {
      if (values.has("quiet")) return "";
      if (values.has("services")) return lines(services.map(({ name }) => name));
      if (values.has("images")) return lines(services.map(({ image }) => image));
      if (values.has("volumes")) return lines(volumes.map(({ key }) => key));
      if (values.has("hash")) return lines(services.map((each) => `${each.name} ${configHash(each)}`));
      return values.get("format")?.at(-1) === "json"
        ? `${JSON.stringify(document, null, 2)}\n`
        : stringify(document);
    };
    return ok(print(), lines(warnings));
  },

  ps: ({ docker, context, args }, project, name) => {
    const { values, unknown } = parseOptions(args, ["all,a!", "quiet,q!", "format", "services!"]);
    if (unknown !== undefined) return fail(16, unknown);
    const shown = containersOf(docker, name ?? project().name).filter(
      ({ state }) => values.has("all") || state === "running",
    );
    if (values.has("quiet")) return ok(lines(shown.map(({ id }) => id)));
    const rows = shown.map((container) => composePsRow(container, context.clock.now()));
    const format = values.get("format")?.at(-1);
    if (format === "json") return ok(lines(rows.map((row) => JSON.stringify(row))));
    return ok(
      lines(rows.map((row) => formatted(format ?? "{{.Name}}\t{{.Image}}\t{{.Service}}\t{{.Status}}", row))),
    );
  },

  pull: ({ docker }, project) => {
    const { services } = project();
    for (const { image } of services) docker.pull(image);
    return ok("", lines(services.map(({ name }) => ` ${name} Pulled`)));
  },

  ...Object.fromEntries(
    (["start", "stop", "restart"] as const).map((verb): [string, ComposeCommand] => [
      verb,
      ({ docker }, project, name) => {
        for (const { id } of containersOf(docker, name ?? project().name)) docker[verb](id);
        return ok();
      },
    ]),
  ),
};

function load(call: CliCall, values: ReadonlyMap<string, readonly string[]>): ComposeProject {
  const file = values.get("file")?.at(-1) ?? "docker-compose.yml";
  const path = file === "-" ? file : posix.resolve("/", file);
  const text = file === "-" ? call.stdin : readOn(call, file);
  if (text === undefined) throw new ComposeError(14, `stat ${path}: no such file or directory`);
  const directory = values.get("project-directory")?.at(-1) ?? posix.dirname(posix.resolve("/", file));
  const project = values.get("project-name")?.at(-1);
  return readCompose({
    text,
    file: path,
    directory,
    ...(project === undefined ? {} : { project }),
    variables: environment(call, values.get("env-file") ?? [], directory),
    readFile: (path) => readOn(call, path),
  });
}

/** `--env-file`, or the `.env` beside the file. */
function environment(
  call: CliCall,
  files: readonly string[],
  directory: string,
): Readonly<Record<string, string>> {
  const beside = files.length === 0 ? readOn(call, posix.join(directory, ".env")) : undefined;
  const texts = beside === undefined ? [] : [beside];
  for (const file of files) {
    const text = file === "-" ? call.stdin : readOn(call, file);
    if (text === undefined) throw new ComposeError(14, `couldn't find env file: ${posix.resolve("/", file)}`);
    texts.push(text);
  }
  try {
    const all: Record<string, string> = {};
    for (const text of texts) Object.assign(all, parseEnvFile(text, all, ".env"));
    return all;
  } catch (error) {
    throw new ComposeError(
      1,
      `failed to read env file: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function optional(project: () => ComposeProject): ComposeProject | undefined {
  try {
    return project();
  } catch (error) {
    if (error instanceof ComposeError && error.exitCode === 14) return undefined;
    throw error;
  }
}
