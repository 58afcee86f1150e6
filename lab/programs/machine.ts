/** Programs that tell about a machine: versions, processes, mounts, exports, clocks, disks. Texts of Debian 13 and Proxmox VE 9. */
import type { HostName } from "../../src/resource.ts";
import { listenersOn } from "../listeners.ts";
import { done, failed, type Lab, type Program } from "../parts.ts";
import { treeOf } from "../tree.ts";
import { isActive, isInstalled, unitsOf } from "../units.ts";

const exportsFile = "/etc/exports";

/** What the NFS server has read of /etc/exports: it forgets it when it stops. */
export function readExports(lab: Pick<Lab, "store" | "files">, host: HostName): void {
  lab.store.write(exportTable(host), lab.files.text(host, exportsFile) ?? "");
}

/** The document that holds it. */
function exportTable(host: HostName): string {
  return host === "pve" ? "nfs-etab" : `nfs-etab-${treeOf(host)}`;
}

/** exportfs of nfs-utils 2.8: `-ra` and `-v`. */
const exportfs: Program = ({ context, host, args }) => {
  if (!isInstalled(context, host, "nfs-server")) return failed(127, "exportfs: command not found");
  if (args.includes("-ra")) {
    readExports(context, host);
    return done();
  }
  const text = isActive(context, host, "nfs-server")
    ? (context.store.read<string>(exportTable(host)) ?? "")
    : "";
  const lines = text.split("\n").flatMap((line) => {
    const [path = "", ...clients] = line.replace(/#.*/, "").trim().split(/\s+/);
    return clients.map((client) => {
      const [, name = "", options = ""] = /^([^(]*)(?:\((.*)\))?$/.exec(client) ?? [];
      const has = (option: string): boolean => options.split(",").includes(option);
      const listed = [
        ...["sync", "wdelay", "hide"],
        ...(has("no_subtree_check") ? ["no_subtree_check"] : []),
        ...["sec=sys", has("rw") ? "rw" : "ro", "secure"],
        ...[has("no_root_squash") ? "no_root_squash" : "root_squash", "no_all_squash"],
      ];
      const who = name === "*" || name === "" ? "<world>" : name;
      const gap = path.length > 14 ? "\n\t\t" : `${" ".repeat(14 - path.length)}\t`;
      return `${path}${gap}${who}(${listed.join(",")})\n`;
    });
  });
  return done(lines.join(""));
};

/** findmnt of util-linux 2.41: `-rn -o TARGET,SOURCE,FSTYPE`. A machine mounts its shares by NFS. */
const findmnt: Program = ({ context, host, args }) => {
  if (!args.includes("TARGET,SOURCE,FSTYPE")) return failed(1, "findmnt: the lab lists TARGET,SOURCE,FSTYPE");
  const { address, mounts } = context.facts;
  const unmounted = new Set(context.store.read<readonly string[]>(`unmounted-${host.replace("/", "-")}`));
  const own = mounts.filter((mount) => mount.host === host && !unmounted.has(mount.path));
  const lines = own.map(({ path, source, tree }) => {
    const server = tree === "pve" ? address : tree.slice("nfs-".length);
    const isMounted = host.startsWith("vm/") || (host.startsWith("node/") && path !== "/etc/pve");
    if (path === "/etc/pve") return `${path} /dev/fuse fuse\n`;
    return isMounted ? `${path} ${server}:${source} nfs4\n` : `${path} tank[${source}] zfs\n`;
  });
  return done(["/ /dev/sda1 ext4\n", ...lines].join(""));
};

/** df of coreutils 9: `-P -k`. Every machine has one disk, which the fault disk-full fills. */
const df: Program = ({ context, host, args }) => {
  const paths = args.filter((arg) => !arg.startsWith("-"));
  const absent = paths.filter((path) => path !== "/" && context.files.status(host, path) === undefined);
  const isFull = context.fault("disk-full", host) !== undefined;
  const line = `/dev/sda1         33554432 ${isFull ? "33554432        0     100%" : "8388608 25165824      25%"} /\n`;
  const stdout = paths
    .filter((path) => !absent.includes(path))
    .map(() => line)
    .join("");
  const stderr = absent.map((path) => `df: ${path}: No such file or directory\n`).join("");
  const head = stdout === "" ? "" : "Filesystem     1024-blocks      Used Available Capacity Mounted on\n";
  return { exitCode: absent.length > 0 ? 1 : 0, stdout: head + stdout, stderr };
};

/** timedatectl of systemd 257: `show`, `set-ntp`. */
const timedatectl: Program = ({ context, host, args: [verb = "show", value = ""] }) => {
  const document = `ntp-off-${host.replace("/", "-")}`;
  if (verb === "set-ntp") {
    context.store.write(document, value !== "true");
    return done();
  }
  const state = context.store.read<boolean>(document) === true ? "no" : "yes";
  return done(`Timezone=Etc/UTC\nLocalRTC=no\nCanNTP=yes\nNTP=${state}\nNTPSynchronized=${state}\n`);
};

/** ps of procps 4.0: `-o unit= -p PID`. */
const ps: Program = ({ context, host, args }) => {
  const pid = Number(args[args.indexOf("-p") + 1]);
  if (args.slice(0, 2).join(" ") !== "-o unit=" || Number.isNaN(pid))
    return failed(1, "ps: the lab knows -o unit= -p PID");
  const [unit] = Object.entries(unitsOf(context, host)).find(([, { mainPid }]) => mainPid === pid) ?? [];
  if (unit !== undefined) return done(`${unit}.service\n`);
  return listenersOn(context, host).some((each) => each.pid === pid) ? done("-\n") : failed(1, "");
};

/** What a program prints for its version, where its unit is installed. */
function versionOf(unit: string, text: string): Program {
  return ({ context, host, args }) => {
    if (!isInstalled(context, host, unit)) return failed(127, `${unit}: command not found`);
    return args[0] === "version" ? done(text) : failed(1, `${unit}: the lab runs ${unit} as a unit`);
  };
}

/** A registry answers 401 to who has no token; curl of Debian 13 counts that as success. */
const curl: Program = ({ context, host, args }) => {
  const url = args.at(-1) ?? "";
  if (!/^https:\/\/[^/]+\/v2\/$/.test(url))
    return failed(2, `curl: the lab knows registries alone, not ${url}`);
  const { hostname } = new URL(url);
  return context.fault("refused", host) === undefined
    ? done()
    : failed(
        7,
        `curl: (7) Failed to connect to ${hostname} port 443 after 3 ms: Could not connect to server`,
      );
};

/** On every machine. */
export const machinePrograms: Readonly<Record<string, Program>> = {
  findmnt,
  df,
  timedatectl,
  ps,
  curl,
  traefik: versionOf(
    "traefik",
    "Version:      3.7.15\nCodename:     langres\nGo version:   go1.26.9\nBuilt:        2026-10-15T14:33:48Z\nOS/Arch:      linux/amd64\n",
  ),
  "step-ca": versionOf("step-ca", "Smallstep CA/0.29.0 (linux/amd64)\nRelease Date: 2025-12-03 06:01 UTC\n"),
};

/** On the hypervisor alone. */
export const hypervisorPrograms: Readonly<Record<string, Program>> = {
  exportfs,
};
