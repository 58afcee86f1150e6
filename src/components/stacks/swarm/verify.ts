/** Proves that a Swarm runs a stack as it was asked to: spec, update and tasks of each service, and its ports at the members. */
import type { EnvironmentState } from "../../../apis/portainer/index.ts";
import type { SwarmPort } from "../../../apis/portainer/swarm.ts";
import { type Check, external, failed, type Io, passed } from "../../../component.ts";
import { hintOf, isUnavailable, messageOf } from "../../../errors.ts";
import type { Guest } from "../../../model.ts";
import type { StackTarget } from "../facts.ts";
import { environmentNamed } from "../live.ts";
import { checkPort } from "../port-check.ts";
import { previousInSwarm } from "./apply.ts";
import type { Sight } from "./state.ts";
import { settled, sightOf, taskWords } from "./watch.ts";

export async function checkSwarmStack(
  io: Io,
  target: StackTarget,
  environments: readonly EnvironmentState[],
): Promise<readonly Check[]> {
  const { id, stack, swarm } = target;
  const where = `the Swarm ${stack.swarm}`;
  try {
    const environment = environmentNamed(io.site, environments, stack.portainerEnvironment);
    const services = swarm?.services ?? [];
    const watched = { environmentId: environment.id, project: stack.project, name: stack.name, services };
    const states = await settled(io, { ...watched, known: previousInSwarm(io, id)?.known ?? "all" });
    const sight = await sightOf(io, environment.id, stack.project);
    const isDegraded = sight.nodes.some(({ state }) => state !== "ready");
    const checks = await Promise.all(
      [...states].map(async ([name, { kind, reason, task }]) => {
        const claim = `${name} of ${stack.name} runs in ${where}`;
        if (kind === "fine") return passed(id, claim);
        const words = await taskWords(io, environment.id, task);
        const hint = `\`docker service ps --no-trunc ${stack.project}_${name}\` on a manager shows its tasks`;
        const check = failed(id, claim, `${reason}${words}`, hint);
        // A member that is down is not this stack's doing.
        return isDegraded && kind !== "broken" ? external(check) : check;
      }),
    );
    const fine = [...states].flatMap(([name, { kind }]) => (kind === "fine" ? [name] : []));
    const ports = await Promise.all(
      publishedAt(io, target, sight, fine).map((port) => checkPort(io, target, port)),
    );
    return [...checks, ...ports.flat()];
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    const claim = `Portainer shows the services of ${stack.name} in ${where}`;
    const hint = hintOf(error) ?? "`phoenix verify portainer` checks the path to them";
    return [external(failed(id, claim, messageOf(error), hint))];
  }
}

interface MemberPort {
  readonly guest: Guest;
  readonly address: string;
  readonly port: number;
  readonly service: string;
}

/** A port that is published for the whole Swarm answers at each member that is up, one of the machines where a task runs. */
function publishedAt(
  io: Io,
  { stack }: StackTarget,
  { services, tasks, nodes }: Sight,
  fine: readonly string[],
): readonly MemberPort[] {
  const members = io.site.swarms.find(({ name }) => name === stack.swarm)?.members ?? [];
  const up = nodes.filter(({ state }) => state === "ready");
  const guestsAt = (addresses: readonly string[]) =>
    members.map(({ guest }) => guest).filter(({ address }) => addresses.includes(address));
  return services.flatMap((each) => {
    const service = each.name.slice(stack.project.length + 1);
    if (!fine.includes(service)) return [];
    const on = new Set(
      tasks
        .filter(
          ({ serviceId, desired, state }) =>
            serviceId === each.id && desired === "running" && state === "running",
        )
        .map(({ nodeId }) => nodeId),
    );
    const addressesOf = ({ mode }: SwarmPort): readonly string[] =>
      up.filter((node) => mode !== "host" || on.has(node.id)).map(({ address }) => address);
    return each.ports.flatMap((port) =>
      port.published === undefined || port.protocol !== "tcp"
        ? []
        : guestsAt(addressesOf(port)).map((guest) => ({
            guest,
            address: guest.address,
            port: port.published ?? 0,
            service,
          })),
    );
  });
}
