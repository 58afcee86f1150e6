/** pveversion (pve-manager 9.0) and pvecm (pve-cluster 9.0), of a node that has no quorum where the testbed says so. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { Refusal } from "./command-line.ts";
import { hypervisor } from "./node.ts";

/** Makes /etc/pve read-only while it is there. */
const noQuorum = "/var/lib/testbed/no-quorum";

export function pveversion(): number {
  process.stdout.write("pve-manager/9.0.3/025864202ebb6109 (running kernel: 6.14.8-2-pve)\n");
  return 0;
}

/** `status` and `expected`: of a cluster, or of a node that has lost the others of its own, or of one that is alone. */
export function pvecm([verb = "", votes = ""]: readonly string[]): number {
  const { cluster } = hypervisor();
  if (cluster === undefined && !existsSync(noQuorum))
    throw new Refusal(
      "Error: Corosync config '/etc/pve/corosync.conf' does not exist - is this node part of a cluster?",
      2,
    );
  if (verb === "status") process.stdout.write(existsSync(noQuorum) ? lostQuorumText : statusText());
  else if (verb === "expected" && /^[1-9]\d*$/.test(votes)) expect(votes);
  else
    throw new Refusal(`ERROR: the testbed's pvecm knows status and expected VOTES, not '${verb} ${votes}'`);
  return 0;
}

function expect(votes: string): void {
  rmSync(noQuorum, { force: true });
  if (hypervisor().cluster !== undefined) writeFileSync("/run/corosync/expected", votes);
}

/** What the testbed's corosync says while it runs. */
const membersFile = "/run/corosync/members.json";

function statusText(): string {
  if (!existsSync(membersFile))
    throw new Refusal("Cannot initialize CMAP service\nunable to get quorum information");
  const { cluster } = hypervisor();
  const nodes = cluster?.nodes ?? [];
  const { votes, quorum, online } = JSON.parse(readFileSync(membersFile, "utf8"));
  const expected = nodes.reduce((sum, each) => sum + each.votes, 0);
  const number = (id: number): string => `0x${id.toString(16).padStart(8, "0")}`;
  const rows = nodes.flatMap(({ name, address, votes }, at) =>
    online.includes(name)
      ? [
          `${number(at + 1)} ${String(votes).padStart(10)} ${address}${name === hostname() ? " (local)" : ""}\n`,
        ]
      : [],
  );
  return `Cluster information
-------------------
Name:             ${cluster?.name}
Config Version:   ${nodes.length}
Transport:        knet
Secure auth:      on

Quorum information
------------------
Date:             Sat Nov 28 12:00:00 2026
Quorum provider:  corosync_votequorum
Nodes:            ${online.length}
Node ID:          ${number(nodes.findIndex(({ name }) => name === hostname()) + 1)}
Ring ID:          1.2f
Quorate:          ${votes >= quorum ? "Yes" : "No"}

Votequorum information
----------------------
Expected votes:   ${expected}
Highest expected: ${expected}
Total votes:      ${votes}
Quorum:           ${quorum}${votes >= quorum ? "" : " Activity blocked"}
Flags:            ${votes >= quorum ? "Quorate" : ""}

Membership information
----------------------
    Nodeid      Votes Name
${rows.join("")}`;
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
