/** A lab's machines and faults, with the node that has each guest where the hypervisor is a cluster. */
import { nodeOfGuest } from "./cluster.ts";
import { type LabStatus, labStatus } from "./faults.ts";
import { openContext } from "./open-context.ts";

/** @throws SiteError where there is no lab */
export function placedStatus(directory: string): LabStatus {
  const status = labStatus(directory);
  const lab = openContext(directory, { signal: new AbortController().signal });
  if (lab.facts.cluster === undefined) return status;
  return {
    ...status,
    hosts: status.hosts.map((machine) => {
      const guest = lab.facts.guests.find(({ host }) => host === machine.host);
      const node = guest && nodeOfGuest(lab, guest)?.name;
      return node === undefined ? machine : { ...machine, node };
    }),
  };
}
