/** Every name that the site's own DNS server answers for, and the line that declares it. Pure. */
import type { DnsRecordLine } from "../formats/dnsmasq/index.ts";
import type { Site } from "../model.ts";
import type { SourceRef } from "../resource.ts";
import { hostNameOf } from "./guests.ts";
import { memo } from "./memo.ts";

/** A record and the place that declares it. */
export interface DeclaredRecord extends DnsRecordLine {
  readonly from: SourceRef;
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
      site.dns?.records ?? [],
    ].flatMap(take),
  );
  const own = unique(take(guestRecords(site)));
  return {
    exact: [...own, ...declared.filter(({ name }) => !name.startsWith("*."))],
    wildcards: declared.filter(({ name }) => name.startsWith("*.")),
  };
});

function serviceRecords({ services, roles }: Site): readonly DeclaredRecord[] {
  return services.flatMap(({ names, path, guest, from }) => {
    const { address } = (path === "routed" ? roles.gateway : guest) ?? {};
    return address === undefined || path === "external" ? [] : names.map((name) => ({ name, address, from }));
  });
}

function agentRecords({ portainer }: Site): readonly DeclaredRecord[] {
  return (portainer?.environments ?? []).flatMap(({ hostname, guest, from }) =>
    hostname === undefined ? [] : [{ name: hostname, address: guest.address, from }],
  );
}

function portainerRecords({ portainer }: Site): readonly DeclaredRecord[] {
  if (portainer === undefined) return [];
  const { hostname, guest } = portainer;
  return [{ name: hostname, address: guest.address, from: guest.from }];
}

function caRecords({ ca, roles }: Site): readonly DeclaredRecord[] {
  if (ca === undefined || roles.ca === undefined) return [];
  return [{ name: ca.hostname, address: roles.ca.address, from: roles.ca.from }];
}

function guestRecords(site: Site): readonly DeclaredRecord[] {
  return site.guests.flatMap((guest) =>
    guest.template || guest.address === undefined
      ? []
      : [{ name: hostNameOf(site, guest), address: guest.address, from: guest.from }],
  );
}

/** Sorted by name, then address; without duplicates. */
function unique(records: readonly DeclaredRecord[]): readonly DeclaredRecord[] {
  const byKey = new Map(records.map((record) => [`${record.name} ${record.address}`, record]));
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, record]) => record);
}
