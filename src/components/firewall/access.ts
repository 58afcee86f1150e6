/** Whether the hypervisor can still be reached: new connections from itself and from a guest on its network. */
import type { Io } from "../../component.ts";
import { TransportError } from "../../errors.ts";
import { firewallOf, verdictOn } from "../../fabric/firewall.ts";
import { describeHost } from "../../fabric/guests.ts";
import { type FirewallPath, requiredPaths } from "../../fabric/paths.ts";
import { ports } from "../../fabric/ports.ts";
import type { Guest } from "../../model.ts";
import { type ProbeAnswer, probeFrom } from "./probe.ts";

export interface Access {
  /** "10.0.0.13:8006 answers a new connection from lxc/102 (Traefik)". */
  readonly claim: string;
  readonly answers: boolean;
}

/** SSH, Proxmox's interface and DNS where Phoenix runs it: one check for each end and each sender. */
export async function checkAccess(io: Io): Promise<readonly Access[]> {
  const { address } = io.site.hypervisor;
  const own = [ports.ssh, ports.proxmox].map(async (port): Promise<Access> => {
    const claim = `${address}:${port} answers a new connection`;
    return { claim, answers: await answers(io, address, port) };
  });
  const [ownSeen, guestsSeen] = await Promise.all([Promise.all(own), fromGuest(io)]);
  return [...ownSeen, ...guestsSeen];
}

/** From the first of the fabric's guests that can run a probe; nothing when none can. */
async function fromGuest(io: Io): Promise<readonly Access[]> {
  const { mesh, gateway, ca } = io.site.roles;
  // Containers answer in a fraction of a second, an agent in a virtual machine needs several.
  const guests = [mesh, gateway, ca].sort((a, b) => Number(a.kind === "vm") - Number(b.kind === "vm"));
  for (const guest of guests) {
    const paths = pathsFrom(io, guest);
    const ends = paths.map(({ address, port }) => `${address}:${port}`);
    const seen = ends.length === 0 ? undefined : await probeFrom(io, guest.host, ends);
    if (seen === undefined || seen.every((answer) => answer === "unknown")) continue;
    return seen.flatMap((answer: ProbeAnswer, at): readonly Access[] => {
      if (answer === "unknown") return [];
      const claim = `${ends[at]} answers a new connection from ${describeHost(io.site, guest.host)}`;
      return [{ claim, answers: answer === "answers" }];
    });
  }
  return [];
}

/** The hypervisor's paths from the network that this guest's own rules let out. */
function pathsFrom(io: Io, guest: Guest): readonly FirewallPath[] {
  const firewall = firewallOf(io.site);
  return requiredPaths(io.site)
    .filter(({ to, from, protocol }) => to === "pve" && from === "network" && protocol === "tcp")
    .filter((path) => verdictOn(io.site, firewall, { ...path, from: guest.host }).action === "ACCEPT");
}

/** A refusal is an answer: nothing listens there, and no firewall drops the packets. */
async function answers(io: Io, address: string, port: number): Promise<boolean> {
  try {
    const seen = await io.network.connect(address, port);
    return seen.ok || seen.reason === "refused";
  } catch (error) {
    if (error instanceof TransportError) return false;
    throw error;
  }
}
