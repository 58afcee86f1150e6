/** Where a guest's commands run: on this node, or on the cluster's node that has the guest. */
import type { Clock } from "../component.ts";
import { NotReadyError, TransportError } from "../errors.ts";
import type { GuestName } from "../resource.ts";
import { NotOnNodeError, partsOf } from "./guest-errors.ts";
import type { Exec } from "./host.ts";
import type { Members } from "./members.ts";
import type { Nodes } from "./nodes.ts";
import { pctExec } from "./pct.ts";
import { qmExec } from "./qm.ts";

/**
 * The `Exec` of each guest. The cluster is looked at once, when the first guest's command runs, and once more when a guest
 * turns out to have moved.
 */
export function guestExecs(nodes: Nodes, clock: Clock): (name: GuestName) => Exec {
  return (name) => {
    const { kind, id } = partsOf(name);
    const on = (node: string): Exec => {
      const parent = nodes.on(node);
      return kind === "lxc" ? pctExec(parent, id) : qmExec(parent, id, clock);
    };
    return async (command) => {
      const before = await nodes.members();
      const node = nodeOf(name, before);
      try {
        return await on(node)(command);
      } catch (error) {
        if (!(error instanceof NotOnNodeError)) throw error;
        // The first failed command looks again; the others use its result.
        await nodes.lookAgain(before);
        const moved = nodeOf(name, await nodes.members());
        if (moved === node) throw absent(name);
        return on(moved)(command);
      }
    };
  };
}

/**
 * The name of the node that has the guest; "" for the one we are on.
 * @throws NotReadyError when there is no such guest; TransportError when its node is offline
 */
function nodeOf(name: GuestName, { asked = "", guests, nodes }: Members): string {
  if (guests === undefined) return asked;
  const { kind, id } = partsOf(name);
  const guest = guests.get(id);
  if (guest === undefined) throw absent(name);
  if (guest.kind !== kind)
    throw absent(name, `${id} is ${kind === "lxc" ? "a virtual machine" : "a container"}`);
  if (nodes.get(guest.node)?.online === false)
    throw new TransportError(name, `${name} is on node ${guest.node}, which is offline`, {
      hint: `start ${guest.node}, or move its guests`,
    });
  return asked === "" ? asked : guest.node;
}

function absent(name: GuestName, but?: string): NotReadyError {
  return new NotReadyError(`${name} does not exist on this cluster${but === undefined ? "" : `; ${but}`}`, {
    hint: "create the guest first, or correct its id in the site's files",
  });
}
