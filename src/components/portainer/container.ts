/** Containers as Docker on a virtual machine tells of them, and images that must be there before anything is replaced. */
import { CandidateError, CommandError, NotReadyError, TransportError } from "../../errors.ts";
import { type JsonObject, member, objectsOf, parseJson, textOf, textsOf } from "../../formats/json/index.ts";
import { lastLines } from "../../formats/text/last-lines.ts";
import type { Host } from "../../hosts/host.ts";
import { commands } from "./commands.ts";

export interface Container {
  readonly id: string;
  readonly image: string;
  /** Docker's word: "running", "exited", "restarting", "created". */
  readonly state: string;
  readonly startedMs: number;
  readonly labels: Readonly<Record<string, string>>;
  /** "NAME=value". Holds secrets: compare, never print. */
  readonly env: readonly string[];
}

/**
 * Undefined when there is none.
 * @throws NotReadyError when Docker does not answer; TransportError
 */
export async function inspect(host: Host, name: string): Promise<Container | undefined> {
  const { exitCode, stdout, stderr } = await host.run(commands.inspect(name));
  if (exitCode === 0) return containerOf(inspected(host, stdout));
  if (/no such (container|object)/i.test(stderr)) return undefined;
  throw new NotReadyError(
    `Docker does not answer on ${host.name}: ${lastLines(stderr) || `exit ${exitCode}`}`,
    {
      hint: `install Docker with its compose plugin in the guest, or start it: \`systemctl enable --now docker\``,
    },
  );
}

/**
 * What `docker … inspect` printed for the one name it was asked about.
 * @throws NotReadyError when that is no answer of Docker's: a wrapper or a shim that prints something else
 */
export function inspected(host: Host, stdout: string): JsonObject {
  const value = parseJson(stdout);
  const [found] = objectsOf(value);
  if (found !== undefined) return found;
  throw new NotReadyError(
    `Docker's answer on ${host.name} cannot be read: ${JSON.stringify(stdout.slice(0, 80))}`,
    {
      hint: "`docker version` in the guest shows what answers there",
    },
  );
}

function containerOf(found: JsonObject): Container {
  const config = member(found, "Config");
  const state = member(found, "State");
  const env = member(config, "Env");
  return {
    id: textOf(found, "Id"),
    image: textOf(config, "Image"),
    state: textOf(state, "Status") || "unknown",
    startedMs: Date.parse(textOf(state, "StartedAt")) || 0,
    labels: textsOf(member(config, "Labels")),
    env: Array.isArray(env) ? env.filter((one) => typeof one === "string") : [],
  };
}

/** Pulls an image unless the engine has it. @throws CandidateError with the registry's words: nothing was touched */
export async function provideImage(host: Host, image: string): Promise<void> {
  if ((await host.run(commands.hasImage(image))).exitCode === 0) return;
  const { exitCode, stderr } = await host.run(commands.pull(image));
  if (exitCode === 0) return;
  throw new CandidateError(
    `the image ${image} is not on ${host.name} and cannot be pulled: ${lastLines(stderr) || `exit ${exitCode}`}`,
    { hint: `check its name in the site, the guest's way to the registry, and \`docker login\` there` },
  );
}

/** What a container that does not stay up wrote last. A setup token is left out. */
export async function lastWords(host: Host, container: string): Promise<string> {
  const { stdout, stderr } = await host.run(commands.log(container));
  const lines = `${stdout}\n${stderr}`.split("\n").filter((line) => !/setup_token/i.test(line));
  return lastLines(lines.join("\n"));
}

/** @throws CommandError when the container does not run */
export async function mustRun(host: Host, name: string): Promise<Container> {
  const found = await inspect(host, name);
  if (found?.state === "running") return found;
  const words = found === undefined ? "it is not there" : await lastWords(host, name);
  throw new CommandError(
    host.name,
    1,
    `the container ${name} on ${host.name} does not stay up (${found?.state ?? "absent"}): ${words}`,
    { hint: `\`docker logs ${name}\` in the guest has all that it wrote` },
  );
}

/** Whether an error means "not known", so that other machines can go on. */
export function isWeather(error: unknown): error is TransportError | NotReadyError | CommandError {
  return error instanceof TransportError || error instanceof NotReadyError || error instanceof CommandError;
}
