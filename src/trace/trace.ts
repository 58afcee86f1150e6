/** Measures the ways to a name, all hops side by side. Nothing is changed, and nothing waits longer than a few seconds. */
import type { Io } from "../component.ts";
import type { DnsHop, Hop } from "../fabric/hop.ts";
import type { GuestName, HostName } from "../resource.ts";
import { lookAtBackend } from "./backend.ts";
import { lookAtContainers } from "./container.ts";
import type { Looking } from "./context.ts";
import { lookAtServer, lookFromGuest } from "./dns.ts";
import { Facts } from "./facts.ts";
import type { Finding, TracedHop, TracedWay } from "./finding.ts";
import { lookAtGateway } from "./gateway.ts";
import { lookAtMesh } from "./mesh.ts";
import type { Target } from "./target.ts";
import { connectFromGuest, lookAtGuest, lookAtPort } from "./tcp.ts";
import { lookAtCertificate } from "./tls.ts";

/** @param from guests whose view is asked for besides those of the hypervisor, the gateway and the mesh */
export async function trace(
  io: Io,
  { ways, path }: Target,
  from: readonly GuestName[],
): Promise<readonly TracedWay[]> {
  const facts = new Facts(io);
  // The slowest first: Docker is asked through an agent, and an account of a container follows.
  for (const hop of ways.flatMap(({ hops }) => hops))
    if (hop.kind === "container") void facts.containers(hop.host);
  return Promise.all(
    ways.map(async (way) => {
      const looking: Looking = { facts, way, path };
      const hops = await Promise.all(way.hops.flatMap((hop) => viewsOf(looking, hop, from)));
      return { name: way.name, leadsTo: way.leadsTo, hops };
    }),
  );
}

/** A hop from every point of view that sees it: names and ports are looked at from guests as well. */
function viewsOf(looking: Looking, hop: Hop, from: readonly GuestName[]): readonly Promise<TracedHop>[] {
  const own = timed(hop, hop.host, () => look(looking, hop));
  if (hop.kind === "dns")
    return [own, ...resolvers(looking, from).map((guest) => fromGuest(looking, hop, guest, from))];
  if (hop.kind === "tcp")
    return [
      own,
      ...from
        .filter((guest) => guest !== hop.host)
        .map((guest) => timed(hop, guest, () => connectFromGuest(looking, hop, guest))),
    ];
  return [own];
}

function fromGuest(
  looking: Looking,
  hop: DnsHop,
  guest: GuestName,
  from: readonly GuestName[],
): Promise<TracedHop> {
  return timed(hop, guest, () => lookFromGuest(looking, hop, guest, from.includes(guest)));
}

/** The gateway and the mesh, where requests pass through them, and the guests that were asked for. */
function resolvers({ facts, way }: Looking, from: readonly GuestName[]): readonly GuestName[] {
  const { gateway, mesh } = facts.site.roles;
  const passed = way.hops.some(({ kind }) => kind === "gateway") ? [gateway?.host, mesh?.host] : [];
  return [...new Set([...passed.filter((host) => host !== undefined), ...from])];
}

async function timed(hop: Hop, host: HostName, measure: () => Promise<Finding>): Promise<TracedHop> {
  const started = performance.now();
  const finding = await measure();
  const durationMs = Math.round(performance.now() - started);
  const { kind, expected, from: declared } = hop;
  return { ...finding, kind, host, expected, declared, durationMs };
}

function look(looking: Looking, hop: Hop): Promise<Finding> {
  switch (hop.kind) {
    case "dns":
      return lookAtServer(looking, hop);
    case "tcp":
      return lookAtPort(looking, hop);
    case "tls":
      return lookAtCertificate(looking, hop);
    case "gateway":
      return lookAtGateway(looking, hop);
    case "mesh":
      return lookAtMesh(looking, hop);
    case "backend":
      return lookAtBackend(looking, hop);
    case "container":
      return lookAtContainers(looking, hop);
    case "guest":
      return lookAtGuest(looking, hop);
  }
}
