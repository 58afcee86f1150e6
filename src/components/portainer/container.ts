/** Containers as Docker on a virtual machine reports them, and images that must be there before anything is replaced. */
import { CandidateError, CommandError, NotReadyError } from "../../errors.ts";
import { type JsonObject, member, objectsOf, parseJson, textOf, textsOf } from "../../formats/json/index.ts";
import { lastLines } from "../../formats/text/last-lines.ts";
import type { Host } from "../../hosts/host.ts";
import { commands } from "./commands.ts";

export interface Container {
  readonly id: string;
  readonly image: string;
  /** In Docker's terms: "running", "exited", "restarting", "created". */
  readonly state: string;
  readonly startedMs: number;
  readonly labels: Readonly<Record<string, string>>;
  /** "NAME=value". Contains secrets: compare, never print. */
  readonly env: readonly string[];
}

/** Undefined when it does not exist. @throws NotReadyError when Docker does not answer; TransportError */
export async function inspect(host: Host, name: string): Promise<Container | undefined> {
  const { exitCode, stdout, stderr } = await host.run(commands.inspect(name));
  if (exitCode === 0) return containerOf(inspected(host, stdout));
  if (/no such (container|object)/i.test(stderr)) return undefined;
  const hint =
    "install Docker with its compose plugin in the guest, or start it: `systemctl enable --now docker`";
  const reason = lastLines(stderr) || `exit ${exitCode}`;
  throw new NotReadyError(`Docker does not answer on ${host.name}: ${reason}`, { hint });
}

/** What `docker … inspect` printed for one name. @throws NotReadyError for anything else, like the text of a wrapper */
export function inspected(host: Host, stdout: string): JsonObject {
  const [found] = objectsOf(parseJson(stdout));
  if (found !== undefined) return found;
  const message = `Docker's answer on ${host.name} cannot be read: ${JSON.stringify(stdout.slice(0, 80))}`;
  throw new NotReadyError(message, { hint: "`docker version` in the guest shows what answers there" });
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

/** Pulls an image unless the engine has it. @throws CandidateError with the registry's message: nothing was touched */
export async function provideImage(host: Host, image: string): Promise<void> {
  if ((await host.run(commands.hasImage(image))).exitCode === 0) return;
  const { exitCode, stderr } = await host.run(commands.pull(image));
  if (exitCode === 0) return;
  throw new CandidateError(
    `the image ${image} is not on ${host.name} and cannot be pulled: ${lastLines(stderr) || `exit ${exitCode}`}`,
    { hint: `check its name in the site, the guest's way to the registry, and \`docker login\` there` },
  );
}

/** The last lines of a container's log, without a setup token. */
async function logTail(host: Host, container: string): Promise<string> {
  const { stdout, stderr } = await host.run(commands.log(container));
  const lines = `${stdout}\n${stderr}`.split("\n").filter((line) => !/setup_token/i.test(line));
  return lastLines(lines.join("\n"));
}

/** @throws CommandError when the container does not run */
export async function mustRun(host: Host, name: string): Promise<Container> {
  const found = await inspect(host, name);
  if (found?.state === "running") return found;
  const log = found === undefined ? "it does not exist" : await logTail(host, name);
  throw new CommandError(
    host.name,
    1,
    `the container ${name} on ${host.name} does not stay up (${found?.state ?? "absent"}): ${log}`,
    { hint: `\`docker logs ${name}\` in the guest shows its whole log` },
  );
}
