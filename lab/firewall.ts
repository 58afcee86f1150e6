/** The lab's firewall: what the installed rules do with a new connection. */

import { portNames } from "../src/formats/netbase/ports.ts";
import { protocolNumbers } from "../src/formats/netbase/protocols.ts";
import type { HostName } from "../src/resource.ts";
import type { LabGuest } from "./facts.ts";
import { hasFilteredInterface } from "./guests.ts";
import type { Lab } from "./parts.ts";
import { compile, isEnabled, type World } from "./pve-firewall/compile.ts";
import { type Decision, decide, type Place } from "./pve-firewall/decide.ts";
import { type FirewallConfig, readFirewall } from "./pve-firewall/read.ts";
import { isActive } from "./units.ts";

export interface NewConnection {
  readonly from: HostName;
  readonly to: HostName;
  readonly source: string;
  readonly destination: string;
  readonly protocol: "tcp" | "udp";
  readonly port: number;
}

/** What Debian has in /etc/services and /etc/protocols. */
const netbase = { ports: portNames, protocols: protocolNumbers };

const directory = "/etc/pve/firewall";
const clusterFile = `${directory}/cluster.fw`;
const hostFile = "/etc/pve/local/host.fw";

/** The sender's rules first, then the receiver's. Without the daemon nothing is filtered. */
export async function verdictOf(lab: Lab, connection: NewConnection): Promise<Decision> {
  if (!isActive(lab, "pve", "pve-firewall")) return "ACCEPT";
  const { from, to, source, destination: dest, protocol, port } = connection;
  const guests = lab.facts.guests.filter(({ host }) => host === from || host === to);
  const ruleset = compile(worldOf(lab, guests));
  const packet = { source, dest, protocol, dport: port };
  const sent = decide(ruleset, placeOf(lab, from, "OUT"), packet);
  return sent === "ACCEPT" ? decide(ruleset, placeOf(lab, to, "IN"), packet) : sent;
}

/** Between a guest's interface and its firewall bridge there is a link called fwln…, where firewall=1 is set. */
function placeOf({ facts }: Lab, host: HostName, direction: "IN" | "OUT"): Place {
  const guest = facts.guests.find((each) => each.host === host);
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

/** What is installed, as far as it concerns some guests; all of them when none are named. */
export function worldOf(lab: Lab, guests: readonly LabGuest[] = lab.facts.guests): World {
  const cluster = readCluster(lab);
  return {
    cluster,
    host: readOther(lab, hostFile, "host", cluster),
    guests: guests.map((guest) => ({
      id: String(guest.id),
      tap: tapOf(guest),
      filtered: hasFilteredInterface(lab, guest),
      file: readOther(lab, `${directory}/${guest.id}.fw`, "guest", cluster),
    })),
    localNetwork: lab.facts.network,
    netbase,
    now: Math.floor(lab.clock.now() / 1000),
  };
}

/** Files by what is in them, those of a cluster.fw together: they are asked about with every connection, and seldom change. */
const clusters = new Map<string, FirewallConfig>();
const others = new WeakMap<FirewallConfig, Map<string, FirewallConfig>>();
const clustersKept = 20;

function readCluster({ files }: Lab): FirewallConfig {
  const text = files.text("pve", clusterFile) ?? "";
  const found = clusters.get(text) ?? readFirewall(clusterFile, text, "cluster", netbase);
  if (clusters.size >= clustersKept) clusters.clear();
  clusters.set(text, found);
  return found;
}

function readOther(
  { files }: Lab,
  path: string,
  place: "host" | "guest",
  cluster: FirewallConfig,
): FirewallConfig {
  const text = files.text("pve", path) ?? "";
  const besides = others.get(cluster) ?? new Map<string, FirewallConfig>();
  others.set(cluster, besides);
  const key = `${path}\n${text}`;
  const found = besides.get(key) ?? readFirewall(path, text, place, netbase, cluster);
  besides.set(key, found);
  return found;
}

/** Whether cluster.fw switches the firewall on. */
export function clusterIsEnabled(lab: Lab): boolean {
  return isEnabled(worldOf(lab, []));
}
