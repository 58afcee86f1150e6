/** Moving a guest to another node of the cluster, as `pct migrate` and `qm migrate` do (pve-container 6.1, qemu-server 9.2). */
import { UsageError } from "../src/errors.ts";
import { nodeOfGuest, nodesOf } from "./cluster.ts";
import { configPath } from "./config-path.ts";
import { type LabGuest, readFacts } from "./facts.ts";
import { guestConfig } from "./guests.ts";
import { readLab } from "./lab-file.ts";
import type { LabNode } from "./nodes.ts";
import { openContext } from "./open-context.ts";
import type { Lab } from "./parts.ts";
import { createStore } from "./store.ts";

/**
 * @param guest "lxc/101", or its name
 * @throws UsageError for a guest or a node that the lab does not have, or a container that Proxmox would not move
 * @throws SiteError where there is no lab
 */
export function moveGuest(directory: string, guest: string, node: string): void {
  readLab(directory);
  const facts = readFacts(createStore(directory));
  const wanted = guest.toLowerCase();
  const found = facts?.guests.find(({ host, name }) => host === wanted || name.toLowerCase() === wanted);
  if (found === undefined)
    throw new UsageError(`unknown guest ${JSON.stringify(guest)}`, {
      hint: `\`phoenix lab status ${directory}\` lists the guests`,
    });
  const lab = openContext(directory, { signal: new AbortController().signal });
  const target = nodesOf(lab).find(({ name }) => name === node);
  if (target === undefined)
    throw new UsageError(`unknown node ${JSON.stringify(node)}`, {
      hint: `one of ${nodesOf(lab)
        .map(({ name }) => name)
        .join(", ")}`,
    });
  const refusal = localMount(lab, found);
  if (refusal !== undefined) throw new UsageError(refusal);
  placeGuest(lab, found, target);
}

/** What Proxmox says of a directory that is not on every node; undefined where there is none. */
function localMount(lab: Lab, guest: LabGuest): string | undefined {
  const local = [...guestConfig(lab, guest)].find(
    ([key, value]) => /^mp\d+$/.test(key) && value.startsWith("/") && !value.split(",").includes("shared=1"),
  );
  return local && `cannot migrate local bind mount point '${local[0]}'`;
}

/** Its configuration goes to the other node's directory, which is all that makes it be there. */
export function placeGuest(lab: Lab, guest: LabGuest, target: LabNode): void {
  const from = nodeOfGuest(lab, guest);
  if (from === undefined || from.host === target.host) return;
  const path = ({ name }: LabNode): string => configPath(name, guest.kind, guest.id);
  lab.files.move(target.host, path(from), path(target));
}
