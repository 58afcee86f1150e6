/** What DNS should say: derived from the guests, the one list of services, and the records declared by hand. */

import { hostNameOf } from "../../fabric/guests.ts";
import {
  type DnsRecordLine,
  dnsmasqConf,
  hostsFile,
  parseConf,
  parseHostsFile,
  wildcardConf,
} from "../../formats/dnsmasq/index.ts";
import type { Site } from "../../model.ts";
import type { Resource, SourceRef } from "../../resource.ts";
import { serviceResource } from "../resources.ts";

export const serviceId = "dns/service";

export const paths = {
  configuration: "/etc/dnsmasq.d/phoenix.conf",
  wildcards: "/etc/dnsmasq.d/phoenix-wildcards.conf",
  hostsDirectory: "/etc/phoenix/hosts.d",
  records: "/etc/phoenix/hosts.d/phoenix.hosts",
} as const;

/** A record and the place that declares it. */
export interface DeclaredRecord extends DnsRecordLine {
  readonly from: SourceRef;
}

/** Applied in this order: the server must find the records when it starts with the configuration. */
export function compile(site: Site): readonly Resource[] {
  const { dns } = site;
  if (dns?.enabled !== true) return [];
  const { exact, wildcards } = recordsOf(site);
  const outside = exact.map(({ name }) => name).filter((name) => !isWithin(name, site.domain));
  const configuration = dnsmasqConf({
    listen: ["127.0.0.1", site.hypervisor.address],
    domain: site.domain,
    upstreams: dns.upstreams,
    hostsDirectory: paths.hostsDirectory,
    localNames: [...new Set(outside)].sort(),
  });
  return [
    recordsResource(hostsFile(exact), fromOf(exact)),
    ...(wildcards.length === 0 ? [] : [wildcardsResource(wildcardConf(wildcards), fromOf(wildcards))]),
    configurationResource(configuration),
    serviceResource(serviceId, "pve", { installed: true, active: true, enabled: true }),
  ];
}

/**
 * Every record. Guests' own names come first because the first name of an address is its answer to PTR queries. Where two
 * sources name one host, the more specific one counts: a service before a guest that happens to have its name.
 */
export function recordsOf(site: Site): {
  readonly exact: readonly DeclaredRecord[];
  readonly wildcards: readonly DeclaredRecord[];
} {
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
}

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

export function recordsResource(text: string, from: Readonly<Record<string, SourceRef>> = {}): Resource {
  return { id: "dns/records", host: "pve", text, units: unitsOf(parseHostsFile(text)), from };
}

export function wildcardsResource(text: string, from: Readonly<Record<string, SourceRef>> = {}): Resource {
  const records = parseConf(text).flatMap(([option, value]) => {
    const [, name, address] = value.split("/");
    return option === "address" && name !== undefined && address !== undefined ? [{ name, address }] : [];
  });
  return { id: "dns/wildcards", host: "pve", text, units: unitsOf(records), from };
}

export function configurationResource(text: string): Resource {
  const units: Record<string, string> = {};
  for (const [option, value] of parseConf(text)) {
    units[option] = units[option] === undefined ? value : `${units[option]}, ${value}`;
  }
  return { id: "dns/configuration", host: "pve", text, units };
}

function unitsOf(records: readonly DnsRecordLine[]): Readonly<Record<string, string>> {
  const units: Record<string, string> = {};
  for (const { name, address } of records) {
    units[name] = units[name] === undefined ? address : `${units[name]}, ${address}`;
  }
  return units;
}

function fromOf(records: readonly DeclaredRecord[]): Readonly<Record<string, SourceRef>> {
  return Object.fromEntries(records.map(({ name, from }) => [name, from]));
}

/** Sorted by name, then address; without duplicates. */
function unique(records: readonly DeclaredRecord[]): readonly DeclaredRecord[] {
  const byKey = new Map(records.map((record) => [`${record.name} ${record.address}`, record]));
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, record]) => record);
}

function isWithin(name: string, domain: string): boolean {
  return name === domain || name.endsWith(`.${domain}`);
}
