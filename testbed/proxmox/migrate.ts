/** `pct migrate` and `qm migrate`: the guest ends here, its configuration goes to the other node, and it starts there. */
import { renameSync } from "node:fs";
import { Refusal } from "./command-line.ts";
import { type Guest, isRunning, pathOf } from "./guests.ts";
import { members, node, onNode } from "./node.ts";
import { power } from "./power.ts";

/** @param restarts whether a guest that runs may be interrupted: `--restart`, or `--online`, which is no less here */
export function migrate(guest: Guest, target: string, restarts: boolean): void {
  const member = members().find(({ name }) => name === target);
  if (member === undefined) throw new Refusal(`no such cluster node '${target}'`);
  if (target === node) throw new Refusal("target node is local node.");
  const { kind, id, config } = guest;
  for (const [key, value] of config)
    if (/^mp\d+$/.test(key) && !/(?:^|,)shared=1(?:,|$)/.test(value))
      throw new Refusal(`cannot migrate local bind mount point '${key}'`);
  const runs = isRunning(guest);
  if (runs && !restarts)
    throw new Refusal(
      kind === "lxc"
        ? "lxc live migration is currently not implemented"
        : "can't migrate running VM without --online",
    );
  if (runs) power(guest, "shutdown");
  renameSync(pathOf(kind, id), pathOf(kind, id, target));
  if (runs) onNode(member, [kind === "lxc" ? "pct" : "qm", "start", id]);
}
