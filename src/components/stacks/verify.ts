/** Looks at every stack as its users do: each service runs and is healthy, each published port answers. */
import type { ContainerState, EnvironmentState } from "../../apis/portainer/index.ts";
import type { Check, Io } from "../../component.ts";
import { ApiError, hintOf, messageOf, TransportError } from "../../errors.ts";
import { firewallOf, verdictOn } from "../../fabric/firewall.ts";
import type { ComposeService } from "../../formats/compose/index.ts";
import { type StackTarget, targetsOf } from "./compile.ts";
import { serviceState } from "./containers.ts";
import { environmentNamed, leadsElsewhere, volumesOnce } from "./live.ts";

/** How long a health check may take to come to a verdict, in milliseconds. */
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
    // Whoever is in between does not answer; the containers may well run.
    const claim = `the containers of ${stack.name} can be seen on ${stack.guest.name}`;
    const hint = hintOf(error) ?? "`phoenix verify portainer` looks at the way there";
    return [{ resource: id, claim, status: "fail", observed: messageOf(error), hint, external: true }];
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

/** The containers, once their health checks have come to a verdict. */
async function judged(
  io: Io,
  { stack }: StackTarget,
  environment: EnvironmentState,
): Promise<readonly ContainerState[]> {
  const deadline = io.clock.now() + healthMs;
  for (let first = true; ; first = false) {
    const containers = await io.apis.portainer.containers(environment.id, stack.project);
    const starting = containers.filter(({ status }) => status.includes("(health: starting)"));
    if (starting.length === 0) return containers;
    const names = starting.map(({ name }) => name).join(", ");
    if (io.clock.now() >= deadline) {
      io.note(`${names} on ${stack.guest.name}: the health check has not come to a verdict yet`);
      return containers;
    }
    if (first) io.waiting(`the health of ${names}`, healthMs);
    await io.clock.sleep(1_000);
  }
}

/** A volume of another place is no failure: what it holds may be what its owner wants. */
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
    const note = seen === undefined ? undefined : leadsElsewhere(target, volume, seen);
    if (note !== undefined) io.note(note);
  }
}

function checkService(
  { id, stack }: StackTarget,
  service: ComposeService,
  containers: readonly ContainerState[],
): Check {
  const claim = `${service.name} of ${stack.name} runs on ${stack.guest.name}`;
  const { kind, words } = serviceState(service, containers);
  const hint = `\`docker logs\` of the container on ${stack.guest.host} says why; \`phoenix sync stacks\` brings it up again`;
  if (kind !== "fine") return { resource: id, claim, status: "fail", observed: words, hint };
  const sick = containers.find(
    (each) => each.service === service.name && each.status.includes("(unhealthy)"),
  );
  if (sick !== undefined)
    return {
      resource: id,
      claim,
      status: "fail",
      observed: `${sick.name} is unhealthy: ${sick.status}`,
      hint,
    };
  return { resource: id, claim, status: "pass" };
}

interface PublishedPort {
  readonly address: string;
  readonly port: number;
  readonly service: string;
}

/** A port that the declared firewall keeps the hypervisor out of cannot be proved from here, and need not be. */
function isOpen({ site }: Io, { stack }: StackTarget, { address, port, service }: PublishedPort): boolean {
  const ends = { from: "pve", to: stack.guest.host, address, protocol: "tcp", port } as const;
  const why = `${service} is proved from the hypervisor`;
  return (
    verdictOn(site, firewallOf(site), { ...ends, why, vital: false, at: stack.from }).action === "ACCEPT"
  );
}

/** Ports that somebody on another machine can be expected to reach. */
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
  if (seen.ok) return { resource: id, claim, status: "pass" };
  if (seen.reason === "refused")
    return {
      resource: id,
      claim,
      status: "fail",
      observed: "the connection is refused",
      hint: `\`docker port\` on ${stack.guest.host} shows what is really published`,
    };
  return {
    resource: id,
    claim,
    status: "fail",
    observed: seen.reason === "timeout" ? "no answer in time" : "no route to it",
    hint: `the declared rules let ${io.site.hypervisor.address} in: \`phoenix verify firewall\` looks at the installed ones`,
    external: true,
  };
}
