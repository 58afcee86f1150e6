/** What DNS should say: derived from the guests, the one list of services, and the records declared by hand. */
import {
  type DnsRecordLine,
  dnsmasqConf,
  hostsFile,
  parseConf,
  parseHostsFile,
  wildcardConf,
} from "../../formats/dnsmasq/index.ts";
import { hostNameOf, type Site } from "../../model.ts";
import { canonicalJson, type Resource, type SourceRef } from "../../resource.ts";

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
  if (!site.dns.enabled) return [];
  const { exact, wildcards } = recordsOf(site);
  const outside = [
    ...new Set(exact.map(({ name }) => name).filter((name) => !isWithin(name, site.domain))),
  ].sort();
  const configuration = dnsmasqConf({
    listen: ["127.0.0.1", site.hypervisor.address],
    domain: site.domain,
    upstreams: site.dns.upstreams,
    hostsDirectory: paths.hostsDirectory,
    localNames: outside,
  });
  return [
    recordsResource(hostsFile(exact), fromOf(exact)),
    wildcardsResource(wildcardConf(wildcards), fromOf(wildcards)),
    configurationResource(configuration),
    serviceResource({ installed: true, active: true, enabled: true }),
  ];
}

/**
 * Every record, guests' own names first because an address's first name is what PTR queries get. Where two sources
 * name one host, the more specific one speaks: a service before a guest that happens to have its name.
 */
export function recordsOf(site: Site): {
  exact: readonly DeclaredRecord[];
  wildcards: readonly DeclaredRecord[];
} {
  const services = site.services.flatMap((service) =>
    service.names.map((name) => ({
      name,
      address: service.path === "routed" ? site.roles.gateway.address : service.guest.address,
      from: service.from,
    })),
  );
  const agents = (site.portainer?.environments ?? []).flatMap(({ hostname, guest, from }) =>
    hostname === undefined ? [] : [{ name: hostname, address: guest.address, from }],
  );
  const portainer =
    site.portainer === undefined
      ? []
      : [
          {
            name: site.portainer.hostname,
            address: site.portainer.guest.address,
            from: site.portainer.guest.from,
          },
        ];
  const ca = { name: site.ca.hostname, address: site.roles.ca.address, from: site.roles.ca.from };
  const guests = site.guests.flatMap((guest) =>
    guest.template || guest.address === undefined
      ? []
      : [{ name: hostNameOf(site, guest), address: guest.address, from: guest.from }],
  );

  const taken = new Set<string>();
  const isNew = ({ name }: DeclaredRecord): boolean => !taken.has(name);
  const take = (records: readonly DeclaredRecord[]): readonly DeclaredRecord[] => {
    const fresh = records.filter(isNew);
    for (const { name } of fresh) taken.add(name);
    return fresh;
  };
  const declared = unique([
    ...take(services),
    ...take(agents),
    ...take(portainer),
    ...take([ca]),
    ...take(site.dns.records),
  ]);
  const own = unique(take(guests));
  return {
    exact: [...own, ...declared.filter(({ name }) => !name.startsWith("*."))],
    wildcards: declared.filter(({ name }) => name.startsWith("*.")),
  };
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

export function serviceResource(state: { installed: boolean; active: boolean; enabled: boolean }): Resource {
  const word = (yes: boolean): string => (yes ? "yes" : "no");
  return {
    id: "dns/service",
    host: "pve",
    text: canonicalJson(state),
    units: {
      installed: word(state.installed),
      running: word(state.active),
      "starts at boot": word(state.enabled),
    },
  };
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

/** Sorted by name, then address; one record is there once. */
function unique(records: readonly DeclaredRecord[]): readonly DeclaredRecord[] {
  const byKey = new Map(records.map((record) => [`${record.name} ${record.address}`, record]));
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, record]) => record);
}

function isWithin(name: string, domain: string): boolean {
  return name === domain || name.endsWith(`.${domain}`);
}
