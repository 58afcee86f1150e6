/** The manager of a declared Swarm that answers for it. */
import type { Io } from "../../component.ts";
import { isUnavailable, NotReadyError, type PhoenixError } from "../../errors.ts";
import { member } from "../../formats/json/index.ts";
import type { Host } from "../../hosts/host.ts";
import type { Swarm } from "../../model.ts";
import { askDocker } from "./docker-api.ts";

/**
 * The first declared manager whose engine takes a Swarm's commands; undefined where all answer and none does: there is no Swarm yet.
 * @throws the first manager's error where one does not answer, and no other one takes commands
 */
export async function leadOf(io: Io, { members }: Swarm): Promise<Host | undefined> {
  let fault: PhoenixError | undefined;
  for (const { guest, role } of members) {
    if (role !== "manager") continue;
    const host = io.host(guest.host);
    try {
      const info = await askDocker(host, "GET", "/info");
      if (member(member(info, "Swarm"), "ControlAvailable") === true) return host;
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      fault ??= error;
    }
  }
  if (fault !== undefined) throw fault;
  return undefined;
}

/** The manager that answers. @throws NotReadyError where there is no Swarm */
export async function requireManager(io: Io, swarm: Swarm): Promise<Host> {
  const manager = await leadOf(io, swarm);
  if (manager !== undefined) return manager;
  throw new NotReadyError(`no machine is a manager of the Swarm ${swarm.name} yet`, {
    hint: "`phoenix sync swarm` makes its members",
  });
}
