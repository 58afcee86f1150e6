/** The DNS server: whether the hypervisor serves DNS, its resolvers, and the records that Phoenix would not derive by itself. Pure. */

import { defined } from "../../defined.ts";
import { recordsOf } from "../../fabric/records.ts";
import type { Site } from "../../model.ts";
import type { DraftPart } from "../draft.ts";
import type { FoundDns, FoundDnsServer, FoundRecord, Left } from "../found.ts";
import { noted } from "../json.ts";
import type { Found } from "../read/index.ts";
import { domainOf } from "./machines.ts";

/** Everything but the records. */
export function dnsPart({ dns, network }: Found): DraftPart {
  const own = ownServer(dns);
  const isOn = own?.isActive === true;
  const addresses = network.interfaces.map(({ address }) => address?.address);
  // A server that is asked by the hypervisor itself is not its own resolver.
  const upstreams = (isOn ? own.upstreams : dns.servers.flatMap((server) => server.upstreams)).filter(
    ({ address }) => !addresses.includes(address) && !/^(?:127\.[\d.]+|::1)(?:#53)?$/.test(address),
  );
  const entries = [
    ...new Map(upstreams.map((one) => [one.address, noted(one.address, one.source)])).values(),
  ];
  return {
    config: {
      dns_server: defined({
        enabled: isOn && entries.length > 0,
        upstream_servers: entries.length === 0 ? undefined : entries,
      }),
    },
    left: [
      ...(isOn && entries.length === 0
        ? [
            {
              source: own.source,
              what: "dnsmasq answers on the hypervisor",
              reason:
                "no resolver for other names was found: name one in upstream_servers, then enable dns_server",
            },
          ]
        : []),
      ...dns.servers.filter((server) => server !== own).map(otherServer),
    ],
  };
}

/** The one that Phoenix can take over: dnsmasq on the hypervisor. */
function ownServer({ servers }: FoundDns): FoundDnsServer | undefined {
  return servers.find(({ software, source }) => software === "dnsmasq" && source.host === "pve");
}

function otherServer({ software, source }: FoundDnsServer): Left {
  return {
    source,
    what: `${software} answers DNS`,
    reason:
      "Phoenix serves DNS from the hypervisor: the records are in the site, and this server stays as it is",
  };
}

/** @param site what the draft declares without these records; undefined when that is not a site */
export function recordsPart({ dns, network }: Found, site: Site | undefined): DraftPart {
  const domain = domainOf({ dns, network })?.name;
  const recordsIn = ({ records }: FoundDnsServer): readonly FoundRecord[] =>
    records.map((record) => ({ ...record, name: fullName(record.name, domain) }));
  const { exact, wildcards } = site === undefined ? { exact: [], wildcards: [] } : recordsOf(site);
  const derived = new Set([...exact, ...wildcards].map(keyOf));
  const own = ownServer(dns);
  const active = own?.isActive === true ? own : undefined;
  const first = active === undefined ? [] : recordsIn(active);
  const taken = new Set(first.map(({ name }) => name));
  const others = dns.servers.filter((server) => server !== own).flatMap(recordsIn);
  // Where the hypervisor answers already, its answer is the one that a sync keeps.
  const contradicted = unique(others).filter(
    (record) => taken.has(record.name) && !first.some((one) => keyOf(one) === keyOf(record)),
  );
  const found = unique([...first, ...others.filter((record) => !contradicted.includes(record))]).filter(
    (record) => !derived.has(keyOf(record)),
  );
  const left = contradicted.map(
    ({ name, address, source }): Left => ({
      source,
      what: `${name} is ${address}`,
      reason: "the hypervisor's own DNS has another address for the name, which is in the site",
    }),
  );
  if (found.length === 0) return { left };
  return {
    config: {
      dns_server: {
        dns_records: found.map(({ name, address, source }) => noted({ name, ip: address }, source)),
      },
    },
    left,
  };
}

/** A name as the site has it: what has no dot is a name of its domain. */
function fullName(name: string, domain: string | undefined): string {
  return domain === undefined || name.includes(".") ? name : `${name}.${domain}`;
}

function unique(records: readonly FoundRecord[]): readonly FoundRecord[] {
  return [...new Map(records.map((record) => [keyOf(record), record])).values()];
}

function keyOf({ name, address }: { readonly name: string; readonly address: string }): string {
  return `${name} ${address}`;
}
