/** Docker Swarms as the site declares them: their names, the virtual machines in them, their environments in Portainer. Pure. */
import { defined } from "../../defined.ts";
import { memo } from "../../fabric/memo.ts";
import { definitionLabel } from "../../fabric/portainer-server.ts";
import type { GuestName } from "../../resource.ts";
import type { FoundDocker, FoundEnvironment, FoundPortainer } from "../found/docker.ts";
import type { FoundMember, FoundSwarm } from "../found/swarms.ts";
import type { Found } from "../read/index.ts";
import { machineBehind } from "../read/portainer.ts";

export interface JoinedSwarm {
  readonly name: string;
  readonly swarm: FoundSwarm;
  /** The virtual machines, managers first; at least one of them is a manager. */
  readonly members: readonly FoundMember[];
  readonly manager: GuestName;
  /** The one that leads to a member. */
  readonly environment?: FoundEnvironment;
}

/** Those with a manager that is a virtual machine: the others cannot be declared. */
export const joinSwarms = memo(({ swarms, docker, guests }: Found): readonly JoinedSwarm[] => {
  const [server] = serversOf(docker);
  const taken = new Set<string>();
  return swarms.flatMap((swarm): readonly JoinedSwarm[] => {
    const members = swarm.members
      .filter(({ host }) => host.startsWith("vm/"))
      .toSorted((a, b) => Number(b.role === "manager") - Number(a.role === "manager"));
    const [first] = members;
    if (first?.role !== "manager") return [];
    const environment = server?.state?.environments.find((each) => {
      const guest = each.kind === "agent" ? machineBehind(each, server.host, guests) : undefined;
      return members.some(({ host }) => host === guest?.host);
    });
    const name = freeName(nameOf(swarm, environment), taken);
    taken.add(name);
    return [{ name, swarm, members, manager: first.host, ...defined({ environment }) }];
  });
});

/** The Swarm that a guest is a member of. */
export function swarmOf(found: Found, host: GuestName | undefined): JoinedSwarm | undefined {
  return joinSwarms(found).find(({ members }) => members.some((member) => member.host === host));
}

/** Those that Phoenix set up come first, then those that told what they have: the first one is the site's. */
export function serversOf({ portainer }: FoundDocker): readonly FoundPortainer[] {
  const rank = ({ container, state }: FoundPortainer): number =>
    (container.labels[definitionLabel] === undefined ? 2 : 0) + (state === undefined ? 1 : 0);
  return portainer.toSorted((a, b) => rank(a) - rank(b));
}

/** The name that its own mark gives it, so that it stays what it is; else that of its environment. */
function nameOf({ mark }: FoundSwarm, environment: FoundEnvironment | undefined): string {
  const words = [mark, environment?.name].map((each) => (each ?? "").replace(/[^a-z0-9_-]+/gi, "-"));
  const fit = words.map((each) => each.replace(/^[^a-z0-9]+/i, "").slice(0, 60)).find((each) => each !== "");
  return fit ?? "swarm";
}

function freeName(wanted: string, taken: ReadonlySet<string>): string {
  if (!taken.has(wanted)) return wanted;
  for (let at = 2; ; at += 1) if (!taken.has(`${wanted}-${at}`)) return `${wanted}-${at}`;
}
