/** Which checks prove a hop of a way, and which pending changes touch it. Pure. */
import type { ComponentName } from "../component.ts";
import type { Hop } from "../fabric/hop.ts";
import type { Portainer, Site } from "../model.ts";
import { type Change, diffUnits, type ResourceId, subjectOf } from "../resource.ts";

/** A check as a look, or an earlier run, has seen it. */
export interface SeenCheck {
  readonly component: ComponentName;
  readonly resource: ResourceId;
  readonly claim: string;
  readonly status: "pass" | "fail" | "waiting";
  readonly observed?: string;
  readonly hint?: string | undefined;
  /** When it last passed, in milliseconds since the epoch. */
  readonly passedMs?: number;
}

export interface Evidence {
  /** The checks that speak of a hop, failed ones first. */
  checksOf(hop: Hop, name: string): readonly SeenCheck[];
  /** What a sync would change at a hop, in a few words; undefined for nothing. */
  driftOf(hop: Hop, name: string): string | undefined;
  /** The failed checks that `checksOf` has not returned so far. */
  unclaimed(): readonly SeenCheck[];
}

export function evidenceOf(site: Site, checks: readonly SeenCheck[], changes: readonly Change[]): Evidence {
  const byClaim = new Map(checks.map((check) => [check.claim, check]));
  const byResource = new Map<ResourceId, SeenCheck[]>();
  for (const check of checks) {
    const known = byResource.get(check.resource);
    if (known === undefined) byResource.set(check.resource, [check]);
    else known.push(check);
  }
  const byId = new Map(changes.map((change) => [subjectOf(change).id, change]));
  const claimed = new Set<SeenCheck>();
  return {
    checksOf: (hop, name) => {
      const found = new Set([
        ...claimsOf(site, hop, name).flatMap((claim) => byClaim.get(claim) ?? []),
        ...stackResources(hop).flatMap((id) =>
          (byResource.get(id) ?? []).filter(({ claim }) => isAboutContainer(hop, claim)),
        ),
      ]);
      for (const check of found) claimed.add(check);
      return [...found].sort((a, b) => ranks[a.status] - ranks[b.status]);
    },
    driftOf: (hop, name) => driftAt(hop, name, byId),
    unclaimed: () => checks.filter((check) => check.status === "fail" && !claimed.has(check)),
  };
}

const ranks = { fail: 0, waiting: 1, pass: 2 } as const;

/** What the components claim of a hop when they verify. A test in the lab holds these words to theirs. */
function claimsOf({ roles, portainer }: Site, hop: Hop, name: string): readonly string[] {
  switch (hop.kind) {
    case "dns":
      return [`"${name.replace(/^\*/, "phoenix-probe")}" resolves to ${hop.address}`];
    case "tcp":
      return [`${hop.expected} is open to the hypervisor`];
    case "tls":
      return [
        ...(hop.host === roles.gateway?.host ? [`"${name}" serves the issued certificate`] : []),
        `"${name}" at ${hop.address}:${hop.port} serves this certificate`,
        `Portainer answers at https://${hop.address}:${hop.port} as "${name}", with a certificate of the CA`,
        `the hypervisor's trust store accepts "${name}" at ${hop.address}:${hop.port}`,
      ];
    case "gateway":
      return [`${roles.gateway?.address} serves the declared configuration`];
    case "mesh":
      return [
        `${roles.mesh?.address} has loaded the declared routes`,
        `router "${hop.service.id}" is enabled`,
      ];
    case "backend":
      return [
        `"${name}" is forwarded to ${hop.expected}`,
        `the agent at ${hop.expected} answers a ping`,
        `${hop.path.address}:${hop.path.port} is open to the hypervisor`,
        ...(hop.application === "ca" ? ["the CA reports that it is healthy"] : []),
      ];
    case "container":
      return hop.stack === undefined && portainer !== undefined ? ownClaims(portainer, hop) : [];
    case "guest":
      return [];
  }
}

/** Of Portainer's server and agents, which no stack declares. */
function ownClaims({ guest, port, hostname, environments }: Portainer, { host }: Hop): readonly string[] {
  return [
    ...(guest.host === host
      ? [
          `Portainer answers at https://${guest.address}:${port} as "${hostname}", with a certificate of the CA`,
        ]
      : []),
    ...environments
      .filter((each) => each.kind === "agent" && each.guest.host === host)
      .map((each) => `the agent at https://${each.guest.address}:${each.port} answers a ping`),
  ];
}

function stackResources(hop: Hop): readonly ResourceId[] {
  if (hop.kind !== "container" || hop.stack === undefined) return [];
  const { name, portainerEnvironment } = hop.stack;
  return [`stacks/${name}`, `stacks/${name}@${portainerEnvironment}`];
}

function isAboutContainer(hop: Hop, claim: string): boolean {
  if (hop.kind !== "container" || hop.stack === undefined) return false;
  const { name, guest } = hop.stack;
  return (
    claim === `Portainer shows the containers of ${name} on ${guest.name}` ||
    hop.services.some((service) => claim === `${service} of ${name} runs on ${guest.name}`)
  );
}

function driftAt(hop: Hop, name: string, changes: ReadonlyMap<ResourceId, Change>): string | undefined {
  switch (hop.kind) {
    case "dns":
      return change([name.startsWith("*") ? "dns/wildcards" : "dns/records"], (unit) => unit.includes(name));
    case "tls":
      return hop.certificate && change([`certificates/${hop.certificate.commonName}`]);
    case "gateway":
      return change(["nginx/gateway", "nginx/enabled"], (unit) => unit.includes(name) || !unit.includes("."));
    case "mesh":
      return change(["traefik/routes"], (unit) => unit.includes(hop.service.id));
    case "tcp":
    case "backend":
      return change([`firewall/group-${hop.host.replace("/", "-")}`], (unit) =>
        unit.includes(String(hop.path.port)),
      );
    case "container":
      return change(stackResources(hop));
    case "guest":
      return undefined;
  }
  function change(
    ids: readonly ResourceId[],
    isMeant: (unit: string) => boolean = () => true,
  ): string | undefined {
    for (const id of ids) {
      const found = changes.get(id);
      if (found === undefined) continue;
      if (found.verb !== "update") return `a sync would ${found.verb} ${id}`;
      const unit = diffUnits(found).find((each) => isMeant(each.unit));
      if (unit !== undefined) return `a sync would ${unit.verb} "${unit.unit}" in ${id}`;
    }
    return undefined;
  }
}
