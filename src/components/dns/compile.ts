/** What DNS should say: derived from the guests, the one list of services, and the records declared by hand. */

import { dnsNodes, idOn, type SiteNode } from "../../fabric/nodes.ts";
import { type DeclaredRecord, recordsOf } from "../../fabric/records.ts";
import {
  type DnsRecordLine,
  dnsmasqConf,
  hostsFile,
  parseConf,
  parseHostsFile,
  wildcardConf,
} from "../../formats/dnsmasq/index.ts";
import type { UnitState } from "../../formats/systemd/index.ts";
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

export function compile(site: Site): readonly Resource[] {
  return dnsNodes(site).flatMap((node) => resourcesOn(site, node));
}

/** Where dnsmasq of a node listens. */
export function listenOn({ address }: SiteNode): readonly string[] {
  return ["127.0.0.1", address];
}

/** Applied in this order: the server must find the records when it starts with the configuration. */
function resourcesOn(site: Site, node: SiteNode): readonly Resource[] {
  const { exact, wildcards } = recordsOf(site);
  const outside = exact.map(({ name }) => name).filter((name) => !isWithin(name, site.domain));
  const configuration = dnsmasqConf({
    listen: listenOn(node),
    domain: site.domain,
    upstreams: site.dns?.upstreams ?? [],
    hostsDirectory: paths.hostsDirectory,
    localNames: [...new Set(outside)].sort(),
  });
  return [
    recordsResource(node, hostsFile(exact), fromOf(exact)),
    ...(wildcards.length === 0 ? [] : [wildcardsResource(node, wildcardConf(wildcards), fromOf(wildcards))]),
    configurationResource(node, configuration),
    unitResource(node, { installed: true, active: true, enabled: true }),
  ];
}

type From = Readonly<Record<string, SourceRef>>;

export function recordsResource(node: SiteNode, text: string, from: From = {}): Resource {
  const units = unitsOf(parseHostsFile(text));
  const summary = countWords(Object.keys(units).length, "name");
  return { id: idOn(node, "dns/records"), host: node.host, text, units, summary, from };
}

export function wildcardsResource(node: SiteNode, text: string, from: From = {}): Resource {
  const records = parseConf(text).flatMap(([option, value]) => {
    const [, name, address] = value.split("/");
    return option === "address" && name !== undefined && address !== undefined ? [{ name, address }] : [];
  });
  return { id: idOn(node, "dns/wildcards"), host: node.host, text, units: unitsOf(records), from };
}

export function configurationResource(node: SiteNode, text: string): Resource {
  const units: Record<string, string> = {};
  for (const [option, value] of parseConf(text)) {
    units[option] = units[option] === undefined ? value : `${units[option]}, ${value}`;
  }
  return { id: idOn(node, "dns/configuration"), host: node.host, text, units };
}

export function unitResource(node: SiteNode, state: UnitState): Resource {
  return serviceResource(idOn(node, serviceId), node.host, state);
}

function unitsOf(records: readonly DnsRecordLine[]): Readonly<Record<string, string>> {
  const units: Record<string, string> = {};
  for (const { name, address } of records) {
    units[name] = units[name] === undefined ? address : `${units[name]}, ${address}`;
  }
  return units;
}

function fromOf(records: readonly DeclaredRecord[]): From {
  return Object.fromEntries(records.map(({ name, from }) => [name, from]));
}

function isWithin(name: string, domain: string): boolean {
  return name === domain || name.endsWith(`.${domain}`);
}
