/** What a run could have touched, read from the machines themselves: files, processes, containers. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Site } from "../../src/model.ts";
import type { HostName } from "../../src/resource.ts";
import { expectRun, type Machine } from "./machines.ts";
import { runDirectory } from "./phoenix.ts";

/** "lxc/101" is the machine "lxc-101". */
export function machineOf(host: HostName): Machine {
  return host.replace("/", "-") as Machine;
}

/** Every machine that runs, the hypervisors first. */
export function machinesOf(site: Site): readonly Machine[] {
  const others = (site.cluster?.nodes ?? []).map(({ name }) => name as Machine);
  return [
    "pve",
    ...others,
    ...site.guests.filter(({ template }) => !template).map(({ host }) => machineOf(host)),
  ];
}

export function dockerMachinesOf(site: Site): readonly Machine[] {
  return machinesOf(site).filter((machine) => machine.startsWith("vm-"));
}

/** What changes by itself: logs, journals, databases of servers, and Phoenix's own record of its runs. */
const restless =
  /\/var\/log\/|\/logs\/|\/var\/lib\/(?:phoenix|systemd|testbed|docker|containerd)\/|\/\.step\/db\/|\/portainer\/data\/|\/files\/tmp\//;

/** A line for each file that a machine has written, with its inode, time, mode and size; for each service; for each container. */
export async function realityOf(site: Site): Promise<readonly string[]> {
  const [files, services, containers] = await Promise.all([
    filesOf(),
    Promise.all(machinesOf(site).map(servicesOf)),
    Promise.all(dockerMachinesOf(site).map(containersOf)),
  ]);
  return [...files, ...services.flat(), ...containers.flatMap((all) => all.map(({ line }) => line))];
}

/** Read from outside: a machine's upper layer is what it wrote. `/etc/pve` is among the hypervisor's. */
async function filesOf(): Promise<readonly string[]> {
  const format = ["-printf", "%p %i %T@ %m %s\\n"];
  const found = await promisify(execFile)(
    "find",
    [`${runDirectory}/upper`, "-type", "f", "-path", "*/files/*", ...format],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  return found.stdout
    .split("\n")
    .filter((line) => line !== "" && !restless.test(line))
    .sort();
}

/** A restart shows in the invocation, a reload of Nginx in its workers. */
async function servicesOf(machine: Machine): Promise<readonly string[]> {
  const script = `systemctl show --property=Id,InvocationID,MainPID $(systemctl list-units --type=service --state=running --plain --no-legend | cut -d' ' -f1)
ps -C nginx,traefik,dnsmasq,step-ca -o pid=,lstart=,comm= || true`;
  const text = await expectRun(machine, ["sh", "-c", script]);
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => `${machine} ${line}`);
}

export interface RunningContainer {
  readonly name: string;
  readonly id: string;
  /** All that a new start would change. */
  readonly line: string;
  readonly state: string;
  /** Compose's project and service; empty when it has none. */
  readonly project: string;
  readonly service: string;
  /** The service of a Swarm whose task it is, "hello_web"; empty for others. */
  readonly swarmService: string;
}

/** Containers of a virtual machine, stopped ones too, by name. */
export async function containersOf(machine: Machine): Promise<readonly RunningContainer[]> {
  const label = (name: string) => `{{with index .Config.Labels "com.docker.${name}"}}{{.}}{{end}}`;
  const labels = ["compose.project", "compose.service", "swarm.service.name"].map(label);
  const format = ["{{.Name}}", "{{.Id}}", "{{.State.StartedAt}}", "{{.State.Status}}", ...labels].join("|");
  const script = 'all=$(docker ps --all --quiet); [ -z "$all" ] || docker inspect --format "$1" $all';
  const text = await expectRun(machine, ["sh", "-c", script, "sh", format]);
  return text
    .split("\n")
    .filter((line) => line !== "")
    .sort()
    .map((line) => {
      const [name = "", id = "", , state = "", project = "", service = "", swarmService = ""] =
        line.split("|");
      const plain = name.replace(/^\//, "");
      return { name: plain, id, line: `${machine} ${line}`, state, project, service, swarmService };
    });
}

/** The ids of all containers of the site, by machine and name: what does not change when nothing is made anew. */
export async function idsOf(site: Site): Promise<ReadonlyMap<string, string>> {
  const all = await Promise.all(
    dockerMachinesOf(site).map(async (machine) =>
      (await containersOf(machine)).map(({ name, id }) => [`${machine} ${name}`, id] as const),
    ),
  );
  return new Map(all.flat());
}
