/** The guests as `phoenix status` shows them: their roles, and whether they answer. */
import { defined } from "../defined.ts";
import { messageOf, PhoenixError } from "../errors.ts";
import { nodeNameOf } from "../fabric/nodes.ts";
import { agentMachines } from "../fabric/swarms.ts";
import type { World } from "../hosts/world.ts";
import type { Guest, Site } from "../model.ts";
import type { GuestState } from "../render/status.ts";
import { count, span } from "../render/words.ts";

/** Asks all guests in parallel; a guest that does not answer is a state, not an error. */
export function guestStates(site: Site, world: World): Promise<readonly GuestState[]> {
  const guests = site.guests.filter(({ template }) => !template);
  return Promise.all(guests.map((guest) => guestState(site, guest, world)));
}

async function guestState(site: Site, guest: Guest, world: World): Promise<GuestState> {
  const { host, name, address } = guest;
  const known = {
    host,
    name,
    roles: rolesOf(site, guest),
    ...defined({ address, node: nodeNameOf(site, host) }),
  };
  const stacks = site.stacks.filter((stack) => stack.swarm === undefined && stack.guest.host === host).length;
  try {
    const files = await world.host(host).readFiles(["/proc/uptime"]);
    const seconds = Number.parseFloat(files.get("/proc/uptime")?.text ?? "");
    const parts = [
      ...(Number.isFinite(seconds) ? [`up ${span(seconds * 1000)}`] : []),
      ...(stacks > 0 ? [count(stacks, "stack")] : []),
    ];
    return { ...known, state: "answers", note: parts.join(", ") };
  } catch (error) {
    if (!(error instanceof PhoenixError)) throw error;
    return { ...known, state: "no answer", note: messageOf(error) };
  }
}

function rolesOf(site: Site, { host, portainerRole }: Guest): string[] {
  const { roles, gatewayPair, portainer, swarms } = site;
  const named = (["gateway", "mesh", "ca"] as const).filter((role) => roles[role]?.host === host);
  const standby = gatewayPair?.standby.host === host ? ["standby gateway"] : [];
  const agent = portainer?.environments.some((each) =>
    agentMachines(site, each).some((machine) => machine.host === host),
  );
  const isAgent = agent === true || portainerRole === "agent";
  const docker = portainerRole === "primary" ? ["portainer"] : isAgent ? ["agent"] : [];
  const members = swarms.flatMap(({ name, members }) =>
    members.flatMap(({ guest, role }) => (guest.host === host ? [`${role} of Swarm ${name}`] : [])),
  );
  return [...named, ...standby, ...docker, ...members];
}
