/** The tasks of the agents' service: whether they run, and whether one reaches the other across members. */
import { type Check, external, failed, type Io, passed } from "../../component.ts";
import { CommandError, isUnavailable } from "../../errors.ts";
import { agentContainer } from "../../fabric/portainer-server.ts";
import { ports } from "../../fabric/ports.ts";
import { swarmNamed } from "../../fabric/swarms.ts";
import { listOf, member, objectsOf, textOf } from "../../formats/json/index.ts";
import type { Host } from "../../hosts/host.ts";
import { type Script, scriptArgv } from "../../hosts/script.ts";
import type { PortainerEnvironment, RoleGuest, Swarm } from "../../model.ts";
import { poll } from "../../poll.ts";
import { askDocker, filtered } from "../foreign/docker-api.ts";
import { requireManager } from "../foreign/swarm-lead.ts";
import { agentId } from "./compile.ts";

/** Images are there: an agent starts in a second or two. Milliseconds. */
const startMs = 60_000;
const pauseMs = 500;

/** The network on which the agents find each other: Portainer's own name. */
export const agentNetwork = "portainer_agent_network";

interface Task {
  readonly node: string;
  readonly state: string;
  readonly error: string;
  readonly container: string;
  /** Of the overlay network, without its prefix length. */
  readonly address: string;
}

async function tasksNow(manager: Host): Promise<readonly Task[]> {
  const filters = { service: [agentContainer], "desired-state": ["running"] };
  const found = objectsOf(await askDocker(manager, "GET", `/tasks${filtered(filters)}`));
  return found.map((task) => {
    const status = member(task, "Status");
    const own = objectsOf(member(task, "NetworksAttachments")).find(
      (each) => textOf(member(member(each, "Network"), "Spec"), "Name") === agentNetwork,
    );
    return {
      node: textOf(task, "NodeID"),
      state: textOf(status, "State"),
      error: textOf(status, "Err"),
      container: textOf(member(status, "ContainerStatus"), "ContainerID"),
      address: (listOf(member(own, "Addresses"))[0] ?? "").replace(/\/\d+$/, ""),
    };
  });
}

/** The nodes that a global service comes to. */
async function eligibleNodes(manager: Host): Promise<readonly string[]> {
  const nodes = objectsOf(await askDocker(manager, "GET", "/nodes"));
  return nodes
    .filter(
      (node) =>
        textOf(member(node, "Status"), "State") === "ready" &&
        textOf(member(node, "Spec"), "Availability") === "active",
    )
    .map((node) => textOf(node, "ID"));
}

/** Waits until a task runs on each node that is there. @throws CommandError with the first task's own words */
export async function settleTasks(io: Io, { name }: Swarm, manager: Host): Promise<void> {
  io.waiting(`the agents of the Swarm ${name}`, startMs);
  const missing = async (): Promise<{
    readonly nodes: readonly string[];
    readonly tasks: readonly Task[];
  }> => {
    const [nodes, tasks] = await Promise.all([eligibleNodes(manager), tasksNow(manager)]);
    const runs = (node: string): boolean =>
      tasks.some((task) => task.node === node && task.state === "running") &&
      tasks.every((task) => task.node !== node || task.state === "running");
    return { nodes: nodes.filter((node) => !runs(node)), tasks };
  };
  const seen = await poll(
    { clock: io.clock, forMs: startMs, pauseMs },
    missing,
    ({ nodes }) => nodes.length === 0,
  );
  if (seen.nodes.length === 0) return;
  const reason = seen.tasks.find(({ error }) => error !== "")?.error ?? "no task has started";
  throw new CommandError(
    manager.name,
    1,
    `the agents of the Swarm ${name} do not run on ${seen.nodes.length} of its nodes: ${reason}`,
    {
      hint: `\`docker service ps --no-trunc ${agentContainer}\` on a manager shows each task`,
    },
  );
}

/**
 * Connects from inside a container, $1 its process, to ends ADDRESS:PORT: \`answers\` or \`silent\` after 3 s for each, \`unknown\` where
 * the machine has no program to connect with. The network namespace alone is entered: the agent's image has no shell.
 */
const taskProbe: Script = {
  name: "task-probe",
  body: `pid=$(docker inspect --format '{{.State.Pid}}' "$1") || exit 1
shift
for end; do
  if command -v bash >/dev/null 2>&1; then
    nsenter -t "$pid" -n timeout 3 bash -c ': </dev/tcp/"$1"/"$2"' bash "\${end%:*}" "\${end##*:}" >/dev/null 2>&1
  elif command -v nc >/dev/null 2>&1; then
    nsenter -t "$pid" -n timeout 3 nc -z "\${end%:*}" "\${end##*:}" </dev/null >/dev/null 2>&1
  else
    echo unknown
    continue
  fi
  case $? in
  0) echo answers ;;
  *) echo silent ;;
  esac
done`,
};

/**
 * From each member's agent a connection to every other one's, over the overlay network: nodes are "ready" with the overlay closed.
 * The cause is the way between the members, so going back to before would not help.
 */
export async function checkOverlay(io: Io, environment: PortainerEnvironment): Promise<readonly Check[]> {
  const swarm = swarmNamed(io.site, environment.swarm);
  if (swarm === undefined || swarm.members.length < 2) return [];
  const id = agentId(environment);
  const claim = `containers of the Swarm ${swarm.name} reach each other across its members`;
  try {
    const tasks = (await tasksNow(await requireManager(io, swarm))).filter(
      ({ state }) => state === "running",
    );
    const faults = await Promise.all(swarm.members.map(({ guest }) => unreached(io, guest, tasks)));
    const observed = faults.flat();
    if (observed.length === 0) return [passed(id, claim)];
    return [external(failed(id, claim, observed.join("; "), waysHint))];
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    return [external(failed(id, claim, error.message, error.hint))];
  }
}

const { swarmOverlay, swarmGossip, swarmManager } = ports;
const waysHint = `members must reach each other on UDP ${swarmOverlay}, TCP and UDP ${swarmGossip}, and managers on TCP ${swarmManager}: look for a firewall between them`;

/** What the agent on a machine cannot reach. A machine that does not answer is told by other checks. */
async function unreached(io: Io, guest: RoleGuest, tasks: readonly Task[]): Promise<readonly string[]> {
  try {
    const host = io.host(guest.host);
    const node = textOf(member(await askDocker(host, "GET", "/info"), "Swarm"), "NodeID");
    const own = tasks.find((task) => task.node === node);
    const others = tasks.filter((task) => task.node !== node && task.address !== "");
    if (own === undefined || others.length === 0) return [];
    const ends = others.map(({ address }) => `${address}:${ports.portainerAgent}`);
    const argv = scriptArgv(taskProbe, own.container, ...ends);
    const { exitCode, stdout, stderr } = await host.run({
      argv,
      effect: "read",
      timeoutMs: 10_000 + 4_000 * ends.length,
    });
    if (exitCode !== 0) return [`the agent's container on ${guest.host} cannot be entered: ${stderr.trim()}`];
    const lines = stdout.split("\n");
    return ends.flatMap((end, at) =>
      lines[at] === "silent" ? [`nothing comes back from ${end} on ${guest.host}`] : [],
    );
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    return [];
  }
}
