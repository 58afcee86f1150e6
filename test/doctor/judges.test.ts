/** Each prerequisite's judgement of what real programs answer, in the versions that people have. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { judgeCompose, judgeEngine, judgeRegistries, systemOf } from "../../src/doctor/docker.ts";
import { fixLine } from "../../src/doctor/fix.ts";
import { judgeForeign } from "../../src/doctor/foreign.ts";
import {
  judgeAddress,
  judgeAgent,
  judgeAnswer,
  judgeExistence,
  judgeInterfaces,
  judgeMounts,
  judgeName,
  judgeState,
} from "../../src/doctor/guests.ts";
import {
  judgeClusterFiles,
  judgeDnsmasqConfiguration,
  judgeDnsmasqUnit,
  judgeDnsmasqVersion,
  judgeFirewallProgram,
  judgeNode,
  judgeProxmox,
  judgeQuorum,
} from "../../src/doctor/hypervisor.ts";
import { guestsIn } from "../../src/doctor/hypervisor-facts.ts";
import { judgeClock, judgeNameServers, nameServers } from "../../src/doctor/network.ts";
import { judgeSsh, judgeVersions, judgeVotes } from "../../src/doctor/nodes.ts";
import { judgeHolders } from "../../src/doctor/ports.ts";
import type { Finding } from "../../src/doctor/prerequisite.ts";
import { judgeRenewal } from "../../src/doctor/renewal.ts";
import { judgeStatic, judgeUnit } from "../../src/doctor/services.ts";
import { composed } from "../../src/doctor/settings.ts";
import { judgeExports, judgeRoom, judgeShares, parseExports } from "../../src/doctor/storage.ts";
import { NotReadyError, TransportError } from "../../src/errors.ts";
import { parseListeners } from "../../src/formats/listeners/index.ts";
import type { Guest, Site } from "../../src/model.ts";
import * as recorded from "./answers.ts";

const { answer, notFound } = recorded;
const from = { file: "etc/phoenix_lxc_configs.json", line: 12, column: 5 };
const container: Guest = {
  ...{ host: "lxc/210", kind: "lxc", id: 210, name: "gateway", address: "192.168.40.10", template: false },
  ...{ mounts: [{ hostPath: "/mnt/pve/tank/210/ssl", guestPath: "/etc/nginx/ssl" }], shares: [], from },
};
const share = {
  ...{ name: "persistent-storage", server: "192.168.40.2", path: "/tank/vm-persistent-data/310" },
  ...{ mountPoint: "/persistent-storage", from },
};
const machine: Guest = {
  ...{ host: "vm/310", kind: "vm", id: 310, name: "portainer", address: "192.168.40.30", template: false },
  ...{ mounts: [], shares: [share], from },
};
const hypervisor = { address: "192.168.40.2", prefix: 24, mountBase: "/mnt/pve" };
const site = { hypervisor, guests: [container, machine] } as unknown as Site;

/** What is said, and the command that puts it right. */
function said(findings: readonly Finding[]): readonly string[] {
  return findings.map(({ message, fix, isWarning }) => {
    const command =
      fix === undefined ? "" : ` | ${fix.on ?? ""}$ ${fix.argv.join(" ")}${fix.isSafe ? " (safe)" : ""}`;
    return `${isWarning === true ? "warning: " : ""}${message}${command}`;
  });
}

describe("the hypervisor", () => {
  test.each([
    ["pve-manager/9.0.3/025864202ebb6109 (running kernel: 6.14.8-2-pve)", []],
    ["pve-manager/8.4.14/b502d23c55afcba1 (running kernel: 6.8.12-15-pve)", []],
    [
      "pve-manager/7.4-20/b1b4c2fb (running kernel: 5.15.158-2-pve)",
      ["Proxmox VE is 7.4, and Phoenix needs 8 or newer | $ pve7to8 --full"],
    ],
    [
      "pve-manager/10.0.1/0 (running kernel: 7.0)",
      ["warning: Proxmox VE is 10.0.1, which is newer than Phoenix is tested with"],
    ],
  ])("%s", (text, expected) => {
    expect(said(judgeProxmox(answer(`${text}\n`)))).toEqual(expected);
  });

  test("a machine without Proxmox", () => {
    expect(said(judgeProxmox(notFound))).toEqual([
      "this is not a Proxmox VE host: pveversion is not installed",
    ]);
  });

  test.each([
    ["22.11.0", 0],
    ["20.19.0", 0],
    ["18.19.1", 1],
  ])("Node.js %s", (version, faults) => {
    expect(judgeNode(version)).toHaveLength(faults);
  });

  test("quorum", () => {
    expect(judgeQuorum(recorded.noCluster)).toEqual([]);
    expect(judgeQuorum(notFound)).toEqual([]);
    expect(
      judgeQuorum(
        answer(recorded.lostQuorum.stdout.replace("Quorate:          No", "Quorate:          Yes")),
      ),
    ).toEqual([]);
    expect(said(judgeQuorum(recorded.lostQuorum))).toEqual([
      "the cluster has no quorum (1 of 3 votes): /etc/pve is read-only | $ pvecm expected 1",
    ]);
    expect(said(judgeQuorum(answer("", 1, "Cannot initialize CMAP service\n")))).toHaveLength(1);
  });

  test.each([
    [
      "2",
      "Quorate",
      ["warning: the cluster has 2 votes and no QDevice: where one node stops, the other has no quorum"],
    ],
    ["4", "Quorate", ["warning: the cluster has 4 votes and no QDevice: half of the nodes have no quorum"]],
    ["3", "Quorate", []],
    ["2", "2Node Quorate WaitForAll", []],
    ["4", "Quorate Qdevice", []],
  ])("%s votes, %s", (votes, flags, expected) => {
    const status = answer(
      `Expected votes:   ${votes}\nHighest expected: ${votes}\nFlags:            ${flags}\n`,
    );
    expect(said(judgeVotes(status))).toEqual(expected);
  });

  test("no votes without a cluster", () => {
    expect(judgeVotes(recorded.noCluster)).toEqual([]);
  });

  test("another node's packages", () => {
    const subject = { site: { ...site, cluster: { own: "pve1" } } as unknown as Site };
    const packages = (firewall: string): string => `pve-firewall\t${firewall}\npve-manager\t9.0.3\n`;
    const judged = (own: string, theirs: string) => said(judgeVersions({ own, theirs }, subject));
    expect(judged(packages("6.0.3"), packages("6.0.3"))).toEqual([]);
    expect(judged(packages("6.0.3"), "")).toEqual([]);
    expect(judged(packages("6.0.3"), packages("6.0.4"))).toEqual([
      "warning: pve-firewall is 6.0.4 and 6.0.3 on pve1: the same rules may mean something else",
    ]);
  });

  test("ssh to another node", () => {
    const failed = (message: string, hint?: string) =>
      said(judgeSsh(new TransportError("node pve2", message, hint === undefined ? {} : { hint })));
    expect(judgeSsh(undefined)).toEqual([]);
    expect(
      failed("root@10.0.0.3: Permission denied (publickey,password).", "`pvecm updatecerts` on both nodes"),
    ).toEqual(["root@10.0.0.3: Permission denied (publickey,password). | entry$ pvecm updatecerts"]);
    expect(failed("connect to host 10.0.0.3 port 22: Connection refused")).toEqual([
      "connect to host 10.0.0.3 port 22: Connection refused",
    ]);
  });

  test("/etc/pve", () => {
    expect(judgeClusterFiles({ isMounted: true })).toEqual([]);
    expect(said(judgeClusterFiles({ isMounted: false }))).toEqual([
      "/etc/pve is not mounted: what is written there would be lost | $ systemctl restart pve-cluster",
    ]);
  });

  test("which firewall filters", () => {
    expect(judgeFirewallProgram("[OPTIONS]\n\nenable: 1\n")).toEqual([]);
    expect(judgeFirewallProgram("[OPTIONS]\n\nnftables: 1\n")).toHaveLength(1);
  });

  test("dnsmasq", () => {
    expect(judgeDnsmasqVersion(recorded.dnsmasq291)).toEqual([]);
    expect(judgeDnsmasqVersion(notFound)).toEqual([]);
    const old = answer("Dnsmasq version 2.85  Copyright (c) 2000-2021 Simon Kelley\n");
    expect(said(judgeDnsmasqVersion(old))).toEqual([
      "dnsmasq is 2.85, and Phoenix needs 2.86 or newer | $ sh -c apt-get update && apt-get install -y dnsmasq",
    ]);
    expect(judgeDnsmasqConfiguration(answer("", 0, "dnsmasq: syntax check OK.\n"))).toEqual([]);
    const bad = answer("", 1, "\ndnsmasq: bad option at line 3 of /etc/dnsmasq.d/lan.conf\n");
    expect(said(judgeDnsmasqConfiguration(bad))).toEqual([
      "dnsmasq refuses its present configuration: bad option at line 3 of /etc/dnsmasq.d/lan.conf | $ sed -i 3s/^/# / /etc/dnsmasq.d/lan.conf",
    ]);
    expect(judgeDnsmasqUnit(answer("LoadState=loaded\n"))).toEqual([]);
    expect(judgeDnsmasqUnit(answer("LoadState=masked\n"))).toHaveLength(1);
  });
});

describe("a guest, as the hypervisor has it", () => {
  test("the list of the cluster's guests", () => {
    const text =
      '[{"cpu":0.01,"disk":0,"id":"qemu/310","maxcpu":2,"name":"portainer","node":"pve2","status":"running","template":0,"type":"qemu","vmid":310},' +
      '{"id":"lxc/210","name":"gateway","node":"pve","status":"stopped","tags":"web","template":0,"type":"lxc","vmid":210}]';
    expect([...guestsIn(text)]).toEqual([
      [310, { kind: "vm", node: "pve2", status: "running", isTemplate: false }],
      [210, { kind: "lxc", node: "pve", status: "stopped", isTemplate: false }],
    ]);
  });

  test("existence, kind, state", () => {
    const own = { kind: "lxc", node: "pve", isElsewhere: false, isTemplate: false, config: "" } as const;
    const facts = { ...own, status: "running" } as const;
    expect(judgeExistence(facts, container)).toEqual([]);
    expect(said(judgeExistence(undefined, container))).toEqual([
      "there is no container 210 on the hypervisor",
    ]);
    expect(said(judgeExistence({ ...facts, kind: "vm" }, container))).toEqual([
      "210 is a virtual machine on the hypervisor, and a container in the site",
    ]);
    expect(judgeExistence({ ...facts, isTemplate: true }, container)).toHaveLength(1);
    expect(judgeState(facts, container)).toEqual([]);
    expect(said(judgeState({ status: "stopped" }, container))).toEqual([
      "it is stopped | node$ pct start 210",
    ]);
    expect(said(judgeState({ status: "paused" }, machine))).toEqual(["it is paused | node$ qm resume 310"]);
  });

  test("name and address", () => {
    expect(judgeName("hostname: Gateway.oak.home.arpa\n", container)).toEqual([]);
    expect(said(judgeName("arch: amd64\nhostname: pictures\n", container))).toEqual([
      'it is "pictures" on the hypervisor and "gateway" in the site (etc/phoenix_lxc_configs.json:12) | node$ pct set 210 --hostname gateway',
    ]);
    const net = (ip: string): string =>
      `net0: name=eth0,bridge=vmbr0,firewall=1,hwaddr=BC:24:11:00:00:D2,ip=${ip},type=veth\n`;
    expect(judgeAddress(net("192.168.40.10/24"), container, hypervisor)).toEqual([]);
    expect(judgeAddress(net("manual"), container, hypervisor)).toEqual([]);
    expect(said(judgeAddress(net("dhcp"), container, hypervisor))).toEqual([
      "its address is dhcp on the hypervisor and 192.168.40.10 in the site | node$ pct set 210 --net0 name=eth0,bridge=vmbr0,firewall=1,hwaddr=BC:24:11:00:00:D2,ip=192.168.40.10/24,type=veth",
    ]);
    // A virtual machine without cloud-init has its address inside.
    expect(judgeAddress("net0: virtio=BC:24:11:00:01:36,bridge=vmbr0\n", machine, hypervisor)).toEqual([]);
    expect(
      judgeAddress("ipconfig0: ip=192.168.40.99/24,gw=192.168.40.1\n", machine, hypervisor),
    ).toHaveLength(1);
  });

  test("firewall=1", () => {
    expect(judgeInterfaces("net0: virtio=BC:24:11:00:01:36,bridge=vmbr0,firewall=1\n", machine)).toEqual([]);
    expect(
      said(judgeInterfaces("net0: virtio=BC:24:11:00:01:36,bridge=vmbr0,firewall=0\n", machine)),
    ).toEqual([
      "net0 has no firewall=1: the guest's rules are not in force | node$ qm set 310 --net0 virtio=BC:24:11:00:01:36,bridge=vmbr0,firewall=1",
    ]);
  });

  test.each([
    [container, "net0: name=eth0,bridge=vmbr0,ip=192.168.40.99/24\nnet1: name=eth1,bridge=vmbr1\n"],
    [machine, "net0: virtio=BC:24:11:00:01:36,bridge=vmbr0\nipconfig0: ip=192.168.40.99/24\n"],
  ])("$host: commands that set one value do not undo each other, in any order", (guest, config) => {
    const judge = (text: string) =>
      composed([...judgeAddress(text, guest, hypervisor), ...judgeInterfaces(text, guest)], guest);
    const run = (text: string, { fix }: Finding): string => {
      const values = new Map<string, string>();
      const words = fix?.argv.slice(3) ?? [];
      for (let at = 0; at < words.length; at += 2) values.set(words[at]?.slice(2) ?? "", words[at + 1] ?? "");
      return text.replace(/^(\w+): .*$/gm, (line, key) =>
        values.has(key) ? `${key}: ${values.get(key)}` : line,
      );
    };
    const found = judge(config);
    expect(found).toHaveLength(2);
    for (const order of [found, found.toReversed()]) expect(judge(order.reduce(run, config))).toEqual([]);
  });

  test("mount points, by either name of a dataset", () => {
    const mounted = "mp0: /tank/210/ssl,mp=/etc/nginx/ssl,backup=0\n";
    expect(judgeMounts(mounted, container, hypervisor as Site["hypervisor"])).toEqual([]);
    const other = "mp0: local-zfs:subvol-210-disk-1,mp=/var/log,size=8G\n";
    expect(said(judgeMounts(other, container, hypervisor as Site["hypervisor"]))).toEqual([
      "nothing of the hypervisor is mounted on /etc/nginx/ssl as the site declares | node$ sh -c pct set 210 --mp1 /mnt/pve/tank/210/ssl,mp=/etc/nginx/ssl && pct reboot 210",
    ]);
  });

  test("the guest agent", () => {
    for (const on of ["agent: 1\n", "agent: enabled=1,fstrim_cloned_disks=1\n"])
      expect(judgeAgent(on, machine)).toEqual([]);
    for (const off of ["", "agent: 0\n", "agent: enabled=0\n"])
      expect(said(judgeAgent(off, machine))).toEqual([
        "the QEMU guest agent is not enabled in its options, so nothing can be asked in it | node$ sh -c qm set 310 --agent enabled=1 && qm reboot 310",
      ]);
    const silent = new TransportError("vm/310", "vm/310 runs, but its guest agent does not answer");
    const subject = { site, machine: "vm/310", guest: machine } as const;
    expect(said(judgeAnswer(silent, subject))).toEqual([
      "it runs, but no QEMU guest agent answers in it | node$ ssh root@192.168.40.30 apt-get install -y qemu-guest-agent",
    ]);
    expect(judgeAnswer(undefined, subject)).toEqual([]);
    expect(said(judgeAnswer(new NotReadyError("vm/310 has its file systems frozen"), subject))).toEqual([
      "it does not answer: has its file systems frozen",
    ]);
  });
});

describe("names, clocks", () => {
  const subject = { site, machine: "lxc/210", guest: container } as const;

  test.each([
    ["search oak.home.arpa\nnameserver 192.168.40.2\n", undefined, []],
    ["nameserver 127.0.0.53\noptions edns0 trust-ad\n", "nameserver 192.168.40.2\n", []],
    ["nameserver 127.0.0.1\n", undefined, []],
    [
      "nameserver 1.1.1.1\nnameserver 1.0.0.1\n",
      undefined,
      [
        "warning: its name server is 1.1.1.1, 1.0.0.1, which does not know the site's names unless it asks 192.168.40.2 | node$ sh -c pct set 210 --nameserver 192.168.40.2 && pct reboot 210",
      ],
    ],
    [
      "# empty\n",
      undefined,
      [
        "it has no name server: it resolves no name at all | node$ sh -c pct set 210 --nameserver 192.168.40.2 && pct reboot 210",
      ],
    ],
  ])("%j", (resolver, resolved, expected) => {
    expect(said(judgeNameServers({ resolver, resolved }, subject))).toEqual(expected);
  });

  test("the servers behind the stub of systemd-resolved", () => {
    expect(nameServers({ resolver: "nameserver 127.0.0.53\n", resolved: "nameserver 9.9.9.9\n" })).toEqual([
      "9.9.9.9",
    ]);
  });

  const clock = (offMs: number, service: string) =>
    said(
      judgeClock(
        { shownMs: 1_000_000 + offMs, fromMs: 999_000, untilMs: 1_002_000, service },
        "the hypervisor's",
      ),
    );

  test("a clock that agrees", () => {
    expect(clock(0, recorded.timedatectl("yes", "yes", "yes"))).toEqual([]);
    expect(clock(20_000, recorded.timedatectl("no", "no", "no"))).toEqual([]);
    // A container, or a machine with a time service that systemd does not know.
    expect(clock(0, recorded.timedatectl("no", "no", "no"))).toEqual([]);
    expect(clock(Number.NaN, "")).toEqual([]);
  });

  test("a clock that is off, and the reason", () => {
    expect(clock(-120_000, recorded.timedatectl("yes", "no", "no"))).toEqual([
      "its clock is 119 s behind the hypervisor's | $ timedatectl set-ntp true (safe)",
    ]);
    expect(clock(90_000, recorded.timedatectl("yes", "yes", "no"))[0]).toMatch(
      /^its clock is 88 s ahead of the hypervisor's \| \$ sh -c chronyc/,
    );
    expect(clock(90_000, recorded.timedatectl("no", "no", "no"))[0]).toMatch(
      /apt-get install -y systemd-timesyncd/,
    );
    expect(clock(0, recorded.timedatectl("yes", "no", "no"))).toEqual([
      "warning: its clock is not kept right: time synchronization is off | $ timedatectl set-ntp true (safe)",
    ]);
  });
});

describe("directories and disks", () => {
  test("exports are read as nfs-utils prints them", () => {
    expect(parseExports(recorded.exportsOfZfs).map(({ path, client }) => `${path} ${client}`)).toEqual([
      "/tank/vm-persistent-data 192.168.40.30",
      "/tank/vm-persistent-data 192.168.40.31",
      "/tank/media 192.168.40.0/24",
      "/srv *",
    ]);
  });

  const exported = (path: string, address: string, declared = "") => {
    const guest = { ...machine, address, shares: [{ ...share, path }] };
    const live = answer(recorded.exportsOfZfs);
    return said(judgeExports({ live, declared }, { site: { ...site, guests: [guest] } as unknown as Site }));
  };

  test("exported by address, by network, to everybody", () => {
    expect(exported("/tank/vm-persistent-data/310", "192.168.40.30")).toEqual([]);
    expect(exported("/mnt/pve/tank/media/x", "192.168.40.77")).toEqual([]);
    expect(exported("/srv/x", "10.9.9.9")).toEqual([]);
  });

  test("not exported, read-only, not read since it was written", () => {
    expect(exported("/tank/vm-persistent-data/310", "192.168.40.32")).toEqual([
      "/tank/vm-persistent-data/310 is not exported to 192.168.40.32 (portainer) | $ sh -c printf '%s\\n' '/tank/vm-persistent-data/310 192.168.40.32(rw,sync,no_subtree_check,no_root_squash)' >>/etc/exports && exportfs -ra",
    ]);
    expect(exported("/tank/vm-persistent-data/310", "192.168.40.31")[0]).toMatch(
      /^\S+ is exported read-only to 192\.168\.40\.31 /,
    );
    const written = "/tank/vm-persistent-data 192.168.40.32(rw)\n";
    expect(exported("/tank/vm-persistent-data/310", "192.168.40.32", written)).toEqual([
      "/tank/vm-persistent-data/310 is not exported to 192.168.40.32 (portainer), although /etc/exports says so | $ exportfs -ra (safe)",
    ]);
  });

  test("no NFS server at all", () => {
    expect(said(judgeExports({ live: notFound, declared: "" }, { site }))[0]).toMatch(
      /no NFS server is installed.*nfs-kernel-server/,
    );
  });

  test("mounts of a virtual machine", () => {
    const root = "/ /dev/sda1 ext4\n/sys sysfs sysfs\n";
    const nfs = `${root}/persistent-storage 192.168.40.2:/tank/vm-persistent-data/310 nfs4\n`;
    expect(judgeShares({ mounts: nfs, fstab: "" }, machine)).toEqual([]);
    expect(
      judgeShares({ mounts: `${root}/persistent-storage share virtiofs\n`, fstab: "" }, machine),
    ).toEqual([]);
    expect(said(judgeShares({ mounts: nfs.replace("/310", "/311"), fstab: "" }, machine))[0]).toMatch(
      /^\/persistent-storage is \S+\/311, and /,
    );
    const entry = "192.168.40.2:/tank/vm-persistent-data/310 /persistent-storage nfs defaults 0 0\n";
    expect(said(judgeShares({ mounts: root, fstab: entry }, machine))).toEqual([
      "192.168.40.2:/tank/vm-persistent-data/310 is not mounted on /persistent-storage, although /etc/fstab says so | $ mount /persistent-storage (safe)",
    ]);
    expect(said(judgeShares({ mounts: root, fstab: `# ${entry}` }, machine))[0]).toMatch(
      />>\/etc\/fstab && mount \/persistent-storage$/,
    );
  });

  test("room on disks", () => {
    expect(said(judgeRoom(recorded.dfOfGateway))).toEqual([
      "/ has 184 MiB left, and 256 MiB are needed | $ sh -c apt-get clean && journalctl --vacuum-size=100M",
    ]);
    const docker = "/dev/sdb1 103080888 102500000 580888 100% /var/lib/docker\n";
    expect(said(judgeRoom(docker))[0]).toMatch(
      /^\/var\/lib\/docker has 567 MiB left, and 1024 MiB are needed/,
    );
    expect(judgeRoom("overlay 270553174016 23763730432 74029563904 25% /\n")).toEqual([]);
  });
});

describe("units and ports", () => {
  test.each([
    ["loaded", "active", "enabled", []],
    ["loaded", "active", "static", []],
    [
      "loaded",
      "active",
      "disabled",
      ["warning: nginx runs, and does not start at boot | $ systemctl enable nginx (safe)"],
    ],
    ["loaded", "inactive", "enabled", ["nginx does not run | $ systemctl enable --now nginx (safe)"]],
    ["loaded", "failed", "enabled", ["nginx has failed to start | $ systemctl enable --now nginx (safe)"]],
    [
      "masked",
      "inactive",
      "masked",
      [
        "nginx is masked: it cannot be started | $ sh -c systemctl unmask nginx && systemctl enable --now nginx",
      ],
    ],
    ["not-found", "inactive", "", []],
  ])("%s %s %s", (load, active, file, expected) => {
    expect(said(judgeUnit(recorded.unitShow(load, active, file), "nginx"))).toEqual(expected);
  });

  test("a program on two ports is one finding", () => {
    const [listener] = parseListeners(recorded.apacheListens);
    if (listener === undefined) throw new Error("unreachable");
    const held = [
      { ...listener, unit: "apache2.service" },
      { ...listener, port: 443, unit: "apache2.service" },
    ];
    expect(said(judgeHolders(held, "Nginx"))).toEqual([
      "port 80 and 443 is held by apache2 (process 412, unit apache2.service), and Nginx needs it | $ systemctl disable --now apache2.service",
    ]);
    expect(said(judgeHolders([listener], "Nginx"))[0]).toMatch(/\| \$ kill 412$/);
  });

  test("what components find foreign", () => {
    const program = {
      message: 'program "AdGuardHome" (process 812) listens on 0.0.0.0:53, where dnsmasq must answer',
      foreign: { host: "pve", name: "program AdGuardHome", process: "812" },
    } as const;
    const line = {
      message: "/etc/dnsmasq.d/lan.conf:3: x",
      consent: "adopt",
      foreign: { host: "pve", name: "x" },
    } as const;
    expect(said(judgeForeign([program, line], "dns", new Map([["812", "AdGuardHome.service"]])))).toEqual([
      'program "AdGuardHome" (process 812) listens on 0.0.0.0:53, where dnsmasq must answer | $ systemctl disable --now AdGuardHome.service',
      "/etc/dnsmasq.d/lan.conf:3: x | here$ phoenix sync dns --allow adopt",
    ]);
  });
});

test("commands are for the hypervisor's shell, and say on which node they run", () => {
  const start = { fix: { on: "node", argv: ["pct", "start", "210"] }, machine: "lxc/210" } as const;
  expect(fixLine(start, "")).toBe("pct start 210");
  expect(fixLine({ ...start, node: "pve2" }, "")).toBe("ssh root@pve2 'pct start 210'");
  const enter = { fix: { argv: ["systemctl", "start", "nginx"] }, machine: "lxc/210" } as const;
  expect(fixLine({ ...enter, node: "pve2" }, "")).toBe(
    "ssh root@pve2 'pct exec 210 -- systemctl start nginx'",
  );
  const sync = { fix: { on: "here", argv: ["phoenix", "sync", "dns"] }, machine: "lxc/210" } as const;
  expect(fixLine({ ...sync, node: "pve2" }, " --host pve")).toBe("phoenix sync dns --host pve");
});

describe("Traefik's own configuration", () => {
  const good = `entryPoints:
  web:
    address: ":80"
    forwardedHeaders:
      trustedIPs:
        - 192.168.40.10/32
  traefik:
    address: ":8080"
providers:
  file:
    directory: /etc/traefik/dynamic
    watch: true
api:
  insecure: true
`;
  const faults = (text: string) => said(judgeStatic(text, ["192.168.40.10"]));
  /** The file after the command of a finding. */
  const fixed = (text: string, finding: Finding | undefined): string => {
    const directory = mkdtempSync(join(tmpdir(), "phoenix-traefik-"));
    const file = join(directory, "traefik.yml");
    writeFileSync(file, text);
    const command = finding?.fix?.argv[2]?.replaceAll("/etc/traefik/traefik.yml", file) ?? "";
    execFileSync("sh", ["-c", command.replace(" && systemctl restart traefik", "")]);
    const after = readFileSync(file, "utf8");
    rmSync(directory, { recursive: true });
    return after;
  };
  const edit = (expression: string): string =>
    `$ sh -c sed -i '${expression}' /etc/traefik/traefik.yml && systemctl restart traefik`;

  test("all that is needed", () => {
    expect(faults(good)).toEqual([]);
    expect(judgeStatic(undefined, [])).toHaveLength(1);
  });

  test.each([
    [
      good.replace("/etc/traefik/dynamic", "/etc/traefik/conf.d"),
      edit("11c\\    directory: /etc/traefik/dynamic"),
    ],
    [good.replace("  insecure: true", "  dashboard: true"), edit("14a\\  insecure: true")],
    [good.replace('":80"', '":8000"'), edit("3c\\    address: :80")],
    [
      good.replace("        - 192.168.40.10/32", "        - 10.0.0.1"),
      edit("6a\\        - 192.168.40.10/32"),
    ],
  ])("%#: one line is edited, the others stay", (text, command) => {
    expect(faults(text)).toHaveLength(1);
    expect(faults(text)[0]).toContain(command);
  });

  test.each([
    [good, "192.168.40.10 alone"],
    [good.replace("        - 192.168.40.10/32", "        - 10.0.0.1"), "neither"],
    [
      good.replace("      trustedIPs:\n        - 192.168.40.10/32\n", "      trustedIPs: []\n"),
      "an empty list",
    ],
  ])("the second gateway of a pair is trusted as well: %#", (text) => {
    const pair = ["192.168.40.10", "192.168.40.11"];
    const [fault, ...others] = judgeStatic(text, pair);
    expect([fault?.isWarning, others]).toEqual([true, []]);
    expect(fault?.message).toContain("192.168.40.11");
    expect(judgeStatic(fixed(text, fault), pair)).toEqual([]);
  });

  test("several faults have one command, whose edits count lines as the ones before leave them", () => {
    const text = good
      .replace('web:\n    address: ":80"\n', "web:\n")
      .replace("/etc/traefik/dynamic", "/etc/traefik/conf.d")
      .replace("  insecure: true", "  dashboard: true");
    const found = judgeStatic(text, ["192.168.40.10"]);
    expect(found).toHaveLength(3);
    expect(new Set(found.map(({ fix }) => fix?.argv.join(" "))).size).toBe(1);
    expect(judgeStatic(fixed(text, found[0]), ["192.168.40.10"])).toEqual([]);
  });

  test("a file in a style of its own is not edited by a command", () => {
    const text = good.replace("watch: true", "watch:    true").replace("/dynamic", "/d");
    expect(faults(text)).toHaveLength(1);
    expect(faults(text)[0]).not.toContain("sed");
  });
});

describe("certificates that end before a timer renews them", () => {
  const shown = (time: string, state = "active") =>
    `ActiveState=${state}\nTimersCalendar={ OnCalendar=${time} ; next_elapse=Sun 2026-11-29 03:30:00 UTC }\n`;
  const nightly = shown("*-*-* 03:30:00");
  const configuration = (claims: object, own = {}) =>
    JSON.stringify({ authority: { claims, provisioners: [{ type: "JWK", name: "admin", claims: own }] } });
  const judge = (sync: string, text: string | undefined, certs = "ActiveState=inactive\n") =>
    said(judgeRenewal({ shown: { certs, sync }, configuration: text }, "admin"));

  test("a day is too short for a sync each night", () => {
    const usual = judge(nightly, configuration({}));
    expect(usual).toHaveLength(1);
    expect(usual[0]).toMatch(
      /^warning: certificates of the CA live 24h, and phoenix-sync.timer comes once a day/,
    );
    expect(
      judge(nightly, configuration({ defaultTLSCertDuration: "720h" }, { defaultTLSCertDuration: "48h" })),
    ).toHaveLength(1);
  });

  test("the timer of certificates comes every hour: it is the remedy, and where it is on all is well", () => {
    expect(judge(nightly, configuration({}))[0]).toMatch(/\$ systemctl enable --now phoenix-certs.timer$/);
    expect(judge(nightly, configuration({}), shown("*-*-* *:00:00"))).toEqual([]);
    expect(judge(shown("*-*-* 03:30:00", "inactive"), configuration({}), shown("*-*-* *:00:00"))).toEqual([]);
    const [slowed] = judge(nightly, configuration({}), nightly);
    expect(slowed).toMatch(/and phoenix-certs.timer comes once a day/);
    expect(slowed).toContain("OnCalendar=\\nOnCalendar=hourly");
  });

  test("long lives, other timers, and what nobody knows", () => {
    expect(judge(nightly, configuration({ defaultTLSCertDuration: "72h" }))).toEqual([]);
    expect(judge(nightly, configuration({}, { defaultTLSCertDuration: "2160h0m0s" }))).toEqual([]);
    expect(judge(shown("hourly"), configuration({}))).toEqual([]);
    expect(judge(shown("*-*-* *:00:00"), configuration({}))).toEqual([]);
    expect(judge(shown("*-*-* 03:30:00", "inactive"), configuration({}))).toEqual([]);
    expect(judge(nightly, undefined)).toEqual([]);
    expect(judge(nightly, "not JSON")).toEqual([]);
    expect(judge("", configuration({}))).toEqual([]);
  });
});

describe("Docker", () => {
  test.each([
    ["26.1.5+dfsg1", []],
    ["28.3.2", []],
    ["19.03.15", ["Docker is 19.03.15, and Phoenix needs 20.10 or newer"]],
  ])("engine %s", (version, expected) => {
    expect(
      said(judgeEngine(answer(`${version}\n`))).map((text) => text.replace("19.3.15", "19.03.15")),
    ).toEqual(expected);
  });

  test("no Docker, and a daemon that does not run", () => {
    expect(said(judgeEngine(notFound))[0]).toMatch(/^Docker is not installed/);
    const down =
      "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n";
    expect(judgeEngine(answer("", 1, down))).toEqual([]);
  });

  const missing = answer("", 1, "docker: 'compose' is not a docker command.\nSee 'docker --help'\n");
  test.each([
    ["docker-ce\t5:28.3.2-1~debian.12~bookworm\n", "debian 12", "apt-get install -y docker-compose-plugin"],
    ["docker.io\t26.1.5+dfsg1-9+b9\ndocker-ce\t\n", "debian 13", "apt-get install -y docker-compose"],
    ["docker.io\t24.0.7-0ubuntu4.1\n", "ubuntu 24.04", "apt-get install -y docker-compose-v2"],
    ["docker.io\t20.10.24+dfsg1-1+deb12u1+b2\n", "debian 12", "needs no command"],
  ])("Compose beside %j on %s", (packages, system, command) => {
    const [finding] = said(judgeCompose({ version: missing, packages, system }, true));
    if (command === "needs no command")
      expect(finding).toBe("Docker has no Compose plugin (`docker compose`)");
    else expect(finding).toMatch(new RegExp(`${command}$`));
  });

  test("Compose that is there, and on a machine that only has an agent", () => {
    expect(judgeCompose({ version: answer("2.26.1-4\n"), packages: "", system: "debian 13" }, true)).toEqual(
      [],
    );
    expect(said(judgeCompose({ version: missing, packages: "", system: "debian 13" }, false))[0]).toMatch(
      /^warning: /,
    );
    expect(systemOf('PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nVERSION_ID="13"\nID=debian\n')).toBe(
      "debian 13",
    );
  });

  test("registries: no names is one cause", () => {
    const of = (registry: string, exitCode: number, stderr: string) => ({
      registry,
      missing: ["nginx:1.27"],
      curl: answer("000", exitCode, stderr),
    });
    expect(judgeRegistries([of("ghcr.io", 0, "")])).toEqual([]);
    expect(judgeRegistries([of("ghcr.io", 127, "")])).toEqual([]);
    const unresolved = [
      of("ghcr.io", 6, "curl: (6) Could not resolve host: ghcr.io\n"),
      of("registry-1.docker.io", 6, "curl: (6) Could not resolve host: registry-1.docker.io\n"),
    ];
    expect(said(judgeRegistries(unresolved))).toEqual([
      "names of image registries cannot be resolved: ghcr.io, registry-1.docker.io",
    ]);
    expect(
      said(
        judgeRegistries([of("ghcr.io", 28, "curl: (28) Connection timed out after 10001 milliseconds\n")]),
      ),
    ).toEqual([
      "registry ghcr.io cannot be reached for nginx:1.27: Connection timed out after 10001 milliseconds",
    ]);
  });
});
