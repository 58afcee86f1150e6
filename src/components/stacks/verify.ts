/** Looks at every stack as its users do: each service runs and is healthy, and each published port answers. */
import type { ContainerState, EnvironmentState } from "../../apis/portainer/index.ts";
import { type Check, external, failed, type Io, passed } from "../../component.ts";
import { ApiError, hintOf, messageOf, TransportError } from "../../errors.ts";
import { firewallOf, verdictOn } from "../../fabric/firewall.ts";
import type { ComposeService } from "../../formats/compose/index.ts";
import { poll } from "../../poll.ts";
import { type StackTarget, targetsOf } from "./compile.ts";
import { serviceState } from "./containers.ts";
import { environmentNamed, volumeNote, volumesOnce } from "./live.ts";

/** How long a health check may take, in milliseconds. */
const healthMs = 60_000;

export async function verify(io: Io): Promise<readonly Check[]> {
  const targets = targetsOf(io.site);
  if (targets.length === 0) return [];
  const environments = await io.apis.portainer.environments();
  const volumes = volumesOnce(io);
  const checks = await Promise.all(
    targets.map((target) =>
      checkStack(io, target, environmentNamed(environments, target.stack.portainerEnvironment), volumes),
    ),
  );
  return checks.flat();
}

async function checkStack(
  io: Io,
  target: StackTarget,
  environment: EnvironmentState,
  volumes: ReturnType<typeof volumesOnce>,
): Promise<readonly Check[]> {
  const { id, stack, services } = target;
  let containers: readonly ContainerState[];
  try {
    [containers] = await Promise.all([
      judged(io, target, environment),
      noteVolumes(io, target, environment, volumes),
    ]);
  } catch (error) {
    if (!(error instanceof ApiError) && !(error instanceof TransportError)) throw error;
    // Portainer or the agent does not answer; the containers may well run.
    const claim = `Portainer shows the containers of ${stack.name} on ${stack.guest.name}`;
    const hint = hintOf(error) ?? "`phoenix verify portainer` checks the path to them";
    return [external(failed(id, claim, messageOf(error), hint))];
  }
  const ports = services
    .filter((service) => serviceState(service, containers).kind === "fine")
    .flatMap((service) => portsOf(service, stack.guest.address))
    .filter((port) => isOpen(io, target, port));
  return [
    ...services.map((service) => checkService(target, service, containers)),
    ...(await Promise.all(ports.map((port) => checkPort(io, target, port)))),
  ];
}

/** The containers, once their health checks have finished. */
async function judged(
  io: Io,
  { stack }: StackTarget,
  { id }: EnvironmentState,
): Promise<readonly ContainerState[]> {
  let names = "";
  const containers = await poll(
    { clock: io.clock, forMs: healthMs, pauseMs: 1_000 },
    async () => {
      const containers = await io.apis.portainer.containers(id, stack.project);
      const starting = containers.filter(({ status }) => status.includes("(health: starting)"));
      if (names === "" && starting.length > 0)
        io.waiting(`the health of ${starting.map(({ name }) => name).join(", ")}`, healthMs);
      names = starting.map(({ name }) => name).join(", ");
      return containers;
    },
    () => names === "",
  );
  if (names !== "") io.note(`${names} on ${stack.guest.name}: the health check has not finished`);
  return containers;
}

/** A volume that leads elsewhere is not a failure: its owner may want it so. */
async function noteVolumes(
  io: Io,
  target: StackTarget,
  environment: EnvironmentState,
  volumesOf: ReturnType<typeof volumesOnce>,
): Promise<void> {
  const { volumes } = target.stack;
  if (volumes.length === 0) return;
  const known = await volumesOf(environment.id);
  for (const volume of volumes) {
    const seen = known.find(({ name }) => name === volume.name);
    const note = seen === undefined ? undefined : volumeNote(target, volume, seen);
    if (note !== undefined) io.note(note);
  }
}

function checkService(
  { id, stack }: StackTarget,
  service: ComposeService,
  containers: readonly ContainerState[],
): Check {
  const claim = `${service.name} of ${stack.name} runs on ${stack.guest.name}`;
  const { kind, reason } = serviceState(service, containers);
  const hint = `\`docker logs\` of the container on ${stack.guest.host} shows why; \`phoenix sync stacks\` starts it again`;
  if (kind !== "fine") return failed(id, claim, reason, hint);
  const sick = containers.find(
    (each) => each.service === service.name && each.status.includes("(unhealthy)"),
  );
  if (sick === undefined) return passed(id, claim);
  return failed(id, claim, `${sick.name} is unhealthy: ${sick.status}`, hint);
}

interface PublishedPort {
  readonly address: string;
  readonly port: number;
  readonly service: string;
}

/** A port that the declared firewall closes to the hypervisor cannot be checked from here. */
function isOpen({ site }: Io, { stack }: StackTarget, { address, port, service }: PublishedPort): boolean {
  const ends = { from: "pve", to: stack.guest.host, address, protocol: "tcp", port } as const;
  const why = `${service} is proved from the hypervisor`;
  return (
    verdictOn(site, firewallOf(site), { ...ends, why, vital: false, at: stack.from }).action === "ACCEPT"
  );
}

/** Ports that other machines should reach. */
function portsOf({ name, ports }: ComposeService, address: string): readonly PublishedPort[] {
  return ports.flatMap(({ published, protocol, hostIp }) =>
    published === undefined || protocol !== "tcp" || hostIp?.startsWith("127.") === true || hostIp === "::1"
      ? []
      : [{ address: hostIp ?? address, port: published, service: name }],
  );
}

async function checkPort(
  io: Io,
  { id, stack }: StackTarget,
  { address, port, service }: PublishedPort,
): Promise<Check> {
  const claim = `${address}:${port} answers for ${service} of ${stack.name}`;
  const seen = await io.network.connect(address, port);
  if (seen.ok) return passed(id, claim);
  if (seen.reason === "refused") {
    const hint = `\`docker port\` on ${stack.guest.host} shows the published ports`;
    return failed(id, claim, "connection refused", hint);
  }
  const observed = seen.reason === "timeout" ? "no answer in time" : "no route to host";
  const hint = `the declared rules let ${io.site.hypervisor.address} in: \`phoenix verify firewall\` checks the installed ones`;
  return external(failed(id, claim, observed, hint));
}
