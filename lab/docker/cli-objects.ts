/** Looking at the engine's objects, and volumes, networks and images: `docker ps`, `inspect`, `volume`, `network`, `image`. */
import type { CommandResult } from "../../src/hosts/host.ts";
import { type Cli, type CliCall, fail, forEachName, lines, ok } from "./cli.ts";
import { parseOptions } from "./command-options.ts";
import { formatted } from "./go-template.ts";
import { containerInspect, imageJson, networkJson, psRow, volumeJson } from "./json.ts";
import { DockerError, fullReference, type LabContainer } from "./state.ts";

export const ps: Cli = ({ docker, context, args }) => {
  const { values, unknown } = parseOptions(args, [
    "all,a!",
    "quiet,q!",
    "no-trunc!",
    "format",
    "filter,f",
    "last,n",
  ]);
  if (unknown !== undefined) return fail(125, unknown);
  const filters = values.get("filter") ?? [];
  const shown = docker.state.containers.filter(
    (container) =>
      (values.has("all") || container.state === "running" || container.state === "restarting") &&
      filters.every((filter) => matches(container, filter)),
  );
  if (values.has("quiet"))
    return ok(lines(shown.map(({ id }) => (values.has("no-trunc") ? id : id.slice(0, 12)))));
  const format =
    values.get("format")?.at(-1) ?? "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}";
  return printed(
    shown.map((container) => ({
      ...psRow(container, context.clock.now()),
      ...(values.has("no-trunc") ? { ID: container.id } : {}),
    })),
    format,
  );
};

/** `inspect` of anything; containers first, as the real one looks for them. */
export const inspect: Cli = (call) => {
  const { docker } = call;
  return inspected(call, "Error: No such object: ", (name) => {
    const container = docker.find(name);
    if (container !== undefined) return containerInspect(container, call.context.clock.now());
    return imageNamed(call, name) ?? volumeNamed(call, name) ?? networkNamed(call, name);
  });
};

export const containerInspection: Cli = (call) =>
  inspected(call, "Error response from daemon: No such container: ", (name) => {
    const container = call.docker.find(name);
    return container === undefined ? undefined : containerInspect(container, call.context.clock.now());
  });

export const volume: Cli = (call) => {
  const [verb = "", ...args] = call.args;
  const { docker } = call;
  switch (verb) {
    case "create": {
      const { values, rest, unknown } = parseOptions(args, ["driver,d", "opt,o", "label", "name"]);
      if (unknown !== undefined) return fail(125, unknown);
      const name = rest[0] ?? values.get("name")?.at(-1) ?? "";
      const pairs = (texts: readonly string[] = []): Record<string, string> =>
        Object.fromEntries(
          texts.map((text) => [text.split("=")[0] ?? "", text.split("=").slice(1).join("=")]),
        );
      const driver = values.get("driver")?.at(-1) ?? "local";
      docker.createVolume({
        name,
        driver,
        options: pairs(values.get("opt")),
        labels: pairs(values.get("label")),
      });
      return ok(`${name}\n`);
    }
    case "inspect":
      return inspected(
        { ...call, args },
        "Error response from daemon: get ",
        (name) => volumeNamed(call, name),
        ": no such volume",
      );
    case "ls": {
      const { values } = parseOptions(args, ["quiet,q!", "format", "filter,f"]);
      const format = values.has("quiet")
        ? "{{.Name}}"
        : (values.get("format")?.at(-1) ?? "{{.Driver}}\t{{.Name}}");
      return printed(docker.state.volumes.map(volumeJson), format);
    }
    case "rm":
      return forEachName(
        args.filter((arg) => !arg.startsWith("-")),
        (name) => docker.removeVolume(name),
      );
    default:
      return fail(1, `docker: 'volume ${verb}' is not a docker command.`);
  }
};

export const network: Cli = (call) => {
  const [verb = "", ...args] = call.args;
  const { docker } = call;
  switch (verb) {
    case "create": {
      const { values, rest } = parseOptions(args, ["driver,d", "label", "subnet", "attachable!", "opt,o"]);
      const name = rest[0] ?? "";
      const driver = values.get("driver")?.at(-1) ?? "bridge";
      return ok(`${docker.createNetwork({ name, driver }).id}\n`);
    }
    case "inspect":
      return inspected(
        { ...call, args },
        "Error response from daemon: network ",
        (name) => networkNamed(call, name),
        " not found",
      );
    case "ls": {
      const { values } = parseOptions(args, ["quiet,q!", "format", "filter,f"]);
      return printed(docker.state.networks.map(networkJson), values.get("format")?.at(-1) ?? "{{.Name}}");
    }
    case "rm":
      return forEachName(args, (name) => docker.removeNetwork(name));
    default:
      return fail(1, `docker: 'network ${verb}' is not a docker command.`);
  }
};

export const image: Cli = (call) => {
  const [verb = "", ...args] = call.args;
  switch (verb) {
    case "inspect":
      return inspected({ ...call, args }, "Error response from daemon: No such image: ", (name) =>
        imageNamed(call, name),
      );
    case "pull":
      return pull({ ...call, args });
    case "ls":
      return images({ ...call, args });
    default:
      return fail(1, `docker: 'image ${verb}' is not a docker command.`);
  }
};

export const images: Cli = ({ docker, args }) => {
  const { values } = parseOptions(args, ["quiet,q!", "format", "all,a!", "no-trunc!", "filter,f"]);
  const format = values.get("format")?.at(-1) ?? "{{.Repository}}\t{{.Tag}}\t{{.ID}}";
  return printed(
    docker.state.images.map(({ id, reference }) => {
      const [Repository = "", Tag = "<none>"] = reference.split(/[:@](?!.*\/)/);
      return { Repository, Tag, ID: id.slice(7, 19) };
    }),
    values.has("quiet") ? "{{.ID}}" : format,
  );
};

export const pull: Cli = ({ docker, args }) => {
  const name = args.find((arg) => !arg.startsWith("-")) ?? "";
  docker.pull(name);
  const reference = fullReference(name);
  return ok(
    args.includes("-q") || args.includes("--quiet")
      ? `${reference}\n`
      : `Status: Image is up to date for ${reference}\n${reference}\n`,
  );
};

function imageNamed({ docker }: CliCall, name: string): unknown {
  const wanted = fullReference(name);
  const found = docker.state.images.find(({ id, reference }) => reference === wanted || id === name);
  return found === undefined ? undefined : imageJson(found);
}

function volumeNamed({ docker }: CliCall, wanted: string): unknown {
  const found = docker.state.volumes.find(({ name }) => name === wanted);
  return found === undefined ? undefined : volumeJson(found);
}

function networkNamed({ docker }: CliCall, wanted: string): unknown {
  const found = docker.state.networks.find(({ name, id }) => name === wanted || id === wanted);
  return found === undefined ? undefined : networkJson(found);
}

/** Prints what is there, complains about the rest. */
function inspected(
  { args }: Pick<CliCall, "args">,
  complaint: string,
  look: (name: string) => unknown,
  end = "",
): CommandResult {
  const { values, rest, unknown } = parseOptions(args, ["format,f", "type", "size,s!"]);
  if (unknown !== undefined) return fail(125, unknown);
  const found = rest.map(look).filter((value) => value !== undefined);
  const missing = rest.filter((name) => look(name) === undefined);
  const format = values.get("format")?.at(-1);
  try {
    const stdout =
      format === undefined
        ? `${JSON.stringify(found, null, 4)}\n`
        : lines(found.map((value) => formatted(format, value)));
    const stderr = lines(missing.map((name) => `${complaint}${name}${end}`));
    return { exitCode: missing.length === 0 ? 0 : 1, stdout, stderr };
  } catch (error) {
    return fail(1, error instanceof Error ? error.message : String(error));
  }
}

function printed(rows: readonly unknown[], format: string): CommandResult {
  try {
    return ok(lines(rows.map((row) => formatted(format === "json" ? "{{json .}}" : format, row))));
  } catch (error) {
    return fail(1, error instanceof Error ? error.message : String(error));
  }
}

/** "name=portainer", "label=a=b", "status=running", "id=…". */
function matches({ name, id, labels, state }: LabContainer, filter: string): boolean {
  const [kind = "", ...rest] = filter.split("=");
  const value = rest.join("=");
  switch (kind) {
    case "name":
      return new RegExp(value).test(name) || new RegExp(value).test(`/${name}`);
    case "id":
      return id.startsWith(value);
    case "status":
      return state === value;
    case "label": {
      const [key = "", ...wanted] = value.split("=");
      return wanted.length === 0 ? Object.hasOwn(labels, key) : labels[key] === wanted.join("=");
    }
    default:
      throw new DockerError(400, `invalid filter '${kind}'`);
  }
}
