/** `phoenix doctor` on real machines before their first sync: silent, then fifteen planted faults, then put right by its own commands. */
import { describe, expect, test } from "vitest";
import { expectRun, run, write } from "./machines.ts";
import { phoenix } from "./phoenix.ts";

interface Finding {
  readonly machine: string;
  readonly prerequisite: string;
  readonly message: string;
  readonly command?: string;
  readonly safe?: true;
}

async function findings(why: string, ...args: readonly string[]): Promise<readonly Finding[]> {
  const { stdout, stderr } = await phoenix(why, "doctor", "--output", "json", ...args);
  const document: { readonly findings?: readonly Finding[] } = JSON.parse(stdout || "{}");
  if (document.findings === undefined) throw new Error(stderr);
  return document.findings;
}

const sed = (expression: string, path: string) => ["sed", "-i", expression, path];
/** Guests' configurations are replaced whole: the cluster file system knows no other way. */
const edit = (expression: string, path: string) =>
  expectRun("pve", [
    "sh",
    "-c",
    'sed "$1" "$2" >/tmp/edited && cat /tmp/edited >"$2"',
    "sh",
    expression,
    path,
  ]);

const unit = (command: string): string =>
  `[Service]\nExecStart=${command}\n[Install]\nWantedBy=multi-user.target\n`;

/** What is broken, by what it is to be found as. */
const faults: Readonly<Record<string, () => Promise<unknown>>> = {
  "pve foreign-dns": async () => {
    await expectRun("pve", ["systemctl", "stop", "dnsmasq"]);
    const server = "/usr/sbin/dnsmasq --keep-in-foreground --conf-file=/dev/null";
    await write("pve", "/etc/systemd/system/AdGuardHome.service", unit(server));
    await expectRun("pve", ["systemctl", "enable", "--now", "AdGuardHome"]);
  },
  "pve nfs-exports": async () => {
    await expectRun("pve", sed("s/192.168.40.30(/192.168.40.77(/", "/etc/exports"));
    await expectRun("pve", ["exportfs", "-ra"]);
  },
  "lxc/210 guest-mounts": () => edit("/mp=.var.log.nginx/d", "/etc/pve/lxc/210.conf"),
  "lxc/210 nginx-runs": () => expectRun("lxc-210", ["systemctl", "stop", "nginx"]),
  "lxc/211 traefik-configuration": () =>
    expectRun("lxc-211", sed("s#/etc/traefik/dynamic#/etc/traefik/conf.d#", "/etc/traefik/traefik.yml")),
  "lxc/220 guest-filtered": () => edit("s/,firewall=1//", "/etc/pve/lxc/220.conf"),
  "lxc/221 guest-name": () => edit("s/^hostname: .*/hostname: pictures/", "/etc/pve/lxc/221.conf"),
  "lxc/222 guest-runs": () => expectRun("pve", ["pct", "stop", "222"]),
  "lxc/223 guest-address": () => edit("s/192.168.40.23/192.168.40.99/", "/etc/pve/lxc/223.conf"),
  "lxc/223 nameservers": () =>
    expectRun("lxc-223", sed("s/^nameserver .*/nameserver 1.1.1.1/", "/etc/resolv.conf")),
  "vm/310 docker-runs": () => expectRun("vm-310", ["systemctl", "stop", "docker.socket", "docker.service"]),
  "vm/311 shares-mounted": () => expectRun("vm-311", ["umount", "/persistent-storage"]),
  "vm/311 foreign-portainer": async () => {
    const server = "/usr/bin/busybox httpd -f -p 9001";
    await write("vm-311", "/etc/systemd/system/cockpit.service", unit(server));
    await expectRun("vm-311", ["systemctl", "enable", "--now", "cockpit"]);
  },
  "vm/312 guest-agent": () => edit("/^agent:/d", "/etc/pve/qemu-server/312.conf"),
  // The last one: /etc/pve cannot be changed any more.
  "pve quorum": () => write("pve", "/var/lib/testbed/no-quorum", ""),
};

/** The machines must be as they were booted. What is broken is put right at the end, so that a sync can follow. */
export function doctors(): void {
  describe("the doctor, before the first sync", () => {
    test("has nothing to say of machines that are ready", async () => {
      expect(await findings("nothing is wrong")).toEqual([]);
    });

    test("finds fifteen faults at once and nothing else, and its commands put them right", async () => {
      for (const plant of Object.values(faults)) await plant();
      const found = await findings("fifteen faults");
      const names = found.map(({ machine, prerequisite }) => `${machine} ${prerequisite}`);
      expect(names.toSorted()).toEqual(Object.keys(faults).toSorted());
      expect(names).toHaveLength(15);
      expect(found.filter(({ command }) => command === undefined)).toEqual([]);

      for (const { command = "", safe } of found) {
        if (safe === true) continue;
        const { exitCode, stdout, stderr } = await run("pve", ["sh", "-c", command]);
        expect(exitCode, `${command}\n${stdout}${stderr}`).toBe(0);
      }
      expect(await findings("what is left is safe to fix", "--fix", "--yes")).toEqual([]);
    });
  });
}
