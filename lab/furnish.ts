/** What is on lab machines before Phoenix comes. */
import { mkdirSync, symlinkSync } from "node:fs";
import { cp } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import type { Guest, Site } from "../src/model.ts";
import type { HostName } from "../src/resource.ts";
import { groupText, passwdText, root } from "./accounts.ts";
import { nodeOf, nodesOf } from "./cluster.ts";
import { writeDistributionFiles } from "./distribution.ts";
import { furnishCluster } from "./furnish-cluster.ts";
import { setGuestState } from "./guests.ts";
import type { HostDirectory, MachineDescription } from "./host-directory.ts";
import type { LabNode } from "./nodes.ts";
import type { Lab } from "./parts.ts";
import { addressOf } from "./programs/basics.ts";
import { completeProxmoxFiles, interfacesText, writeGuestList, writeProxmoxFiles } from "./proxmox-files.ts";
import { codeOf } from "./store.ts";
import { treeOf } from "./tree.ts";
import { startUnit } from "./unit-control.ts";
import { setUnit, unitsOf } from "./units.ts";

/** Makes the directories behind mounts, and links to them for people who look around in the trees. */
export function furnishMounts(lab: Lab): void {
  for (const { host, path, tree, source, except } of lab.facts.mounts) {
    mkdirSync(lab.path(host, path), { recursive: true });
    // A directory with names of the host's own is no link to another.
    if (except !== undefined) continue;
    const link = join(lab.path(host, dirname(path)), path.split("/").at(-1) ?? "");
    mkdirSync(dirname(link), { recursive: true });
    const target = join(lab.directory, "hosts", tree, source);
    try {
      symlinkSync(relative(dirname(link), target), link);
    } catch {
      // Something is there: a mount within a mount, or the link from the last time.
    }
  }
}

/** @param place the name of the node that a guest is on */
export function furnishHypervisor(lab: Lab, site: Site, place?: (guest: Guest) => string): void {
  const { name } = nodeOf(lab, "pve");
  furnishNode(lab, nodeOf(lab, "pve"));
  writeProxmoxFiles(lab, site, place ?? (() => name));
  writeDistributionFiles(lab, "pve", "dnsmasq");
  lab.files.write(
    "pve",
    "/etc/dnsmasq.d/local-network.conf",
    "# Made by the administrator.\ncache-size=500\n",
  );
  lab.files.write("pve", "/etc/exports", exportLines(site).join(""));
  install(lab, "pve", "nfs-server");
  for (const node of nodesOf(lab).slice(1)) {
    furnishNode(lab, node);
    writeDistributionFiles(lab, node.host, "dnsmasq");
  }
  furnishCluster(lab, site);
}

function furnishNode(lab: Lab, { host, name, address }: LabNode): void {
  const { bridge, network, cluster } = lab.facts;
  furnishBase(lab, host, name, address);
  const text = interfacesText(bridge, `${address}/${network.split("/")[1]}`);
  lab.files.write(host, "/etc/network/interfaces", text);
  for (const path of ["/var/log", "/etc/systemd/system/multi-user.target.wants"])
    lab.files.makeDirectory(host, path);
  const units = ["dnsmasq", "pve-firewall", "pve-cluster", "pveproxy", "ssh"];
  for (const unit of cluster === undefined ? units : [...units, "corosync"]) install(lab, host, unit);
}

/** A line for each directory that a virtual machine mounts from the hypervisor. */
function exportLines({ guests, hypervisor }: Site): readonly string[] {
  return guests.flatMap(({ address, shares }) =>
    shares
      .filter(({ server }) => server === hypervisor.address && address !== undefined)
      .map(({ path }) => `${path} ${address}(rw,sync,no_subtree_check,no_root_squash)\n`),
  );
}

/** A guest with what its role needs: the gateway has Nginx, the mesh Traefik, the CA its certificates, a machine Docker. */
export async function furnishGuest(lab: Lab, site: Site, guest: Guest): Promise<void> {
  const { host, kind } = guest;
  furnishBase(lab, host, guest.name.toLowerCase(), guest.address ?? "127.0.1.1");
  install(lab, host, "ssh");
  // Services of a container write there: whoever made the mount points gave them to its root.
  for (const { guestPath } of guest.mounts) lab.files.changeMode(host, guestPath, { account: root });
  const { gateway, mesh, ca } = site.roles;
  if (host === gateway?.host || host === site.gatewayPair?.standby.host) provide(lab, host, "nginx");
  if (host === mesh?.host) provide(lab, host, "traefik");
  if (host === ca?.host && site.ca !== undefined) {
    const { initCa } = await import("./step-ca/init.ts");
    const { provisioner, hostname } = site.ca;
    const { shared } = await initCa(lab, host, {
      provisioner,
      hostname,
      address: ca.address,
      domain: site.domain,
    });
    // The guest's own root made them.
    for (const path of shared) lab.files.changeMode(host, path, { account: root });
    install(lab, host, "step-ca");
  }
  if (kind === "vm") {
    lab.files.write(host, "/etc/fstab", fstabText(guest));
    install(lab, host, "qemu-guest-agent");
    install(lab, host, "docker");
    const mounts = guest.shares.map(
      ({ server, path, mountPoint }) => `${server}:${path} ${mountPoint} nfs defaults,_netdev 0 0\n`,
    );
    lab.files.write(host, "/etc/fstab", mounts.join(""));
  }
}

/** A cloud image's root, and the shares. */
function fstabText({ shares }: Guest): string {
  const lines = shares.map(
    ({ server, path, mountPoint }) => `${server}:${path} ${mountPoint} nfs defaults,_netdev 0 0\n`,
  );
  return ["PARTUUID=6e3b7d1c-01 / ext4 rw,discard,errors=remount-ro 0 1\n", ...lines].join("");
}

/** The machines of a host directory as they run: its files, what every machine has besides, and what its host.json tells. */
export async function furnishHost(lab: Lab, { path, description }: HostDirectory): Promise<void> {
  const { facts } = lab;
  const hosts: readonly HostName[] = ["pve", ...facts.guests.map(({ host }) => host)];
  for (const host of hosts)
    await cp(join(path, treeOf(host)), lab.root(host), { recursive: true, verbatimSymlinks: true }).catch(
      absent,
    );
  completeProxmoxFiles(lab);
  writeGuestList(lab);
  furnishMounts(lab);
  for (const host of hosts) {
    const name = facts.guests.find((guest) => guest.host === host)?.name.toLowerCase() ?? "pve";
    furnishBase(lab, host, name, addressOf(lab, host) || "127.0.1.1");
    await furnishMachine(lab, host, description[host] ?? {});
  }
  for (const host of hosts) await startEnabled(lab, host);
  for (const host of hosts) await runCommands(lab, host, description[host]?.commands ?? []);
  for (const { host } of facts.guests)
    if (description[host]?.stopped === true) setGuestState(lab, host, "stopped");
}

async function furnishMachine(lab: Lab, host: HostName, machine: MachineDescription): Promise<void> {
  const { facts, files } = lab;
  const { ca, units = ["ssh"], idle = [], modes = {} } = machine;
  if (ca !== undefined) {
    const { initCa } = await import("./step-ca/init.ts");
    await initCa(lab, host, { ...ca, address: addressOf(lab, host), domain: facts.domain });
  }
  for (const unit of units) provide(lab, host, unit);
  for (const unit of idle) setUnit(lab, host, unit, {});
  for (const [path, look] of Object.entries(modes)) {
    const [mode = "", owner = "root:root"] = look.split(" ");
    const account = files.accountOf(host, owner);
    if (typeof account === "string") throw new Error(`${host}:${path}: ${account}`);
    files.changeMode(host, path, { mode, account });
  }
}

/** @throws Error with what a command says that fails: the directory's own mistake */
async function runCommands(lab: Lab, host: HostName, commands: readonly string[]): Promise<void> {
  for (const command of commands) {
    const { exitCode, stdout, stderr } = await lab.run(host, {
      argv: ["sh", "-c", command],
      effect: "change",
    });
    if (exitCode !== 0) throw new Error(`${host}: \`${command}\` ended with ${exitCode}: ${stdout}${stderr}`);
  }
}

function absent(error: unknown): void {
  if (codeOf(error) !== "ENOENT") throw error;
}

/** Starts every unit of a host that is enabled. */
export async function startEnabled(lab: Lab, host: HostName): Promise<void> {
  for (const [name, { enabled }] of Object.entries(unitsOf(lab, host)))
    if (enabled) await startUnit(lab, host, name);
}

function provide(lab: Lab, host: HostName, unit: string): void {
  writeDistributionFiles(lab, host, unit);
  install(lab, host, unit);
}

function install(lab: Lab, host: HostName, unit: string): void {
  setUnit(lab, host, unit, { enabled: true });
}

/** What every machine has; files that are there stay as they are. */
function furnishBase({ files, facts }: Lab, host: HostName, name: string, address: string): void {
  const texts = {
    "/etc/passwd": passwdText,
    "/etc/group": groupText,
    "/etc/hostname": `${name}\n`,
    "/etc/hosts": `127.0.0.1 localhost\n${address} ${name}.${facts.domain} ${name}\n`,
    "/etc/resolv.conf": `search ${facts.domain}\nnameserver ${facts.address}\n`,
    "/etc/ssl/certs/ca-certificates.crt": "",
  };
  for (const [path, text] of Object.entries(texts))
    if (files.status(host, path) === undefined) files.write(host, path, text);
  for (const path of ["/usr/local/share/ca-certificates", "/var/lib", "/tmp", "/root"])
    files.makeDirectory(host, path);
}
