/** Whether the hypervisor can still be reached: new connections from itself, from a guest on its network, from the operator. */
import type { Io } from "../../component.ts";
import { CommandError, TransportError } from "../../errors.ts";
import { firewallOf, verdictOn } from "../../fabric/firewall.ts";
import { describeHost } from "../../fabric/guests.ts";
import { type FirewallPath, requiredPaths } from "../../fabric/paths.ts";
import { ports } from "../../fabric/ports.ts";
import type { Guest, RoleGuest, Site } from "../../model.ts";
import type { GuestName } from "../../resource.ts";
import { type ProbeAnswer, probeFrom } from "./probe.ts";

export interface Access {
  /** Who made the connection. */
  readonly sender: "pve" | GuestName | "operator";
  /** "10.0.0.13:8006 answers a new connection from lxc/102 (Traefik)". */
  readonly claim: string;
  readonly answers: boolean;
}

/** SSH, Proxmox's interface and DNS where Phoenix runs it: one check for each end and each sender. */
export async function checkAccess(io: Io): Promise<readonly Access[]> {
  const { address } = io.site.hypervisor;
  const own = [ports.ssh, ports.proxmox].map(async (port): Promise<Access> => {
    const claim = `${address}:${port} answers a new connection from the hypervisor itself`;
    return { sender: "pve", claim, answers: await answers(io, address, port) };
  });
  const [ownSeen, guestsSeen, operatorsSeen] = await Promise.all([
    Promise.all(own),
    fromGuest(io),
    fromOperator(io),
  ]);
  return [...ownSeen, ...guestsSeen, ...operatorsSeen];
}

/** What these connections do not prove, and what to do about it. */
export function unproved({ operator, site }: Io, seen: readonly Access[]): readonly string[] {
  const senders = new Set(seen.map(({ sender }) => sender));
  const gaps: string[] = [];
  const isRemote = operator !== undefined && operator !== site.hypervisor.address;
  if (isRemote && !senders.has("operator")) {
    const family = operator.includes(":") ? ", nor any other over IPv6" : "";
    gaps.push(
      `a new connection from ${operator} (this session) was not tried${family}: phoenix runs on the hypervisor; keep this session open until another one works`,
    );
  }
  if (![...senders].some((sender) => sender !== "pve")) {
    gaps.push(
      "no guest could be asked for a new connection, and the hypervisor's own to itself are not filtered: keep a session open until another one works",
    );
  }
  return gaps;
}

/** From the operator's machine, where Phoenix runs there: the way that this session took, whatever jump hosts it has. */
async function fromOperator({ operator, reconnect }: Io): Promise<readonly Access[]> {
  if (reconnect === undefined) return [];
  const claim = `the hypervisor answers a new ssh connection from ${operator ?? "this machine"} (this session)`;
  try {
    await reconnect();
    return [{ sender: "operator", claim, answers: true }];
  } catch (error) {
    if (error instanceof TransportError || error instanceof CommandError)
      return [{ sender: "operator", claim, answers: false }];
    throw error;
  }
}

/** How many guests are asked to prove the hypervisor's rules. */
const mostProvers = 3;

/** The guests that connect to the hypervisor to prove its rules: those with a role in the fabric, in a site without any its others. */
export function provers({ roles: { mesh, gateway, ca }, guests }: Site): readonly RoleGuest[] {
  const named = [mesh, gateway, ca].filter((guest) => guest !== undefined);
  const others = guests.filter((guest): guest is RoleGuest => !guest.template && guest.address !== undefined);
  // Containers answer in a fraction of a second, an agent in a virtual machine needs several.
  return [...(named.length > 0 ? named : others)]
    .sort((a, b) => Number(a.kind === "vm") - Number(b.kind === "vm"))
    .slice(0, mostProvers);
}

/** From the first guest that can run a probe; nothing when none can. */
async function fromGuest(io: Io): Promise<readonly Access[]> {
  for (const guest of provers(io.site)) {
    const paths = pathsFrom(io, guest);
    const ends = paths.map(({ address, port }) => `${address}:${port}`);
    const seen = ends.length === 0 ? undefined : await probeFrom(io, guest.host, ends);
    if (seen === undefined || seen.every((answer) => answer === "unknown")) continue;
    return seen.flatMap((answer: ProbeAnswer, at): readonly Access[] => {
      if (answer === "unknown") return [];
      const claim = `${ends[at]} answers a new connection from ${describeHost(io.site, guest.host)}`;
      return [{ sender: guest.host, claim, answers: answer === "answers" }];
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
