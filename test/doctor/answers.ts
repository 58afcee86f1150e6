/** Answers of real programs, recorded or as their sources print them. */
import type { CommandResult } from "../../src/hosts/host.ts";
import { lostQuorumText } from "../../testbed/proxmox/cluster.ts";

export function answer(stdout: string, exitCode = 0, stderr = ""): CommandResult {
  return { exitCode, stdout, stderr };
}

export const notFound = answer("", 127, "sh: 1: x: not found\n");

/** pvecm status of pve-cluster 9.0 on a node that has lost the two others. */
export const lostQuorum = answer(lostQuorumText);

export const noCluster = answer(
  "",
  2,
  "Error: Corosync config '/etc/pve/corosync.conf' does not exist - is this node part of a cluster?\n",
);

export const dnsmasq291 = answer(`Dnsmasq version 2.91  Copyright (c) 2000-2025 Simon Kelley
Compile time options: IPv6 GNU-getopt DBus no-UBus i18n IDN2 DHCP DHCPv6 no-Lua TFTP conntrack ipset nftset auth DNSSEC loop-detect inotify dumpfile
`);

export const unitShow = (load: string, active: string, file: string): string =>
  `LoadState=${load}\nActiveState=${active}\nUnitFileState=${file}\n`;

/** ss of iproute2 6.15 on a gateway with Apache, and of Debian 12 with systemd-resolved. */
export const apacheListens = `tcp LISTEN 0      511          *:80         *:*    users:(("apache2",pid=412,fd=4),("apache2",pid=411,fd=4))
tcp LISTEN 0      128    0.0.0.0:22   0.0.0.0:* users:(("sshd",pid=93,fd=6))
tcp LISTEN 0      511    0.0.0.0:443  0.0.0.0:* users:(("nginx",pid=99,fd=5))
`;

/** exportfs -v of nfs-utils 2.6.2: /etc/exports beside what ZFS exports by sharenfs. */
export const exportsOfZfs = `/tank/vm-persistent-data
\t\t192.168.40.30(sync,wdelay,hide,no_subtree_check,sec=sys,rw,secure,no_root_squash,no_all_squash)
/tank/vm-persistent-data
\t\t192.168.40.31(sync,wdelay,hide,no_subtree_check,sec=sys,ro,secure,root_squash,no_all_squash)
/tank/media   \t192.168.40.0/24(sync,wdelay,hide,crossmnt,no_subtree_check,mountpoint,sec=sys,rw,secure,no_root_squash,no_all_squash)
/srv          \t<world>(sync,wdelay,hide,no_subtree_check,sec=sys,rw,secure,root_squash,no_all_squash)
`;

export const dfOfGateway = `Filesystem                       1024-blocks    Used Available Capacity Mounted on
rpool/data/subvol-210-disk-0         8388608 8200000    188608      98% /
rpool/data/subvol-210-disk-0         8388608 8200000    188608      98% /
`;

export const timedatectl = (can: string, ntp: string, synchronized: string): string =>
  `Timezone=Etc/UTC\nLocalRTC=no\nCanNTP=${can}\nNTP=${ntp}\nNTPSynchronized=${synchronized}\nTimeUSec=Sat 2026-11-28 12:58:52 UTC\n`;
