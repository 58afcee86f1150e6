/** The lab's firewall: what the installed rules do with a new connection. */

import { portNames, portProtocols } from "../src/formats/netbase/ports.ts";
import { protocolNumbers } from "../src/formats/netbase/protocols.ts";
import type { HostName } from "../src/resource.ts";
import { guestsAt, nodeUnder } from "./cluster.ts";
import { guestBy, type LabGuest } from "./facts.ts";
import type { LabFiles } from "./files.ts";
import { isFresh, type Look, lookNow } from "./fresh.ts";
import { hasFilteredInterface } from "./guests.ts";
import type { NodeHost } from "./nodes.ts";
import type { Lab } from "./parts.ts";
import { compile, isEnabled, type Ruleset, type World } from "./pve-firewall/compile.ts";
import { type Decision, decide, type Place } from "./pve-firewall/decide.ts";
import { loadError } from "./pve-firewall/load.ts";
import type { Netbase } from "./pve-firewall/netbase.ts";
import { type FirewallConfig, readFirewall } from "./pve-firewall/read.ts";
import { isActive } from "./units.ts";

export interface NewConnection {
  readonly from: HostName;
  readonly to: HostName;
  readonly source: string;
  readonly destination: string;
  readonly protocol: "tcp" | "udp" | "vrrp";
  /** Absent for a protocol without ports. */
  readonly port?: number;
}

/** What Debian has in /etc/services and /etc/protocols. */
export const debianNetbase: Netbase = {
  ports: portNames,
  protocols: protocolNumbers,
  services: new Map(
    [...portNames.keys()].map((name) => [
      name,
      new Set(portProtocols(name).flatMap((number) => protocolNamed(number))),
    ]),
  ),
};

function protocolNamed(number: number): readonly string[] {
  return [...protocolNumbers].flatMap(([name, each]) => (each === number ? [name] : []));
}

const directory = "/etc/pve/firewall";
const clusterFile = `${directory}/cluster.fw`;
const hostFile = "/etc/pve/local/host.fw";

/** The rules of the sender's node first, then those of the receiver's. Without a node's daemon nothing is filtered there. */
export async function verdictOf(lab: Lab, connection: NewConnection): Promise<Decision> {
  const { from, to, source, destination: dest, protocol, port } = connection;
  const packet = { source, dest, protocol, ...(port === undefined ? {} : { dport: port }) };
  const decided = (machine: HostName, direction: "IN" | "OUT"): Decision => {
    const node = nodeUnder(lab, machine);
    if (!isActive(lab, node, "pve-firewall")) return "ACCEPT";
    return decide(loaded(lab, node).ruleset, placeOf(lab, machine, direction), packet);
  };
  const sent = decided(from, "OUT");
  return sent === "ACCEPT" ? decided(to, "IN") : sent;
}

/** What the kernel has, and why it has not what is in the files. */
export interface Loaded {
  readonly ruleset: Ruleset;
  readonly error?: string;
}

const kept = new WeakMap<LabFiles, Map<NodeHost, Known>>();

interface Known {
  readonly key: string;
  readonly loaded: Loaded;
  readonly look: Look;
}

/** A node's rules in force: those of the files, or the previous ones where Proxmox or the kernel's tools end with an error. */
export function loaded(lab: Lab, node: NodeHost): Loaded {
  const nodes = kept.get(lab.files) ?? new Map<NodeHost, Known>();
  kept.set(lab.files, nodes);
  const known = nodes.get(node);
  const look = lookNow();
  if (known !== undefined && isFresh(known.look, look)) return known.loaded;
  const world = worldOf(lab, node);
  const texts = [clusterFile, hostFile, ...world.guests.map(({ id }) => `${directory}/${id}.fw`)];
  const flags = world.guests.map(({ filtered }) => filtered);
  const key = JSON.stringify([texts.map((path) => lab.files.text(node, path)), flags, isEnabled(world)]);
  if (known?.key === key) {
    nodes.set(node, { ...known, look });
    return known.loaded;
  }
  const ruleset = compile(world);
  const error = ruleset.dies ?? loadError(ruleset);
  const before = known?.loaded.ruleset ?? { ...ruleset, chains: new Map(), ipv6: new Map() };
  const now: Loaded = error === undefined ? { ruleset } : { ruleset: before, error };
  nodes.set(node, { key, loaded: now, look });
  return now;
}

/** Between a guest's interface and its firewall bridge there is a link called fwln…, where firewall=1 is set. */
function placeOf({ facts }: Lab, host: HostName, direction: "IN" | "OUT"): Place {
  const guest = guestBy(facts, host);
  if (guest === undefined) return { chain: `PVEFW-HOST-${direction}`, iface: facts.bridge };
  const [tap, link] = [tapOf(guest), `fwln${guest.id}i0`];
  return {
    chain: "PVEFW-FORWARD",
    ...(direction === "IN" ? { from: link, to: tap } : { from: tap, to: link }),
  };
}

function tapOf({ kind, id }: LabGuest): string {
  return `${kind === "lxc" ? "veth" : "tap"}${id}i0`;
}

/** What is installed on a node, as far as it concerns some guests; all that it has when none are named. */
export function worldOf(lab: Lab, node: NodeHost, guests = guestsAt(lab, node)): World {
  const cluster = readCluster(lab, node);
  return {
    cluster,
    host: readOther(lab, node, hostFile, "host", cluster),
    guests: guests.map((guest) => ({
      id: String(guest.id),
      tap: tapOf(guest),
      filtered: hasFilteredInterface(lab, guest),
      file: readOther(lab, node, `${directory}/${guest.id}.fw`, "guest", cluster),
      ...(guest.kind === "lxc" && guest.address !== undefined ? { address: guest.address } : {}),
    })),
    localNetwork: lab.facts.network,
    netbase: debianNetbase,
    now: Math.floor(lab.clock.now() / 1000),
  };
}

/** Files by what is in them, those of a cluster.fw together: they are asked about with every connection, and seldom change. */
const clusters = new Map<string, FirewallConfig>();
const others = new WeakMap<FirewallConfig, Map<string, FirewallConfig>>();
const clustersKept = 20;

function readCluster({ files }: Lab, node: NodeHost): FirewallConfig {
  const text = files.text(node, clusterFile) ?? "";
  const found = clusters.get(text) ?? readFirewall(clusterFile, text, "cluster", debianNetbase);
  if (clusters.size >= clustersKept) clusters.clear();
  clusters.set(text, found);
  return found;
}

function readOther(
  { files }: Lab,
  node: NodeHost,
  path: string,
  place: "host" | "guest",
  cluster: FirewallConfig,
): FirewallConfig {
  const text = files.text(node, path) ?? "";
  const besides = others.get(cluster) ?? new Map<string, FirewallConfig>();
  others.set(cluster, besides);
  const key = `${path}\n${text}`;
  const found = besides.get(key) ?? readFirewall(path, text, place, debianNetbase, cluster);
  besides.set(key, found);
  return found;
}

/** Whether cluster.fw switches the firewall on. */
export function clusterIsEnabled(lab: Lab, node: NodeHost): boolean {
  return isEnabled(worldOf(lab, node, []));
}
