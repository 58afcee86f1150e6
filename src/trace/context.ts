/** What a look at one hop knows besides the hop itself. */

import { describeHost, guestOf } from "../fabric/guests.ts";
import type { Connection, ContainerHop, Way } from "../fabric/hop.ts";
import { nodeOfGuest, nodeTitle } from "../fabric/nodes.ts";
import type { HostName } from "../resource.ts";
import type { Facts } from "./facts.ts";
import { affected, broken, type Finding } from "./finding.ts";
import { blocked } from "./firewall.ts";

export interface Looking {
  readonly facts: Facts;
  readonly way: Way;
  /** The path of the URL: "/" unless one was asked for. */
  readonly path: string;
}

/** A guest that does not run, as a finding; undefined where it runs, or nobody knows. */
export async function stopped({ facts }: Looking, host: HostName): Promise<Finding | undefined> {
  const guest = guestOf(facts.site, host);
  if (guest === undefined) return undefined;
  const name = describeHost(facts.site, host);
  const node = nodeOfGuest(facts.site, guest.host);
  if (!node.online) {
    const hint = "start it, or move its guests";
    return broken("node offline", `${name} is on ${nodeTitle(node)}, which is offline`, { hint });
  }
  const state = await facts.guestState(host);
  if (state === undefined || state === "running") return undefined;
  if (state === "absent")
    return broken("no such guest", `${name} does not exist on this node`, {
      hint: "`pvesh get /cluster/resources` shows where it is",
    });
  const tool = guest.kind === "lxc" ? "pct" : "qm";
  const where = node.host === "pve" ? "" : ` on ${nodeTitle(node)}`;
  const hint = `\`${tool} ${state === "stopped" ? "start" : "resume"} ${guest.id}\`${where}`;
  return broken(`guest ${state}`, `${name} is ${state}`, { hint });
}

/** The firewall's rule that keeps a connection out, if there is one. */
export async function closed({ facts }: Looking, connection: Connection): Promise<Finding | undefined> {
  const live = await facts.firewall();
  return live !== undefined && "value" in live ? blocked(facts.site, live.value, connection) : undefined;
}

/** Fails because of a guest that another hop on it names. */
export async function downElsewhere(looking: Looking, host: HostName): Promise<Finding | undefined> {
  const down = await stopped(looking, host);
  return down === undefined ? undefined : affected(down.seen);
}

/** "pct exec 210 -- systemctl start nginx", or "systemctl start nginx" on the hypervisor. */
export function commandOn(host: HostName, command: string): string {
  const [kind, id] = host.split("/");
  if (kind === "lxc") return `pct exec ${id} -- ${command}`;
  return kind === "vm" ? `qm guest exec ${id} -- ${command}` : command;
}

/** A unit that does not run, as a finding. */
export async function unitDown(
  { facts }: Looking,
  host: HostName,
  unit: string,
): Promise<Finding | undefined> {
  const state = await facts.unit(host, unit);
  if (state === undefined || state.active) return undefined;
  const where = describeHost(facts.site, host);
  if (!state.installed)
    return broken("not installed", `${unit} is not installed in ${where}`, {
      hint: "`phoenix doctor` shows what is missing",
    });
  return broken("stopped", `${unit} is stopped in ${where}`, {
    hint: `\`${commandOn(host, `systemctl start ${unit}`)}\`; \`${commandOn(host, `journalctl -u ${unit}`)}\` shows why it ended`,
  });
}

export function containersIn({ hops }: Way): readonly ContainerHop[] {
  return hops.filter((hop) => hop.kind === "container");
}
