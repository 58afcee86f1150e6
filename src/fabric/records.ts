/** Every name that the site's own DNS server answers for, and the line that declares it. Pure. */
import type { DnsRecordLine } from "../formats/dnsmasq/index.ts";
import type { Guest, PortainerEnvironment, Service, Site } from "../model.ts";
import type { SourceRef } from "../resource.ts";
import { hostNameOf } from "./guests.ts";
import { memo } from "./memo.ts";
import { frontAddress } from "./services.ts";

/** A record, the place that declares it, and what it follows from. */
export interface DeclaredRecord extends DnsRecordLine {
  readonly from: SourceRef;
  readonly of:
    | { readonly kind: "service"; readonly service: Service }
    | { readonly kind: "agent"; readonly environment: PortainerEnvironment }
    | { readonly kind: "guest"; readonly guest: Guest }
    | { readonly kind: "portainer" | "ca" | "record" };
}

interface DeclaredRecords {
  readonly exact: readonly DeclaredRecord[];
  readonly wildcards: readonly DeclaredRecord[];
}

/**
 * Every record. Guests' own names come first because the first name of an address is its answer to PTR queries. Where two
 * sources name one host, the more specific one counts: a service before a guest that happens to have its name.
 */
export const recordsOf = memo((site: Site): DeclaredRecords => {
  const taken = new Set<string>();
  const take = (records: readonly DeclaredRecord[]): readonly DeclaredRecord[] => {
    const fresh = records.filter(({ name }) => !taken.has(name));
    for (const { name } of fresh) taken.add(name);
    return fresh;
  };
  const declared = unique(
    [
      serviceRecords(site),
      agentRecords(site),
      portainerRecords(site),
      caRecords(site),
      (site.dns?.records ?? []).map((record) => ({ ...record, of: { kind: "record" as const } })),
    ].flatMap(take),
  );
  const own = unique(take(guestRecords(site)));
  return {
    exact: [...own, ...declared.filter(({ name }) => !name.startsWith("*."))],
    wildcards: declared.filter(({ name }) => name.startsWith("*.")),
  };
});

function serviceRecords(site: Site): readonly DeclaredRecord[] {
  const front = frontAddress(site);
  return site.services.flatMap((service) => {
    const { names, path, guest, from } = service;
    const address = path === "routed" ? front : guest.address;
    if (address === undefined || path === "external") return [];
    const of = { kind: "service", service } as const;
    return names.map((name) => ({ name, address, from, of }));
  });
}

function agentRecords({ portainer }: Site): readonly DeclaredRecord[] {
  return (portainer?.environments ?? []).flatMap((environment): readonly DeclaredRecord[] => {
    const { hostname, guest, from } = environment;
    if (hostname === undefined) return [];
    return [{ name: hostname, address: guest.address, from, of: { kind: "agent", environment } }];
  });
}

function portainerRecords({ portainer }: Site): readonly DeclaredRecord[] {
  if (portainer === undefined) return [];
  const { hostname, guest } = portainer;
  return [{ name: hostname, address: guest.address, from: guest.from, of: { kind: "portainer" } }];
}

function caRecords({ ca, roles }: Site): readonly DeclaredRecord[] {
  if (ca === undefined || roles.ca === undefined) return [];
  return [{ name: ca.hostname, address: roles.ca.address, from: roles.ca.from, of: { kind: "ca" } }];
}

function guestRecords(site: Site): readonly DeclaredRecord[] {
  return site.guests.flatMap((guest): readonly DeclaredRecord[] => {
    const { template, address, from } = guest;
    if (template || address === undefined) return [];
    return [{ name: hostNameOf(site, guest), address, from, of: { kind: "guest", guest } }];
  });
}

/** Sorted by name, then address; without duplicates. */
function unique(records: readonly DeclaredRecord[]): readonly DeclaredRecord[] {
  const byKey = new Map(records.map((record) => [`${record.name} ${record.address}`, record]));
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, record]) => record);
}
