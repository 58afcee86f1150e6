/** What the testbed must know of a site to build its machines: what the lab knows, and what only real machines need. */
import { readFileSync, statSync } from "node:fs";
import { factsOf, type LabFacts } from "../../lab/facts.ts";
import { defined } from "../../src/defined.ts";
import type { Site } from "../../src/model.ts";
import type { WantedImage } from "../docker/images.ts";
import { siteImages } from "../docker/site-images.ts";

/** The testbed builds whole sites: one with a gateway, a mesh and a CA. */
export interface Fabric extends Omit<LabFacts, "cluster" | "guests" | "roles"> {
  readonly roles: Required<LabFacts["roles"]>;
  /** The second gateway, where there are two. */
  readonly standbyGateway?: string;
  /** What virtual machines run in Docker. */
  readonly images?: readonly WantedImage[];
  /** Length of the network's prefix, 24 for a /24. */
  readonly prefix: number;
  readonly guests: readonly Machine[];
  readonly ca: {
    /** "ca.internal.example.net": the name in the CA's own certificate. */
    readonly hostname: string;
    readonly provisioner: string;
  };
  /** Absent where "pve" is alone. */
  readonly cluster?: Cluster;
}

/** A Proxmox cluster: "pve" first, then other nodes, which are machines inside it. */
export interface Cluster {
  readonly name: string;
  readonly nodes: readonly ClusterNode[];
  /** Datasets that all nodes have at the same paths; others are on the disk of "pve" alone. */
  readonly shared: readonly string[];
  /** Where ssh finds the keys of other nodes: a file for each node, as PVE 9 has it, or one for the whole cluster. */
  readonly knownHosts: "node" | "cluster";
}

export interface ClusterNode {
  readonly name: string;
  readonly address: string;
  readonly votes: number;
  /** What it runs at first: "lxc/101". Guests that no node names are on "pve". */
  readonly guests: readonly string[];
}

export type Machine = LabFacts["guests"][number] & {
  /** Whether the firewall of Proxmox filters its interface (firewall=1). Filtered unless it says false. */
  readonly filtered?: boolean;
  /** Of a container: where its ids begin on the hypervisor's disk; 0 for a privileged one, Proxmox's default unless given. */
  readonly firstId?: number;
  /** NFS directories that it mounts. */
  readonly shares: readonly { readonly server: string; readonly path: string; readonly mountPoint: string }[];
};

/** What Proxmox maps id 0 of an unprivileged container to. */
export const defaultFirstId = 100_000;

/** A map of its own, written into the container's configuration. */
const ownFirstId = 200_000;

/** The hypervisors: those of the cluster, or "pve" alone. */
export function nodesOf({ cluster, address, guests }: Fabric): readonly ClusterNode[] {
  const [own, ...others] = cluster?.nodes ?? [];
  const elsewhere = others.flatMap((node) => node.guests);
  const here = guests.map(({ host }) => host).filter((host) => !elsewhere.includes(host));
  return [{ name: "pve", address, votes: own?.votes ?? 1, guests: here }, ...others];
}

/**
 * Reads a fabric: from a site's directory, or from a file of the testbed's own tests that holds one as JSON.
 * @param clusterFile a `Cluster` as JSON: no file of a site says how many nodes there are
 */
export async function readFabric(path: string, clusterFile?: string): Promise<Fabric> {
  const fabric = await readAlone(path);
  return clusterFile === undefined
    ? fabric
    : { ...fabric, cluster: JSON.parse(readFileSync(clusterFile, "utf8")) };
}

async function readAlone(path: string): Promise<Fabric> {
  if (statSync(path).isFile()) return JSON.parse(readFileSync(path, "utf8"));
  const { loadSite } = await import("../../src/site/load.ts");
  const { site, problems } = await loadSite(path);
  if (site !== undefined) return fabricOf(site);
  const errors = problems.filter(({ severity }) => severity === "error");
  const texts = errors.map(({ at, message }) => `${at.file}:${at.line}: ${message}`);
  throw new Error(`${path} is not a site that can be built:\n${texts.join("\n")}`);
}

function fabricOf(site: Site): Fabric {
  const { cluster: _, ...facts } = factsOf(site);
  const { gateway, mesh, ca } = facts.roles;
  if (gateway === undefined || mesh === undefined || ca === undefined || site.ca === undefined)
    throw new Error("the testbed needs a site with a gateway, a mesh and a CA");
  const { hostname, provisioner } = site.ca;
  // Unprivileged as Proxmox makes them, but for the CA, which has a map of its own, and one without a role, which has none.
  const roles = Object.values(facts.roles);
  const privileged = facts.guests.find(({ kind, host }) => kind === "lxc" && !roles.includes(host));
  const firstIdOf = (host: string): Pick<Machine, "firstId"> =>
    host === facts.roles.ca ? { firstId: ownFirstId } : host === privileged?.host ? { firstId: 0 } : {};
  return {
    ...facts,
    roles: { gateway, mesh, ca },
    ...defined({ standbyGateway: site.gatewayPair?.standby.host }),
    images: siteImages(site),
    prefix: site.hypervisor.prefix,
    ca: { hostname, provisioner },
    guests: facts.guests.map((guest) => ({
      ...guest,
      ...firstIdOf(guest.host),
      shares: (site.guests.find(({ host }) => host === guest.host)?.shares ?? []).map(
        ({ server, path, mountPoint }) => ({ server, path, mountPoint }),
      ),
    })),
  };
}
