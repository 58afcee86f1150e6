/** What DNS should say: derived from the guests, the one list of services, and the records declared by hand. */

import { type DeclaredRecord, recordsOf } from "../../fabric/records.ts";
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
import { countWords, serviceResource } from "../resources.ts";

export const serviceId = "dns/service";

export const paths = {
  configuration: "/etc/dnsmasq.d/phoenix.conf",
  wildcards: "/etc/dnsmasq.d/phoenix-wildcards.conf",
  hostsDirectory: "/etc/phoenix/hosts.d",
  records: "/etc/phoenix/hosts.d/phoenix.hosts",
} as const;

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

export function recordsResource(text: string, from: Readonly<Record<string, SourceRef>> = {}): Resource {
  const units = unitsOf(parseHostsFile(text));
  const summary = countWords(Object.keys(units).length, "name");
  return { id: "dns/records", host: "pve", text, units, summary, from };
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

function isWithin(name: string, domain: string): boolean {
  return name === domain || name.endsWith(`.${domain}`);
}
