/** The lab's firewall: what the installed rules say about a new connection, judged as pve-firewall 6.0 does. */

import type { Action } from "../src/formats/pve-firewall/decide.ts";
import { emptyFile, type FirewallFile, parseFirewall } from "../src/formats/pve-firewall/index.ts";
import {
  type InstalledFirewall,
  installedVerdict,
  isEnabled,
} from "../src/formats/pve-firewall/installed.ts";
import type { Packet } from "../src/formats/pve-firewall/match.ts";
import type { HostName } from "../src/resource.ts";
import { hasFilteredInterface } from "./guests.ts";
import type { Lab } from "./parts.ts";
import { isActive } from "./units.ts";

export interface NewConnection {
  readonly from: HostName;
  readonly to: HostName;
  readonly source: string;
  readonly destination: string;
  readonly protocol: "tcp" | "udp";
  readonly port: number;
}

export const clusterFile = "/etc/pve/firewall/cluster.fw";
export const hostFile = "/etc/pve/local/host.fw";

/** The sender's rules first, then the receiver's. Without the daemon nothing is filtered. */
export async function verdictOf(lab: Lab, connection: NewConnection): Promise<Action> {
  if (!isActive(lab, "pve", "pve-firewall")) return "ACCEPT";
  const firewall = installedFirewall(lab, [connection.from, connection.to]);
  const { from, to, source, destination: dest, protocol, port } = connection;
  const packet = { source, dest, protocol, port };
  const sent = judge(lab, firewall, from, { ...packet, direction: "OUT" });
  return sent === "ACCEPT" ? judge(lab, firewall, to, { ...packet, direction: "IN" }) : sent;
}

function judge(lab: Lab, firewall: InstalledFirewall, host: HostName, packet: Packet): Action {
  if (host === "pve") return installedVerdict(firewall, "pve", { ...packet, iface: lab.facts.bridge }).action;
  const guest = lab.facts.guests.find((each) => each.host === host);
  if (guest === undefined || !hasFilteredInterface(lab, guest)) return "ACCEPT";
  return installedVerdict(firewall, guest.id, packet).action;
}

/** What is installed, as far as it concerns these machines. */
export function installedFirewall(lab: Lab, hosts: readonly HostName[]): InstalledFirewall {
  const { facts } = lab;
  const concerned = facts.guests.filter(({ host }) => hosts.includes(host));
  const guests = concerned.flatMap(({ id }) => {
    const file = fileAt(lab, `/etc/pve/firewall/${id}.fw`);
    return file === undefined ? [] : [[id, file] as const];
  });
  return {
    cluster: fileAt(lab, clusterFile) ?? emptyFile,
    host: fileAt(lab, hostFile) ?? emptyFile,
    guests: new Map(guests),
    localNetwork: facts.network,
  };
}

function fileAt({ files }: Lab, path: string): FirewallFile | undefined {
  const text = files.text("pve", path);
  return text === undefined ? undefined : parsedOnce(text);
}

/** Files by their text: they are asked about with every connection, and seldom change. */
const parsed = new Map<string, FirewallFile>();
const parsedKept = 200;

function parsedOnce(text: string): FirewallFile {
  const file = parsed.get(text) ?? parseFirewall(text);
  if (parsed.size >= parsedKept) parsed.clear();
  parsed.set(text, file);
  return file;
}

/** Whether cluster.fw switches the firewall on. */
export function clusterIsEnabled(lab: Lab): boolean {
  return isEnabled(installedFirewall(lab, []));
}
