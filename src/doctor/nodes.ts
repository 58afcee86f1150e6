/** What must be so between the nodes of a Proxmox cluster. A single host is asked none of it. */
import { NotReadyError, TransportError } from "../errors.ts";
import { remoteMounts } from "../fabric/node-storage.ts";
import { nodesOf } from "../fabric/nodes.ts";
import type { CommandResult } from "../hosts/host.ts";
import type { HostName } from "../resource.ts";
import { storageFaults } from "./node-storage.ts";
import {
  asked,
  type Finding,
  nodesWith,
  type Prerequisite,
  prerequisite,
  type Subject,
} from "./prerequisite.ts";

/** All but "pve". */
const otherNodes = nodesWith(({ cluster }) => cluster?.nodes ?? []);

function judgeOnline({ site, machine }: Pick<Subject, "site" | "machine">): readonly Finding[] {
  const node = nodesOf(site).find(({ host }) => host === machine);
  if (node === undefined || node.online) return [];
  const names = site.guests.flatMap(({ host, name }) =>
    site.cluster?.placement.get(host) === node.name ? [name] : [],
  );
  const guests = names.length === 0 ? "" : `, with ${names.join(", ")}`;
  return [
    { message: `it is offline${guests}: a sync leaves it alone`, hint: "start it, or move its guests" },
  ];
}

const updateKeys = ["pvecm", "updatecerts"];

/** @param error of the first command over ssh, whose hint knows what concerns keys; undefined where it worked */
export function judgeSsh(error: TransportError | NotReadyError | undefined): readonly Finding[] {
  if (error === undefined) return [];
  const { message, hint = "see that sshd runs there, and that port 22 is open between the nodes" } = error;
  if (hint.includes(updateKeys.join(" "))) return [{ message, fix: { on: "entry", argv: updateKeys } }];
  return [{ message, hint }];
}

interface VersionsAnswer {
  /** Of `dpkg-query -W pve-manager pve-firewall`, on "pve" and on the node. */
  readonly own: string;
  readonly theirs: string;
}

export function judgeVersions(
  { own, theirs }: VersionsAnswer,
  { site }: Pick<Subject, "site">,
): readonly Finding[] {
  const [here, there] = [packagesIn(own), packagesIn(theirs)];
  const others = [...there].filter(([name, version]) => here.has(name) && here.get(name) !== version);
  if (others.length === 0) return [];
  const differences = others.map(
    ([name, version]) => `${name} is ${version} and ${here.get(name)} on ${site.cluster?.own}`,
  );
  const message = `${differences.join(", ")}: the same rules may mean something else`;
  return [
    { message, hint: "upgrade the older node: `apt-get update && apt-get dist-upgrade`", isWarning: true },
  ];
}

function packagesIn(text: string): ReadonlyMap<string, string> {
  return new Map(
    [...text.matchAll(/^(\S+)\t(\S+)$/gm)].map(([, name = "", version = ""]) => [name, version]),
  );
}

/** @param status of `pvecm status` */
export function judgeVotes({ stdout }: CommandResult): readonly Finding[] {
  const votes = Number(/^Expected votes:\s*(\d+)/m.exec(stdout)?.[1]);
  const flags = /^Flags:(.*)$/m.exec(stdout)?.[1] ?? "";
  if (!(votes > 0) || votes % 2 === 1 || /\b(Qdevice|2Node)\b/.test(flags)) return [];
  const loss =
    votes === 2 ? "where one node stops, the other has no quorum" : "half of the nodes have no quorum";
  const message = `the cluster has ${votes} votes and no QDevice: ${loss}`;
  return [
    {
      message,
      hint: "give it another vote: `pvecm qdevice setup ADDRESS`, or one more node",
      isWarning: true,
    },
  ];
}

export const nodeRows: readonly Prerequisite[] = [
  prerequisite({
    id: "votes",
    parts: [],
    where: "a cluster",
    must: "it has an odd number of votes, or a QDevice; less is a warning",
    asked: "`pvecm status`",
    remedy: "`pvecm qdevice setup ADDRESS`, or one more node",
    after: ["proxmox", "cluster-files", "quorum"],
    machines: ({ cluster }) => (cluster === undefined ? [] : ["pve"]),
    ask: ({ host }) => asked(host, "pvecm", "status"),
    judge: judgeVotes,
  }),
  prerequisite({
    id: "node-online",
    parts: [],
    where: "each other node of a cluster",
    must: "it is online",
    asked: "`/etc/pve/.members`",
    remedy: "start it, or move its guests",
    machines: ({ cluster }) => (cluster?.nodes ?? []).map(({ host }) => host),
    ask: async () => undefined,
    judge: (_, subject) => judgeOnline(subject),
  }),
  prerequisite({
    id: "node-ssh",
    parts: [],
    where: "each other node of a cluster",
    must: "Proxmox's own ssh leads to it",
    asked: "`ssh -o HostKeyAlias=NODE root@ADDRESS true`",
    remedy: "`pvecm updatecerts`, on both nodes",
    machines: otherNodes,
    ask: async ({ host }) => {
      try {
        await asked(host, "true");
        return undefined;
      } catch (error) {
        if (error instanceof TransportError || error instanceof NotReadyError) return error;
        throw error;
      }
    },
    judge: judgeSsh,
  }),
  prerequisite<VersionsAnswer>({
    id: "node-versions",
    parts: ["firewall"],
    where: "each other node of a cluster",
    must: "pve-manager and pve-firewall have the versions that they have on the hypervisor; others are a warning",
    asked: "`dpkg-query -W pve-manager pve-firewall`",
    remedy: "`apt-get update && apt-get dist-upgrade`",
    machines: otherNodes,
    ask: async ({ host, io }) => {
      const look = ["dpkg-query", "-W", "pve-manager", "pve-firewall"];
      const [own, theirs] = await Promise.all([asked(io.host("pve"), ...look), asked(host, ...look)]);
      return { own: own.stdout, theirs: theirs.stdout };
    },
    judge: judgeVersions,
  }),
  prerequisite({
    id: "node-storage",
    parts: [],
    where: "each container on another node",
    must: "its node has the directories that are mounted in it, and those with its certificates are the hypervisor's own",
    asked: "`stat` on both nodes",
    remedy: "put the directory on a storage that both nodes have, or move the guest",
    after: ["guest-exists"],
    machines: (site): readonly HostName[] => [...new Set(remoteMounts(site).map(({ guest }) => guest.host))],
    ask: async ({ site, io, machine }) =>
      (await storageFaults(site, io)).filter(({ guest }) => guest.host === machine),
    judge: (faults) =>
      faults.map(
        ({ message }): Finding => ({
          message: `it ${message}`,
          hint: "put the directory on a storage that both nodes have, or move the guest",
        }),
      ),
  }),
];
