/** The ways to every declared name as the picture shows them: each hop with its state and its last proof. Pure. */
import { defined } from "../defined.ts";
import type { Hop, Way } from "../fabric/hop.ts";
import { tracedNames, waysTo } from "../fabric/hops.ts";
import type { Site } from "../model.ts";
import type { DashboardDocument } from "../render/output-dashboard.ts";
import type { GuestState } from "../render/status.ts";
import type { HostName } from "../resource.ts";
import type { Evidence } from "./proofs.ts";

export type ShownWay = DashboardDocument["ways"][number];
type ShownHop = ShownWay["hops"][number];
type State = ShownHop["state"];

/** The worst first. */
const worst: readonly State[] = ["broken", "drift", "waiting", "unknown", "proved"];

/** @param guests whether the guests answer, and when they were asked; empty before that */
export function shownWays(
  site: Site,
  evidence: Evidence,
  guests: ReadonlyMap<string, GuestState>,
  askedMs: number | undefined,
): readonly ShownWay[] {
  const shown = (hop: Hop, name: string): ShownHop => {
    const proof =
      hop.kind === "guest" ? guestProof(guests.get(hop.host), askedMs) : proofOf(evidence, hop, name);
    const { file, line } = hop.from;
    return {
      ...{ kind: hop.kind, host: hop.host, label: labelOf(site, hop), expected: hop.expected },
      ...proof,
      at: { file, line },
    };
  };
  return tracedNames(site).flatMap((name) =>
    waysTo(site, name).map((way) => {
      const hops = impliedProofs(way.hops.map((hop) => shown(hop, name)));
      const state = worst.find((each) => hops.some((hop) => hop.state === each)) ?? "unknown";
      return { name, leadsTo: way.leadsTo, host: endOf(site, way), state, hops };
    }),
  );
}

type Proof = Pick<ShownHop, "state"> & Partial<Pick<ShownHop, "seen" | "hint" | "proved">>;

function proofOf(evidence: Evidence, hop: Hop, name: string): Proof {
  const checks = evidence.checksOf(hop, name);
  const [first] = checks;
  const drift = evidence.driftOf(hop, name);
  const times = checks.flatMap(({ passedMs }) => passedMs ?? []);
  const proved = times.length < checks.length || times.length === 0 ? undefined : Math.min(...times);
  const state =
    first?.status === "fail"
      ? "broken"
      : drift !== undefined
        ? "drift"
        : first === undefined
          ? "unknown"
          : first.status === "waiting"
            ? "waiting"
            : "proved";
  const seen = state === "broken" ? `check failed: ${first?.claim}: ${first?.observed ?? "no"}` : drift;
  return {
    state,
    ...defined({ seen, hint: state === "broken" ? first?.hint : undefined, proved: iso(proved) }),
  };
}

function guestProof(guest: GuestState | undefined, askedMs: number | undefined): Proof {
  if (guest === undefined) return { state: "unknown" };
  if (guest.state === "answers") return { state: "proved", ...defined({ proved: iso(askedMs) }) };
  return { state: "broken", seen: guest.note };
}

/**
 * A hop that no check speaks of is proved by one that needs it: a handshake needs the connection before it, an answer of the
 * backend needs its container.
 */
function impliedProofs(hops: readonly ShownHop[]): readonly ShownHop[] {
  const known = [...hops];
  const imply = (at: number, by: ShownHop | undefined): void => {
    const hop = known[at];
    if (hop === undefined || hop.state !== "unknown" || by?.state !== "proved" || by.host !== hop.host)
      return;
    known[at] = { ...hop, state: "proved", ...defined({ proved: by.proved }) };
  };
  for (let at = known.length - 2; at >= 0; at -= 1)
    if (known[at]?.kind === "tcp" || known[at]?.kind === "tls") imply(at, known[at + 1]);
  for (let at = 1; at < known.length; at += 1)
    if (known[at]?.kind === "container" && known[at - 1]?.kind === "backend") imply(at, known[at - 1]);
  return known;
}

function labelOf(site: Site, hop: Hop): string {
  switch (hop.kind) {
    case "dns":
      return hop.address;
    case "tcp":
      return `:${hop.path.port}`;
    case "tls":
      return hop.certificate?.commonName ?? (hop.issuer === "own" ? "self-signed" : "CA");
    case "gateway":
    case "guest":
      return nameOf(site, hop.host);
    case "mesh":
      return hop.service.id;
    case "backend":
      return `${nameOf(site, hop.host)}:${hop.path.port}`;
    case "container":
      return hop.container ?? hop.services.join(", ");
  }
}

function nameOf({ guests }: Site, host: HostName): string {
  return guests.find((guest) => guest.host === host)?.name ?? host;
}

function endOf(site: Site, { hops }: Way): HostName {
  return hops.findLast(({ kind }) => kind !== "dns")?.host ?? hostAt(site, hops) ?? "pve";
}

/** A record that leads to nothing that Phoenix knows may still name a machine's address. */
function hostAt({ guests }: Site, hops: readonly Hop[]): HostName | undefined {
  const [dns] = hops;
  return dns?.kind === "dns" ? guests.find(({ address }) => address === dns.address)?.host : undefined;
}

/** ISO 8601, as documents write times. */
export function iso(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
}
