/** What the lab knows of its site: who is where and which services the guests run of their own. Kept from process to process. */
import { defined } from "../src/defined.ts";
import type { Backend, Guest, Site } from "../src/model.ts";
import type { GuestName, HostName } from "../src/resource.ts";
import type { LabStore } from "./context.ts";
import type { LabCluster } from "./nodes.ts";

export interface LabFacts {
  readonly domain: string;
  /** The hypervisor's address, and its network: "10.0.0.0/24". */
  readonly address: string;
  readonly network: string;
  readonly bridge: string;
  /** Absent on a single host. */
  readonly cluster?: LabCluster;
  readonly guests: readonly LabGuest[];
  /** Empty where nobody has declared who does what. */
  readonly roles: Readonly<Partial<Record<"gateway" | "mesh" | "ca", GuestName>>>;
  readonly caPort?: number;
  readonly portainer?: { readonly host: GuestName; readonly port: number };
  readonly agents: readonly { readonly host: GuestName; readonly port: number }[];
  readonly services: readonly LabService[];
  readonly mounts: readonly LabMount[];
}

export interface LabGuest {
  readonly host: GuestName;
  readonly kind: "lxc" | "vm";
  readonly id: number;
  readonly name: string;
  readonly address?: string;
}

/** A service that a guest runs by itself, without Docker. */
export interface LabService {
  readonly name: string;
  readonly host: GuestName;
  readonly port: number;
  readonly scheme: Backend["scheme"];
  /** Names in its certificate, for https. */
  readonly names: readonly string[];
}

/** A directory of one tree that another host, or the same one by another name, sees at `path`. */
export interface LabMount {
  readonly host: HostName;
  readonly path: string;
  /** The tree that holds the files: "pve", or "nfs-10.0.0.5" for a server that is no host of the site. */
  readonly tree: string;
  readonly source: string;
  /** The source is on the disk of the node that has the guest: `tree` counts while that is the hypervisor. */
  readonly local?: true;
  /** Names in the mounted directory that are the host's own. */
  readonly except?: readonly string[];
}

/** Guests by what they are looked for, for each set of facts. */
const indices = new WeakMap<LabFacts, ReadonlyMap<string, LabGuest>>();

function indexOf(facts: LabFacts): ReadonlyMap<string, LabGuest> {
  const known = indices.get(facts);
  if (known !== undefined) return known;
  const entries = [...facts.guests]
    .reverse()
    .flatMap((guest) => [
      [guest.host, guest] as const,
      ...(guest.address === undefined ? [] : [[guest.address, guest] as const]),
    ]);
  const index = new Map<string, LabGuest>(entries);
  indices.set(facts, index);
  return index;
}

/** The guest of this name, "lxc/101", or with this address. */
export function guestBy(facts: LabFacts, key: string): LabGuest | undefined {
  return indexOf(facts).get(key);
}

const document = "facts";

export function readFacts(store: LabStore): LabFacts | undefined {
  return store.read<LabFacts>(document);
}

export function writeFacts(store: LabStore, facts: LabFacts): void {
  store.write(document, facts);
}

export function factsOf(site: Site, cluster?: LabCluster): LabFacts {
  const guests = site.guests.filter(({ template }) => !template);
  return {
    domain: site.domain,
    address: site.hypervisor.address,
    network: site.hypervisor.network,
    bridge: site.hypervisor.bridge,
    ...defined({ cluster }),
    guests: guests.map(({ host, kind, id, name, address }) => ({
      host,
      kind,
      id,
      name,
      ...(address === undefined ? {} : { address }),
    })),
    roles: defined({
      gateway: site.roles.gateway?.host,
      mesh: site.roles.mesh?.host,
      ca: site.roles.ca?.host,
    }),
    ...defined({ caPort: site.ca?.port }),
    ...defined({ portainer: portainerOf(site) }),
    agents: (site.portainer?.environments ?? [])
      .filter(({ kind }) => kind === "agent")
      .map(({ guest, port }) => ({ host: guest.host, port })),
    services: servicesOf(site),
    mounts: mountsOf(site, guests, cluster),
  };
}

/** The guest that runs Portainer, whoever set it up. */
function portainerOf({ portainer, externalPortainer, guests }: Site): LabFacts["portainer"] {
  if (portainer !== undefined) return { host: portainer.guest.host, port: portainer.port };
  const host = guests.find(({ address }) => address === externalPortainer?.address)?.host;
  return host && externalPortainer && { host, port: externalPortainer.port };
}

/** Services of stacks live in containers; the CA, Portainer and its agents are servers of their own. */
function servicesOf(site: Site): readonly LabService[] {
  return site.services
    .filter(({ stack, guest, backend }) => stack === undefined && backend.address === guest.address)
    .map(({ id, guest, backend, names }) => ({
      name: id,
      host: guest.host,
      port: backend.port,
      scheme: backend.scheme,
      names: [...new Set([...names, ...(backend.serverName === undefined ? [] : [backend.serverName])])],
    }));
}

/**
 * A dataset is there by its native path and below the hypervisor's mount base: /quickOS and /mnt/pve/quickOS are one
 * directory. Containers see directories of the hypervisor, virtual machines those of an NFS server. In a cluster what lies
 * below the mount base is a storage that the hypervisor shares with the other nodes; every other directory is a node's own.
 */
function mountsOf(
  site: Site,
  guests: readonly Guest[],
  cluster: LabCluster | undefined,
): readonly LabMount[] {
  const { mountBase, address } = site.hypervisor;
  const isShared = (path: string): boolean => path.startsWith(`${mountBase}/`);
  const native = (path: string): string => (isShared(path) ? path.slice(mountBase.length) : path);
  const datasets = datasetsOf(site, guests).map((dataset) => ({
    path: `${mountBase}/${dataset}`,
    tree: "pve",
    source: `/${dataset}`,
  }));
  const nodes = cluster?.nodes.map(({ host }) => host) ?? ["pve"];
  return [
    ...nodes.flatMap((host) => datasets.map((dataset) => ({ host, ...dataset }))),
    ...nodes.flatMap((host) => (host === "pve" ? [] : [sharedTree(host)])),
    ...guests.flatMap(({ host, mounts }) =>
      mounts.map(({ hostPath, guestPath }) => ({
        host,
        path: guestPath,
        tree: "pve",
        source: native(hostPath),
        ...(cluster !== undefined && !isShared(hostPath) ? { local: true as const } : {}),
      })),
    ),
    ...guests.flatMap(({ host, shares }) =>
      shares.map(({ server, path, mountPoint }) => ({
        host,
        path: mountPoint,
        tree: server === address ? "pve" : `nfs-${server}`,
        source: native(path),
      })),
    ),
  ];
}

/** How another node sees /etc/pve: it lies in the hypervisor's tree, but for links to the node's own part of it. */
function sharedTree(host: HostName): LabMount {
  const except = ["local", "lxc", "qemu-server"];
  return { host, path: "/etc/pve", tree: "pve", source: "/etc/pve", except };
}

/** The names of the hypervisor's datasets, by the paths that the site has below its mount base. */
export function datasetsOf(site: Site, guests: readonly Guest[]): readonly string[] {
  const { mountBase, address } = site.hypervisor;
  const datasets = new Set<string>();
  const addDataset = (path: string): void => {
    const dataset = path.split("/")[1] ?? "";
    if (!mountBase.startsWith(`/${dataset}/`)) datasets.add(dataset);
  };
  const addMounted = (path: string): void => {
    if (path.startsWith(`${mountBase}/`)) addDataset(path.slice(mountBase.length));
  };
  for (const guest of guests) {
    for (const { hostPath } of guest.mounts) addMounted(hostPath);
    for (const { server, path } of guest.shares)
      if (server === address)
        addDataset(path.startsWith(`${mountBase}/`) ? path.slice(mountBase.length) : path);
  }
  for (const { certPath, keyPath } of site.certificates) {
    addMounted(certPath);
    addMounted(keyPath);
  }
  return [...datasets].sort();
}
