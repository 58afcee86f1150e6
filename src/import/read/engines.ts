/** The Docker engines of the guests, from `docker inspect` (Docker 20.10 to 29): containers, running or not, and volumes. */
import { isUnavailable } from "../../errors.ts";
import { listOf, member, objectsOf, parseJson, textOf, textsOf } from "../../formats/json/index.ts";
import { lastLines } from "../../formats/text/last-lines.ts";
import type { GuestName } from "../../resource.ts";
import type { FoundContainer, FoundEngine, FoundMount, FoundPort, FoundVolume } from "../found/docker.ts";
import type { FoundGuest, ReadIo } from "../found.ts";

/** The engines of the running guests; a guest without Docker has none. */
export async function readEngines(
  io: ReadIo,
  guests: readonly FoundGuest[],
): Promise<readonly FoundEngine[]> {
  const found = await Promise.all(
    guests.filter(({ isRunning }) => isRunning).map(({ host }) => readEngine(io, host)),
  );
  return found.flatMap((engine) => engine ?? []);
}

async function readEngine(io: ReadIo, host: GuestName): Promise<FoundEngine | undefined> {
  const [containers, volumes, swarm] = await Promise.all([
    listed(io, host, ["docker", "ps", "--all", "--quiet", "--no-trunc"], ["docker", "container", "inspect"]),
    listed(io, host, ["docker", "volume", "ls", "--quiet"], ["docker", "volume", "inspect"]),
    answer(io, host, ["docker", "info", "--format", "{{.Swarm.LocalNodeState}}"]),
  ]);
  if (containers === undefined) return undefined;
  return {
    host,
    containers: containers.map((each) => containerOf(host, each)).sort(byName),
    volumes: (volumes ?? []).map(volumeOf).sort(byName),
    swarm: ["active", "locked"].includes(swarm?.trim() ?? ""),
  };
}

/** Names in one command: its text stays below what a guest's agent takes. */
const mostNames = 100;

/** What `inspect` says of everything that `list` names; undefined where Docker does not answer. */
async function listed(
  io: ReadIo,
  host: GuestName,
  list: readonly string[],
  inspect: readonly string[],
): Promise<readonly unknown[] | undefined> {
  const text = await answer(io, host, list);
  if (text === undefined) return undefined;
  const names = linesOf(text);
  const parts = Array.from({ length: Math.ceil(names.length / mostNames) }, (_, at) =>
    names.slice(at * mostNames, (at + 1) * mostNames),
  );
  const texts = await Promise.all(parts.map((part) => answer(io, host, [...inspect, "--", ...part], true)));
  return texts.flatMap((each) => objectsOf(parseJson(each ?? "")));
}

/**
 * A command's standard output; undefined where Docker is not installed, and, which is told, where its engine does not answer.
 * @param partial what it printed counts also when it failed: an object that is gone by now is no loss
 */
async function answer(
  io: ReadIo,
  host: GuestName,
  argv: readonly string[],
  partial = false,
): Promise<string | undefined> {
  try {
    const { exitCode, stdout, stderr } = await io.host(host).run({ argv, effect: "read" });
    if (exitCode === 0 || partial) return stdout;
    if (/docker daemon|permission denied/i.test(stderr) && argv[1] === "ps")
      io.left({ source: { host, path: "docker ps" }, what: "its containers", reason: lastLines(stderr) });
    return undefined;
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    // A program that is missing is an error of the guest's agent; that a guest does not answer, its own reader tells.
    return undefined;
  }
}

function linesOf(text: string): readonly string[] {
  return text.split("\n").filter((line) => line !== "");
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}

function containerOf(host: GuestName, value: unknown): FoundContainer {
  const config = member(value, "Config");
  const hostConfig = member(value, "HostConfig");
  const name = textOf(value, "Name").replace(/^\//, "");
  return {
    name,
    image: textOf(config, "Image"),
    state: textOf(member(value, "State"), "Status"),
    labels: textsOf(member(config, "Labels")),
    args: listOf(member(value, "Args")),
    ports: portsOf(member(hostConfig, "PortBindings")),
    mounts: objectsOf(member(value, "Mounts")).map(mountOf),
    networks: Object.keys(member(member(value, "NetworkSettings"), "Networks") ?? {}),
    source: { host, path: `docker inspect ${name}` },
  };
}

/** {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}; a port without a number gets a random one at each start. */
function portsOf(bindings: unknown): readonly FoundPort[] {
  if (typeof bindings !== "object" || bindings === null) return [];
  return Object.entries(bindings).flatMap(([key, value]) =>
    objectsOf(value).flatMap((binding): FoundPort[] => {
      const [port = "", protocol = "tcp"] = key.split("/");
      const published = Number(textOf(binding, "HostPort"));
      if (!(published > 0)) return [];
      const address = textOf(binding, "HostIp");
      const every = ["", "::", "0.0.0.0"].includes(address);
      return [{ container: Number(port), protocol, published, address: every ? "0.0.0.0" : address }];
    }),
  );
}

function mountOf(value: unknown): FoundMount {
  const source = textOf(value, "Source");
  return {
    type: textOf(value, "Type"),
    name: textOf(value, "Name") || source,
    source,
    target: textOf(value, "Destination"),
    readOnly: member(value, "RW") === false,
  };
}

function volumeOf(value: unknown): FoundVolume {
  const [name, driver] = [textOf(value, "Name"), textOf(value, "Driver")];
  return { name, driver, options: textsOf(member(value, "Options")) };
}
