/** What must be so on the hypervisor itself, and of the program that runs there. */
import { dnsNodes, nodesOf } from "../fabric/nodes.ts";
import { quoted } from "../formats/shell/quote.ts";
import { isOlder, versionIn, versionText } from "../formats/version/index.ts";
import type { CommandResult } from "../hosts/host.ts";
import {
  asked,
  type Finding,
  hypervisorIf,
  installing,
  nodesWith,
  type Prerequisite,
  prerequisite,
} from "./prerequisite.ts";

const always = hypervisorIf(() => true);

/** The major versions of Proxmox VE that Phoenix is tested with. */
const supportedProxmox = { first: 8, last: 9 };

/** @param result of `pveversion`: "pve-manager/9.0.3/025864202ebb6109 (running kernel: 6.14.8-2-pve)" */
export function judgeProxmox({ exitCode, stdout }: CommandResult): readonly Finding[] {
  const version = versionIn(stdout);
  if (exitCode !== 0 || version === undefined)
    return [
      {
        message: "this is not a Proxmox VE host: pveversion is not installed",
        hint: "run phoenix on the hypervisor, or name it",
      },
    ];
  const [major = 0] = version;
  const shown = `Proxmox VE is ${versionText(version)}`;
  if (major < supportedProxmox.first) {
    const checker = `pve${major}to${major + 1}`;
    const message = `${shown}, and Phoenix needs ${supportedProxmox.first} or newer`;
    return [{ message, fix: { argv: [checker, "--full"] } }];
  }
  if (major <= supportedProxmox.last) return [];
  return [{ message: `${shown}, which is newer than Phoenix is tested with`, isWarning: true }];
}

/** The oldest Node.js that runs Phoenix; `engines` in package.json says the same. */
const oldestNode = [20, 19] as const;

export function judgeNode(version: string): readonly Finding[] {
  const found = versionIn(version);
  if (found === undefined || !isOlder(found, oldestNode)) return [];
  return [
    {
      message: `Node.js is ${versionText(found)}, and Phoenix needs ${versionText(oldestNode)} or newer`,
      hint: "install the package with its own Node.js, or a newer Node.js from nodejs.org",
    },
  ];
}

interface ClusterAnswer {
  readonly isMounted: boolean;
  readonly status: CommandResult;
}

export function judgeClusterFiles({ isMounted }: Pick<ClusterAnswer, "isMounted">): readonly Finding[] {
  if (isMounted) return [];
  return [
    {
      message: "/etc/pve is not mounted: what is written there would be lost",
      fix: { argv: ["systemctl", "restart", "pve-cluster"] },
    },
  ];
}

/** @param status of `pvecm status`, which fails on a node without a cluster */
export function judgeQuorum(status: CommandResult): readonly Finding[] {
  const text = status.stdout + status.stderr;
  if (/Cannot initialize CMAP service/.test(text))
    return [
      {
        message: "corosync does not run: the node is cut off from its cluster and /etc/pve is read-only",
        fix: { argv: ["systemctl", "restart", "corosync"] },
      },
    ];
  if (!/^Quorate:\s*No/m.test(text)) return [];
  const votes = (name: string): string => new RegExp(`^${name}:\\s*(\\d+)`, "m").exec(text)?.[1] ?? "?";
  const total = votes("Total votes");
  return [
    {
      message: `the cluster has no quorum (${total} of ${votes("Expected votes")} votes): /etc/pve is read-only`,
      fix: { argv: ["pvecm", "expected", total === "?" ? "1" : total] },
    },
  ];
}

/** @param text of `pvesh get /nodes/localhost/firewall/options`, or the node's host.fw */
export function judgeFirewallProgram(hostFile: string): readonly Finding[] {
  if (!/^\s*nftables:\s*1\s*$/im.test(hostFile)) return [];
  return [
    {
      message:
        "proxmox-firewall filters on this node (nftables: 1), and Phoenix proves the rules of pve-firewall only",
      fix: { argv: ["pvesh", "set", "/nodes/localhost/firewall/options", "--nftables", "0"] },
    },
  ];
}

/** Since 2.86 a query of a type that a name does not have gets an empty answer only where the domain is local. */
const oldestDnsmasq = [2, 86] as const;

/** @param version of `dnsmasq --version`; where it is not installed, the sync installs it */
export function judgeDnsmasqVersion({ exitCode, stdout }: CommandResult): readonly Finding[] {
  const version = versionIn(stdout);
  if (exitCode !== 0 || version === undefined || !isOlder(version, oldestDnsmasq)) return [];
  const message = `dnsmasq is ${versionText(version)}, and Phoenix needs ${versionText(oldestDnsmasq)} or newer`;
  return [{ message, fix: { argv: installing("dnsmasq") } }];
}

/** @param test of `dnsmasq --test`: "dnsmasq: bad option at line 1 of /etc/dnsmasq.d/lan.conf" */
export function judgeDnsmasqConfiguration({ exitCode, stderr }: CommandResult): readonly Finding[] {
  if (exitCode === 0 || exitCode === 127) return [];
  const complaint = stderr.trim().replace(/^dnsmasq: /, "");
  const message = `dnsmasq refuses its present configuration: ${complaint}`;
  const [, at, file] = / line (\d+) of (\/\S+)$/.exec(complaint) ?? [];
  if (at === undefined || file === undefined) return [{ message }];
  return [{ message, fix: { argv: ["sed", "-i", `${at}s/^/# /`, file] } }];
}

/** @param unit of `systemctl show dnsmasq --property=LoadState` */
export function judgeDnsmasqUnit({ stdout }: CommandResult): readonly Finding[] {
  if (!/^LoadState=masked$/m.test(stdout)) return [];
  return [
    {
      message: "dnsmasq is masked: it can be neither started nor enabled",
      fix: { argv: ["systemctl", "unmask", "dnsmasq"] },
    },
  ];
}

const needsDns = nodesWith(dnsNodes);

export const hypervisorRows: readonly Prerequisite[] = [
  prerequisite({
    id: "proxmox",
    parts: [],
    where: "the hypervisor",
    must: "Proxmox VE is 8 or 9",
    asked: "`pveversion`",
    remedy: "upgrade Proxmox VE, one major version at a time: `pve7to8 --full` tells what stands in the way",
    machines: always,
    ask: ({ host }) => asked(host, "pveversion"),
    judge: judgeProxmox,
  }),
  prerequisite({
    id: "node",
    parts: [],
    where: "where Phoenix runs",
    must: "Node.js is 20.19 or newer",
    asked: "the running program",
    remedy: "install the package with its own Node.js",
    machines: always,
    ask: async ({ nodeVersion }) => nodeVersion,
    judge: judgeNode,
  }),
  prerequisite({
    id: "cluster-files",
    parts: [],
    where: "the hypervisor",
    must: "Proxmox's cluster file system is mounted on /etc/pve",
    asked: "`/etc/pve/.version`",
    remedy: "`systemctl restart pve-cluster`",
    after: ["proxmox"],
    machines: always,
    ask: async ({ host }) => ({ isMounted: (await host.readFiles(["/etc/pve/.version"])).size > 0 }),
    judge: judgeClusterFiles,
  }),
  prerequisite({
    id: "quorum",
    parts: [],
    where: "the hypervisor",
    must: "a cluster has quorum, so that /etc/pve can be written",
    asked: "`pvecm status`",
    remedy: "start the missing nodes, or `pvecm expected VOTES` where they are gone for good",
    after: ["proxmox", "cluster-files"],
    machines: always,
    ask: ({ host }) => asked(host, "pvecm", "status"),
    judge: judgeQuorum,
  }),
  prerequisite({
    id: "firewall-program",
    parts: ["firewall"],
    where: "the hypervisor, each node of a cluster",
    must: "pve-firewall filters, and not proxmox-firewall",
    asked: "`/etc/pve/local/host.fw`",
    remedy: "`pvesh set /nodes/localhost/firewall/options --nftables 0`",
    after: ["proxmox", "cluster-files"],
    machines: nodesWith((site) => (site.firewall?.enabled === true ? nodesOf(site) : [])),
    ask: async ({ host }) => (await host.readFiles([hostFile])).get(hostFile)?.text ?? "",
    judge: judgeFirewallProgram,
  }),
  prerequisite({
    id: "dnsmasq",
    parts: ["dns"],
    where: "the hypervisor, each node with a name server",
    must: "dnsmasq, where it is installed, is 2.86 or newer",
    asked: "`dnsmasq --version`",
    remedy: "`apt-get install dnsmasq`",
    machines: needsDns,
    ask: ({ host }) => asked(host, "dnsmasq", "--version"),
    judge: judgeDnsmasqVersion,
  }),
  prerequisite({
    id: "dnsmasq-configuration",
    parts: ["dns"],
    where: "the hypervisor, each node with a name server",
    must: "dnsmasq accepts the files that are there already",
    asked: `\`${quotedWords(dnsmasqTest())}\``,
    remedy: "comment the line out: `sed -i 'LINEs/^/# /' FILE`",
    after: ["dnsmasq"],
    machines: needsDns,
    ask: ({ host }) => asked(host, ...dnsmasqTest()),
    judge: judgeDnsmasqConfiguration,
  }),
  prerequisite({
    id: "dnsmasq-unit",
    parts: ["dns"],
    where: "the hypervisor, each node with a name server",
    must: "dnsmasq can be started",
    asked: "`systemctl show dnsmasq`",
    remedy: "`systemctl unmask dnsmasq`",
    machines: needsDns,
    ask: ({ host }) => asked(host, "systemctl", "show", "dnsmasq.service", "--property=LoadState"),
    judge: judgeDnsmasqUnit,
  }),
];

/** Debian's unit reads these. */
function dnsmasqTest(): readonly string[] {
  return ["dnsmasq", "--test", "--conf-dir=/etc/dnsmasq.d,.dpkg-dist,.dpkg-old,.dpkg-new"];
}

function quotedWords(argv: readonly string[]): string {
  return argv.map(quoted).join(" ");
}

const hostFile = "/etc/pve/local/host.fw";
