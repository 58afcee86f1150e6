/** Looks at every stack as its users do: each service runs and is healthy, and each published port answers. */
import type { EnvironmentState } from "../../apis/portainer/index.ts";
import { type Check, external, failed, type Io, passed } from "../../component.ts";
import { hintOf, isUnavailable, messageOf } from "../../errors.ts";
import type { ComposeService } from "../../formats/compose/index.ts";
import type { RoleGuest } from "../../model.ts";
import { targetsOf } from "./compile.ts";
import { provedState, type SeenContainer, serviceState } from "./containers.ts";
import type { StackTarget } from "./facts.ts";
import { environmentNamed, volumeNote, volumesOnce } from "./live.ts";
import { checkPort, type PublishedPort } from "./port-check.ts";
import { checkSwarmStack } from "./swarm/verify.ts";
import { lastWords, proved, provedMs, Watch } from "./watch.ts";

export async function verify(io: Io): Promise<readonly Check[]> {
  const targets = targetsOf(io.site);
  if (targets.length === 0) return [];
  const environments = await io.apis.portainer.environments();
  const volumes = volumesOnce(io);
  const checks = await Promise.all(
    targets.map((target) =>
      target.swarm === undefined
        ? checkStack(io, target, environments, volumes)
        : checkSwarmStack(io, target, environments),
    ),
  );
  return checks.flat();
}

async function checkStack(
  io: Io,
  target: StackTarget,
  environments: readonly EnvironmentState[],
  volumes: ReturnType<typeof volumesOnce>,
): Promise<readonly Check[]> {
  const { id, stack, services } = target;
  let environment: EnvironmentState;
  let containers: readonly SeenContainer[];
  try {
    environment = environmentNamed(io.site, environments, stack.portainerEnvironment);
    [containers] = await Promise.all([
      proved(io, new Watch(io, environment.id, target), target),
      noteVolumes(io, target, environment, volumes),
    ]);
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    // Portainer or the agent does not answer, or the environment is missing; the containers may well run.
    const claim = `Portainer shows the containers of ${stack.name} on ${stack.guest.name}`;
    const hint = hintOf(error) ?? "`phoenix verify portainer` checks the path to them";
    return [external(failed(id, claim, messageOf(error), hint))];
  }
  const ports = services
    .filter((service) => serviceState(service, containers, provedMs(io)).kind === "fine")
    .flatMap((service) => portsOf(service, stack.guest));
  const answers = await Promise.all(ports.map((port) => checkPort(io, target, port)));
  return [...(await checkServices(io, target, environment, containers)), ...answers.flat()];
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

/** One check for each service; one that is still being proved when another is found broken has none. */
async function checkServices(
  io: Io,
  { id, stack, services }: StackTarget,
  environment: EnvironmentState,
  containers: readonly SeenContainer[],
): Promise<readonly Check[]> {
  const states = services.map((service) => ({ service, ...provedState(service, containers, provedMs(io)) }));
  const isBroken = states.some(({ kind }) => kind === "broken");
  const judged = states.filter(({ kind }) => !isBroken || kind !== "proving");
  const hint = `\`docker logs\` of the container on ${stack.guest.host} shows why; \`phoenix sync stacks\` starts it again`;
  return Promise.all(
    judged.map(async ({ service, kind, reason, container }) => {
      const claim = `${service.name} of ${stack.name} runs on ${stack.guest.name}`;
      if (kind === "fine") return passed(id, claim);
      return failed(id, claim, `${reason}${await lastWords(io, environment.id, container)}`, hint);
    }),
  );
}

/** Ports that other machines should reach. */
function portsOf({ name, ports }: ComposeService, guest: RoleGuest): readonly PublishedPort[] {
  return ports.flatMap(({ published, protocol, hostIp }) =>
    published === undefined || protocol !== "tcp" || hostIp?.startsWith("127.") === true || hostIp === "::1"
      ? []
      : [{ guest, address: hostIp ?? guest.address, port: published, service: name }],
  );
}
