/** `docker run` and `docker create`. */
import { randomBytes } from "node:crypto";
import type { CommandResult } from "../../src/hosts/host.ts";
import { type Cli, type CliCall, fail, lines, ok, readOn } from "./cli.ts";
import { type ParsedOptions, parseOptions } from "./command-options.ts";
import { portsOf, shortMount } from "./compose-values.ts";
import { healthDefaults } from "./lifecycle.ts";
import { type ContainerMount, type ContainerSpec, DockerError, fullReference } from "./state.ts";

const known = [
  "detach,d!",
  "rm!",
  "init!",
  "interactive,i!",
  "tty,t!",
  "privileged!",
  "read-only!",
  "publish,p",
  "volume,v",
  "mount",
  "volumes-from",
  "env,e",
  "env-file",
  "name",
  "restart",
  "label,l",
  "network,net",
  "entrypoint",
  "hostname,h",
  "user,u",
  "workdir,w",
  "dns",
  "add-host",
  "pull",
  "cap-add",
  "cap-drop",
  "security-opt",
  "log-driver",
  "log-opt",
  "memory,m",
  "cpus",
  "health-cmd",
  "quiet,q!",
];

export const run: Cli = (call) => {
  const parsed = parseOptions(call.args, known, false);
  const refused = refusal(parsed);
  if (refused !== undefined) return refused;
  const progress: string[] = [];
  try {
    const container = call.docker.create(specOf(call, parsed, progress));
    const { id, state, exitCode, log, end } = call.docker.start(container.id);
    if (parsed.values.has("detach")) return { ...ok(`${id}\n`), stderr: lines(progress) };
    // In the foreground the program waits; what would run on is taken to have done its work.
    if (state === "running") call.docker.stop(id);
    if (parsed.values.has("rm")) call.docker.remove(id, true);
    return { exitCode, stdout: "", stderr: lines([...progress, ...(end === undefined ? [] : log)]) };
  } catch (error) {
    return complaint(error, progress);
  }
};

export const create: Cli = (call) => {
  const parsed = parseOptions(call.args, known, false);
  const refused = refusal(parsed);
  if (refused !== undefined) return refused;
  const progress: string[] = [];
  try {
    return { ...ok(`${call.docker.create(specOf(call, parsed, progress)).id}\n`), stderr: lines(progress) };
  } catch (error) {
    return complaint(error, progress);
  }
};

function refusal({ unknown, rest }: ParsedOptions): CommandResult | undefined {
  if (unknown !== undefined) return fail(125, `${unknown}\nSee 'docker run --help'.`);
  if (rest.length > 0) return undefined;
  return fail(1, `"docker run" requires at least 1 argument.\nSee 'docker run --help'.`);
}

function complaint(error: unknown, progress: readonly string[]): CommandResult {
  if (!(error instanceof Error)) throw error;
  const words = error instanceof DockerError ? `Error response from daemon: ${error.message}` : error.message;
  return fail(125, `${lines(progress)}docker: ${words}.\nSee 'docker run --help'.`);
}

function specOf(call: CliCall, { values, rest }: ParsedOptions, progress: string[]): ContainerSpec {
  const [image = "", ...command] = rest;
  const all = (name: string): readonly string[] => values.get(name) ?? [];
  const last = (name: string): string | undefined => all(name).at(-1);
  const ports = portsOf(all("publish"));
  const env = [...all("env-file").flatMap((file) => fileLines(call, file)), ...all("env")].filter((each) =>
    each.includes("="),
  );
  if (!call.docker.hasImage(image) || last("pull") === "always") {
    progress.push(`Unable to find image '${fullReference(image)}' locally`);
    call.docker.pull(image);
    progress.push(`Status: Downloaded newer image for ${fullReference(image)}`);
  }
  const entrypoint = last("entrypoint");
  return {
    name: last("name") ?? `lab_${randomBytes(4).toString("hex")}`,
    image,
    command,
    entrypoint: entrypoint === undefined ? [] : [entrypoint],
    env,
    labels: Object.fromEntries(
      all("label").map((label) => {
        const [key = "", ...value] = label.split("=");
        return [key, value.join("=")];
      }),
    ),
    ports,
    mounts: [
      ...all("volumes-from").flatMap((name) => call.docker.container(name).mounts),
      ...all("volume").map((text) => named(shortMount(text, "/"))),
      ...all("mount").map(longMount),
    ],
    networks: [last("network") ?? "bridge"],
    restart: last("restart") ?? "no",
    ...(values.has("health-cmd") ? { healthcheck: { ...healthDefaults, passes: true } } : {}),
  };
}

/** Lines of an environment file, as they are: `docker run` knows no quotes. */
function fileLines(call: CliCall, file: string): readonly string[] {
  const text = file === "/dev/stdin" || file === "-" ? call.stdin : readOn(call, file);
  if (text === undefined) throw new Error(`open ${file}: no such file or directory`);
  return text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
}

/** "type=bind,source=/a,target=/b,readonly" */
function longMount(text: string): ContainerMount {
  const fields = new Map(
    text.split(",").map((field): [string, string] => {
      const [key = "", ...value] = field.split("=");
      return [key, value.join("=")];
    }),
  );
  return named({
    type: fields.get("type") === "bind" ? "bind" : "volume",
    source: fields.get("source") ?? fields.get("src") ?? "",
    target: fields.get("target") ?? fields.get("dst") ?? fields.get("destination") ?? "",
    readOnly: fields.has("readonly") || fields.has("ro"),
    create: false,
  });
}

function named(mount: ContainerMount): ContainerMount {
  return mount.type === "volume" && mount.source === ""
    ? { ...mount, source: randomBytes(32).toString("hex") }
    : mount;
}
