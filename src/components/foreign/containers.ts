/** Containers that somebody else made, where they hold a port or a name that ours need; taken over by stopping, never by removing. */
import { type ComponentName, foreignHazard, type Hazard, type Io } from "../../component.ts";
import { isUnavailable } from "../../errors.ts";
import { definitionLabel } from "../../fabric/portainer-server.ts";
import { listContainers, type MachineContainer, parseContainers } from "../../formats/docker/index.ts";
import { type Listener, listListeners, parseListeners } from "../../formats/listeners/index.ts";
import type { Host } from "../../hosts/host.ts";
import { type Change, canonicalJson, type HostName, type Resource, type ResourceId } from "../../resource.ts";

/** What one of our resources needs of its machine. */
export interface Needs {
  readonly resource: ResourceId;
  readonly ports: readonly {
    readonly port: number;
    readonly protocol: string;
    /** Absent for every address. */
    readonly address?: string | undefined;
  }[];
  /** Names of the containers that it creates. */
  readonly names: readonly string[];
  /** The volume, or the directory of the machine, with the data that it starts with. */
  readonly data?: string | undefined;
}

/** The containers of a machine; none where Docker does not answer, which whoever needs it reports. */
export async function containersOn(host: Host): Promise<readonly MachineContainer[]> {
  try {
    const { exitCode, stdout } = await host.run(listContainers(definitionLabel));
    return exitCode === 0 ? parseContainers(stdout) : [];
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    return [];
  }
}

/** The port that a container holds and these needs name; undefined when it is in nobody's way. */
export function portHeld(
  { ports }: Pick<MachineContainer, "ports">,
  needs: Pick<Needs, "ports">,
): number | undefined {
  const every = (address: string | undefined): boolean => address === undefined || address === "0.0.0.0";
  return needs.ports.find(({ port, protocol, address }) =>
    ports.some(
      (held) =>
        held.port === port &&
        held.protocol === protocol &&
        (every(address) || every(held.address) || held.address === address),
    ),
  )?.port;
}

/** A hazard for each foreign container of the machine that has what the needs name. */
export async function containerHazards(
  component: ComponentName,
  io: Io,
  machine: HostName,
  needs: readonly Needs[],
  isForeign: (container: MachineContainer, needs: Needs, all: readonly MachineContainer[]) => boolean,
): Promise<readonly Hazard[]> {
  if (needs.every(({ ports, names }) => ports.length + names.length === 0)) return [];
  const host = io.host(machine);
  const taken = new Set<string>();
  const [containers, listeners] = await Promise.all([containersOn(host), listenersOn(host)]);
  // The port of a container may be held by a process of its own, by a proxy of Docker's, or by none that can be seen.
  const programs = listeners.filter((each) =>
    containers.every((one) => portHeld(one, { ports: [each] }) === undefined),
  );
  const hazards: Hazard[] = [...programHazards(host, needs, programs)];
  for (const needed of needs)
    for (const container of containers.filter((each) => isForeign(each, needed, containers))) {
      const port = portHeld(container, needed);
      const isNamed = needed.names.includes(container.name);
      if (port === undefined && !isNamed) continue;
      const what = isNamed ? "has the name of a container" : `publishes port ${port}, which is a port`;
      const message = `${described(container)} on ${machine} ${what} of ${needed.resource}`;
      const changes = taken.has(container.name) ? [] : [await takeover(component, host, container, isNamed)];
      taken.add(container.name);
      const foreign = {
        host: machine,
        name: `container ${container.name}`,
        takeover: fate(container, isNamed, needed),
      };
      hazards.push(foreignHazard(message, { ...foreign, changes, for: needed.resource }));
    }
  return hazards;
}

/** The programs that listen on a machine; none where it does not answer. */
async function listenersOn(host: Host): Promise<readonly Listener[]> {
  try {
    return parseListeners((await host.run(listListeners)).stdout);
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    return [];
  }
}

/** Programs on wanted ports: what they are for is not known, so no consent stops them. */
function programHazards(
  host: Host,
  needs: readonly Needs[],
  listeners: readonly Listener[],
): readonly Hazard[] {
  const seen = new Set<string>();
  return listeners.flatMap((listener): Hazard[] => {
    const { port, program, pid } = listener;
    const needed = needs.find((each) => portHeld({ ports: [listener] }, each) !== undefined);
    if (needed === undefined || seen.has(`${pid} ${port}`)) return [];
    seen.add(`${pid} ${port}`);
    const message = `program "${program}" (process ${pid}) on ${host.name} listens on port ${port}, which is a port of ${needed.resource}`;
    const hint = `stop it, or choose another port for ${needed.resource}: \`systemctl status ${pid}\` in the guest names its unit`;
    return [foreignHazard(message, { host: host.name, name: `program ${program}`, process: pid }, hint)];
  });
}

/** `container "pihole" (image pihole/pihole, Compose project home)` */
export function described({ name, image, project }: MachineContainer): string {
  return `container "${name}" (image ${image}${project === "" ? "" : `, Compose project ${project}`})`;
}

function fate({ name, image, mounts }: MachineContainer, isRenamed: boolean, { data: ours }: Needs): string {
  const renamed = isRenamed ? ` and renamed to ${asideOf(name)}` : "";
  const isKept = ours !== undefined && mounts.includes(ours);
  const lost = "what that Portainer knows stays in its volumes and does not reach the declared one";
  const kept = `its data is in ${JSON.stringify(ours)}, with which the declared one starts`;
  const data = isKept ? `; ${kept}` : /(^|\/)portainer\/portainer/.test(image) ? `; ${lost}` : "";
  return `the container is stopped${renamed} and no longer starts by itself; it and its volumes stay${data}`;
}

function asideOf(name: string): string {
  return `${name}-before-phoenix`;
}

interface ContainerState {
  readonly name: string;
  readonly running: boolean;
  /** Docker's restart policy. */
  readonly restart: string;
}

async function takeover(
  component: ComponentName,
  host: Host,
  { name, state }: MachineContainer,
  isRenamed: boolean,
): Promise<Change> {
  const resource = (of: ContainerState): Resource => ({
    id: `${component}/container ${name} on ${host.name}`,
    host: host.name,
    text: canonicalJson(of),
    units: { name: of.name, state: of.running ? "running" : "stopped", restart: of.restart },
  });
  const restart = (await stateOf(host, name))?.restart ?? "no";
  const live = { name, running: state === "running" || state === "restarting", restart };
  const desired = { name: isRenamed ? asideOf(name) : name, running: false, restart: "no" };
  return { verb: "update", live: resource(live), desired: resource(desired) };
}

/** Undefined when there is no such container. */
async function stateOf(host: Host, name: string): Promise<ContainerState | undefined> {
  const format = "{{.State.Status}} {{.HostConfig.RestartPolicy.Name}}";
  const { exitCode, stdout } = await host.run({
    argv: ["docker", "container", "inspect", "--format", format, name],
    effect: "read",
  });
  if (exitCode !== 0) return undefined;
  const [status = "", restart = ""] = stdout.trim().split(" ");
  return { name, running: status === "running" || status === "restarting", restart: restart || "no" };
}

/** The container of a takeover as it is now, under the one or the other name. */
export async function readContainer(change: Change, io: Io): Promise<Resource | undefined> {
  if (change.verb !== "update") return undefined;
  const host = io.host(change.live.host);
  for (const resource of [change.desired, change.live]) {
    const state = await stateOf(host, (JSON.parse(resource.text) as ContainerState).name);
    if (state !== undefined) return { ...resource, text: canonicalJson(state) };
  }
  return undefined;
}

/** Whether a resource is a foreign container that was taken over. */
export function isForeignContainer({ id }: Pick<Resource, "id">): boolean {
  return /^[^/]+\/container /.test(id);
}

/** Takes a container over, or gives it back. */
export async function applyContainer(change: Change, io: Io): Promise<void> {
  if (change.verb !== "update") return;
  const host = io.host(change.live.host);
  const from = JSON.parse(change.live.text) as ContainerState;
  const to = JSON.parse(change.desired.text) as ContainerState;
  const docker = (...words: readonly string[]): Promise<string> =>
    host.expect({ argv: ["docker", ...words], effect: "change", timeoutMs: 60_000 });
  if (from.restart !== to.restart) await docker("update", "--restart", to.restart, from.name);
  if (!to.running) await docker("stop", from.name);
  if (from.name !== to.name) await docker("rename", from.name, to.name);
  if (to.running) await docker("start", to.name);
}
