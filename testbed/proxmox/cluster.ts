/** pveversion (pve-manager 9.0) and pvecm (pve-cluster 9.0), of a node that has no quorum where the testbed says so. */
import { existsSync, rmSync } from "node:fs";
import { Refusal } from "./command-line.ts";

/** Makes /etc/pve read-only while it is there. */
const noQuorum = "/var/lib/testbed/no-quorum";

export function pveversion(): number {
  process.stdout.write("pve-manager/9.0.3/025864202ebb6109 (running kernel: 6.14.8-2-pve)\n");
  return 0;
}

/** `status` and `expected`: a node that has lost the others of its cluster, or one that is alone. */
export function pvecm([verb = "", votes = ""]: readonly string[]): number {
  if (!existsSync(noQuorum))
    throw new Refusal(
      "Error: Corosync config '/etc/pve/corosync.conf' does not exist - is this node part of a cluster?",
      2,
    );
  if (verb === "status") process.stdout.write(lostQuorumText);
  else if (verb === "expected" && votes === "1") rmSync(noQuorum);
  else throw new Refusal(`ERROR: the testbed's pvecm knows status and expected 1, not '${verb} ${votes}'`);
  return 0;
}

/** Of pve-cluster 9.0, on a node that has lost the two others. */
export const lostQuorumText = `Cluster information
-------------------
Name:             oak
Config Version:   3
Transport:        knet
Secure auth:      on

Quorum information
------------------
Date:             Sat Nov 28 12:00:00 2026
Quorum provider:  corosync_votequorum
Nodes:            1
Node ID:          0x00000001
Ring ID:          1.2f
Quorate:          No

Votequorum information
----------------------
Expected votes:   3
Highest expected: 3
Total votes:      1
Quorum:           2 Activity blocked
Flags:

Membership information
----------------------
    Nodeid      Votes Name
0x00000001          1 192.168.40.2 (local)
`;
