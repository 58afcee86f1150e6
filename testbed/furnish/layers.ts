/** Writing the files that machines have before Phoenix comes: a directory for each, laid over the common tree at boot. */
import { createHash } from "node:crypto";
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { defaultFirstId, type Fabric } from "./fabric.ts";

/** "pve", "lxc-101", "vm-1001", "client": the name of a machine in the testbed. */
export type MachineName = string;

export interface Layers {
  readonly fabric: Fabric;
  /** Where a path of a machine really lies: behind a mount point it is a directory of the hypervisor. */
  path(machine: MachineName, path: string): string;
  write(machine: MachineName, path: string, text: string, mode?: number): void;
  directory(machine: MachineName, path: string): void;
  /** Gives what lies behind a mount point to the container's root, with the directories up to there. Written files are already. */
  give(machine: MachineName, path: string): void;
  /** Lets units of the machine's own tree start at boot. */
  enable(machine: MachineName, ...units: readonly string[]): void;
  /** What every machine has, written last: its identity, and that nothing needs to be updated at its first boot. */
  settle(machine: MachineName): void;
  /** A file for the testbed, not for the machine, that says how to run it: "options", "parts". */
  describe(machine: MachineName, what: string, lines: readonly string[]): void;
}

/** Units that a machine without hardware or people has no use for; booting twenty machines is faster without them. */
const unneeded = [
  "console-getty.service",
  "dev-hugepages.mount",
  "dev-mqueue.mount",
  "modprobe@.service",
  "sys-fs-fuse-connections.mount",
  "sys-kernel-config.mount",
  "sys-kernel-debug.mount",
  "sys-kernel-tracing.mount",
  "systemd-logind.service",
  "systemd-modules-load.service",
  "systemd-random-seed.service",
  "systemd-update-utmp.service",
];

/** @param run the testbed's directory, see settings.sh */
export function openLayers(run: string, fabric: Fabric): Layers {
  const mountOf = (machine: MachineName, wanted: string): Fabric["mounts"][number] | undefined =>
    fabric.mounts
      .filter((mount) => machineOf(mount.host) === machine)
      .filter((mount) => wanted === mount.path || wanted.startsWith(`${mount.path}/`))
      .sort((a, b) => b.path.length - a.path.length)[0];
  const path = (machine: MachineName, wanted: string): string => {
    const mount = mountOf(machine, wanted);
    if (mount === undefined) return join(run, "layers", machine, wanted);
    return join(run, "layers/pve", treePath(mount), wanted.slice(mount.path.length));
  };
  const give = (machine: MachineName, wanted: string): void => {
    const guest = fabric.guests.find(({ host, kind }) => kind === "lxc" && machineOf(host) === machine);
    const mount = mountOf(machine, wanted);
    if (guest === undefined || mount === undefined) return;
    const { firstId = defaultFirstId } = guest;
    for (let at = wanted; at.length >= mount.path.length; at = dirname(at))
      chownSync(path(machine, at), firstId, firstId);
  };
  const write = (machine: MachineName, wanted: string, text: string, mode = 0o644): void => {
    const real = path(machine, wanted);
    mkdirSync(dirname(real), { recursive: true });
    writeFileSync(real, text, { mode });
    chmodSync(real, mode);
    give(machine, wanted);
  };
  return {
    fabric,
    path,
    write,
    give,
    directory: (machine, wanted) => {
      mkdirSync(path(machine, wanted), { recursive: true });
      give(machine, wanted);
    },
    enable: (machine, ...units) => {
      const wants = path(machine, "/etc/systemd/system/multi-user.target.wants");
      mkdirSync(wants, { recursive: true });
      for (const unit of units) {
        const template = unit.replace(/@.*(?=\.\w+$)/, "@");
        symlinkSync(`/usr/lib/systemd/system/${template}`, join(wants, unit));
      }
    },
    settle: (machine) => {
      write(
        machine,
        "/etc/machine-id",
        `${createHash("md5").update(`${fabric.domain} ${machine}`).digest("hex")}\n`,
      );
      for (const unit of unneeded) {
        const path = join(run, "layers", machine, "etc/systemd/system", unit);
        mkdirSync(dirname(path), { recursive: true });
        symlinkSync("/dev/null", path);
      }
      for (const place of ["/etc", "/var"]) write(machine, `${place}/.updated`, "");
    },
    describe: (machine, what, lines) => {
      mkdirSync(join(run, "machines", machine), { recursive: true });
      writeFileSync(join(run, "machines", machine, what), lines.map((line) => `${line}\n`).join(""));
    },
  };
}

/** The interface of a hypervisor that is not "pve" itself: the port of its bridge that leads there. */
export const uplink = "eno1";

/** The end of the line that describes a hypervisor's network. */
export function uplinkOf(node: MachineName): string {
  return node === "pve" ? "" : ` ${uplink}`;
}

/** "lxc/101" is "lxc-101". */
export function machineOf(host: string): MachineName {
  return host.replace("/", "-");
}

/** The hypervisor's directory behind a mount; what a foreign NFS server holds lies apart. */
export function treePath({ tree, source }: Fabric["mounts"][number]): string {
  return tree === "pve" ? source : `/srv/testbed/${tree}${source}`;
}
