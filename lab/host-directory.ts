/**
 * A host that nobody declared, as a directory: the file trees of its machines (`pve`, `lxc-101`, `vm-200`) and `host.json`,
 * which tells what files cannot: what runs, and what an administrator typed.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { GuestName, HostName } from "../src/resource.ts";
import type { LabFacts, LabGuest, LabMount, LabService } from "./facts.ts";
import { readTextIfThere } from "./store.ts";
import { treeOf } from "./tree.ts";

/** host.json: a machine that it does not name has its files, and runs ssh alone. */
export type HostDescription = Readonly<Partial<Record<HostName, MachineDescription>>>;

export interface MachineDescription {
  /** Units that are installed, enabled and started. */
  readonly units?: readonly string[];
  /** Units that are installed and do not run. */
  readonly idle?: readonly string[];
  /** Programs that listen without a unit that the lab knows. */
  readonly listens?: readonly { readonly port: number; readonly name: string; readonly scheme?: "https" }[];
  /** What DHCP or cloud-init gave; else the address is the one in the guest's configuration. */
  readonly address?: string;
  /** A guest that is not running. */
  readonly stopped?: true;
  /** A CA that `step ca init` made here. */
  readonly ca?: { readonly hostname: string; readonly provisioner: string };
  /** Modes and owners by path: "600 root:root". */
  readonly modes?: Readonly<Record<string, string>>;
  /** Programs that were run once everything was started; words are separated by one space. */
  readonly commands?: readonly string[];
}

export interface HostDirectory {
  readonly path: string;
  readonly description: HostDescription;
  readonly facts: LabFacts;
}

/** @throws Error when the directory or its host.json cannot be read */
export function readHostDirectory(path: string): HostDirectory {
  const description = JSON.parse(readFileSync(join(path, "host.json"), "utf8")) as HostDescription;
  return { path, description, facts: factsOfTrees(path, description) };
}

function factsOfTrees(path: string, description: HostDescription): LabFacts {
  const text = (host: HostName, file: string): string =>
    readTextIfThere(join(path, treeOf(host), file)) ?? "";
  const guests = (["lxc", "vm"] as const).flatMap((kind) => guestsOf(path, kind, description));
  const { bridge, address, prefix } = uplinkOf(text("pve", "etc/network/interfaces"));
  const ca = guests.find(({ host }) => runs(description[host], "step-ca"))?.host;
  const port = /"address": "[^"]*:(\d+)"/.exec(ca === undefined ? "" : text(ca, "root/.step/config/ca.json"));
  return {
    domain: /^(?:search|domain)\s+(\S+)/m.exec(text("pve", "etc/resolv.conf"))?.[1] ?? "local",
    address,
    network: networkOf(address, prefix),
    bridge,
    guests,
    roles: ca === undefined ? {} : { ca },
    caPort: Number(port?.[1] ?? 9000),
    agents: [],
    services: guests.flatMap(({ host }) => servicesOf(host, description[host])),
    mounts: guests.flatMap(({ host, kind, id }) =>
      kind === "lxc"
        ? bindMounts(host, text("pve", confPath(kind, id)))
        : nfsMounts(host, text(host, "etc/fstab"), address),
    ),
  };
}

function runs(machine: MachineDescription | undefined, unit: string): boolean {
  return machine?.units?.includes(unit) === true;
}

function confPath(kind: LabGuest["kind"], id: number | string): string {
  return `etc/pve/nodes/pve/${kind === "lxc" ? "lxc" : "qemu-server"}/${id}.conf`;
}

/** Guests of the local node: what lies in other nodes' directories runs elsewhere. */
function guestsOf(path: string, kind: LabGuest["kind"], description: HostDescription): readonly LabGuest[] {
  const directory = join(path, "pve", confPath(kind, "x"), "..");
  if (!existsSync(directory)) return [];
  return readdirSync(directory).flatMap((file) => {
    const id = Number(/^(\d+)\.conf$/.exec(file)?.[1] ?? Number.NaN);
    if (Number.isNaN(id)) return [];
    const [config = ""] = readFileSync(join(directory, file), "utf8").split(/^\[/m);
    const host: GuestName = `${kind}/${id}`;
    const name = /^(?:hostname|name): (\S+)$/m.exec(config)?.[1] ?? (kind === "lxc" ? `CT${id}` : `VM${id}`);
    const address = description[host]?.address ?? /^net0: .*\bip=([\d.]+)\//m.exec(config)?.[1];
    return [{ host, kind, id, name, ...(address === undefined ? {} : { address }) }];
  });
}

/** The first bridge with an address. */
function uplinkOf(interfaces: string): { bridge: string; address: string; prefix: number } {
  const [, bridge = "vmbr0", address = "127.0.1.1", prefix = "24"] =
    /^iface (\S+) inet static\n(?:[ \t]+.*\n)*?[ \t]+address ([\d.]+)\/(\d+)/m.exec(interfaces) ?? [];
  return { bridge, address, prefix: Number(prefix) };
}

function networkOf(address: string, prefix: number): string {
  const number = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const first = number - (number % 2 ** (32 - prefix));
  const octets = [24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256);
  return `${octets.join(".")}/${prefix}`;
}

function servicesOf(host: GuestName, machine: MachineDescription | undefined): readonly LabService[] {
  return (machine?.listens ?? []).map(
    ({ port, name, scheme }): LabService => ({
      name,
      host,
      port,
      scheme: scheme ?? "http",
      names: [name],
    }),
  );
}

/** Directories of the hypervisor that a container sees; a volume of a storage is part of the container's own tree. */
function bindMounts(host: GuestName, config: string): readonly LabMount[] {
  const [current = ""] = config.split(/^\[/m);
  return [...current.matchAll(/^mp\d+: (\/[^,\n]*),(?:.*,)?mp=([^,\n]+)/gm)].map(
    ([, source = "", path = ""]) => ({
      host,
      path: path.replace(/\/$/, ""),
      tree: "pve",
      source,
    }),
  );
}

function nfsMounts(host: GuestName, fstab: string, hypervisor: string): readonly LabMount[] {
  return [...fstab.matchAll(/^([\w.-]+):(\/\S*)\s+(\/\S+)\s+nfs4?\s/gm)].map(
    ([, server = "", source = "", path = ""]) => ({
      host,
      path,
      tree: server === hypervisor ? "pve" : `nfs-${server}`,
      source,
    }),
  );
}
