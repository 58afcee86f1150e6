/** Containers of a virtual machine as its own Docker reports them: it answers when Portainer does not. */
import { NotReadyError } from "../errors.ts";
import { type HeldPort, parsePorts } from "../formats/docker/index.ts";
import { member, numberOf, objectsOf, parseJson, textOf } from "../formats/json/index.ts";
import { lastLines } from "../formats/text/last-lines.ts";
import type { Command, Host } from "../hosts/host.ts";
import type { HostName } from "../resource.ts";

export interface ContainerFacts {
  readonly name: string;
  /** The machine that has it. */
  readonly host: HostName;
  /** Docker's term: "running", "exited". */
  readonly state: string;
  /** "Up 3 minutes (unhealthy)". */
  readonly status: string;
  readonly project: string;
  readonly service: string;
  readonly ports: readonly HeldPort[];
}

const label = (name: string): string => `{{.Label "com.docker.${name}"}}`;

const columns = [
  ...["{{.Names}}", "{{.State}}", "{{.Status}}", label("compose.project"), label("compose.service")],
  ...["{{.Ports}}", label("stack.namespace"), label("swarm.service.name")],
];

const list: Command = {
  argv: [...["docker", "ps", "--all", "--no-trunc", "--format"], columns.join("\\t")],
  effect: "read",
  timeoutMs: 3_500,
};

/** All containers, running or not. @throws NotReadyError when Docker does not answer; TransportError */
export async function listContainers(host: Host): Promise<readonly ContainerFacts[]> {
  const { exitCode, stdout, stderr } = await host.run(list);
  if (exitCode !== 0)
    throw new NotReadyError(
      `Docker does not answer on ${host.name}: ${lastLines(stderr) || `exit ${exitCode}`}`,
    );
  return stdout.split("\n").flatMap((line): ContainerFacts[] => {
    const [name = "", state, status = "", project = "", service = "", ports = "", ...task] = line.split("\t");
    if (state === undefined) return [];
    // The task of a Swarm's service, which has the stack's name before its own.
    const [stack = "", full = ""] = task;
    const own =
      stack === "" ? { project, service } : { project: stack, service: full.slice(stack.length + 1) };
    return [{ name, host: host.name, state, status, ...own, ports: parsePorts(ports) }];
  });
}

export interface ContainerStory {
  readonly exitCode: number;
  readonly restarts: number;
  /** What its last health check printed; "" for none. */
  readonly health: string;
  /** The last lines that it wrote. */
  readonly log: readonly string[];
}

/** Lines of a log that are shown. */
const logLines = 5;

/** What became of one container. What cannot be told is left out. @throws TransportError */
export async function storyOf(host: Host, name: string): Promise<ContainerStory> {
  const read = (...argv: readonly string[]) => host.run({ argv, effect: "read", timeoutMs: 3_000 });
  const [inspected, logs] = await Promise.all([
    read("docker", "container", "inspect", name),
    read("docker", "logs", "--tail", String(logLines), name),
  ]);
  const [found] = objectsOf(parseJson(inspected.stdout));
  const state = member(found, "State");
  const checks = objectsOf(member(member(state, "Health"), "Log"));
  const printed = `${logs.stdout}\n${logs.stderr}`.split("\n").filter((line) => line.trim() !== "");
  return {
    exitCode: numberOf(state, "ExitCode") ?? 0,
    restarts: numberOf(found, "RestartCount") ?? 0,
    health: lastLines(textOf(checks.at(-1), "Output")),
    log: logs.exitCode === 0 ? printed.slice(-logLines) : [],
  };
}
