/** The DNS server: whether the hypervisor serves DNS, its resolvers, and the records that Phoenix would not derive by itself. Pure. */
import { recordsOf } from "../../components/dns/compile.ts";
import type { Site } from "../../model.ts";
import type { DraftPart } from "../draft.ts";
import type { FoundDns, FoundDnsServer, FoundRecord } from "../found.ts";
import { noted } from "../json.ts";
import type { Found } from "../read/index.ts";

/** Everything but the records. */
export function dnsPart({ dns, network }: Found): DraftPart {
  const own = ownServer(dns);
  const isAnswering = own?.isActive === true;
  const addresses = network.interfaces.map(({ address }) => address?.address);
  const candidates = (own?.upstreams.length ?? 0) > 0 ? (own?.upstreams ?? []) : network.resolvers;
  // A server that is asked by the hypervisor itself is not its own resolver.
  const upstreams = candidates.filter(
    ({ address }) => !addresses.includes(address) && !/^(?:127\.[\d.]+|::1)(?:#53)?$/.test(address),
  );
  const isAlone = isAnswering && upstreams.length === 0;
  return {
    config: {
      dns_server: {
        enabled: isAnswering && !isAlone,
        ...(upstreams.length === 0
          ? {}
          : { upstream_servers: upstreams.map(({ address, source }) => noted(address, source)) }),
      },
    },
    left:
      own === undefined || !isAlone
        ? []
        : [
            {
              source: own.source,
              what: "dnsmasq answers on the hypervisor",
              reason:
                "no resolver for other names was found: name one in upstream_servers, then enable dns_server",
            },
          ],
  };
}

/** The one that Phoenix can take over: dnsmasq on the hypervisor. */
function ownServer({ servers }: FoundDns): FoundDnsServer | undefined {
  return servers.find(({ software, source }) => software === "dnsmasq" && source.host === "pve");
}

/** @param site what the draft declares without these records; undefined when that is not a site */
export function recordsPart({ dns }: Found, site: Site | undefined): DraftPart {
  const { exact, wildcards } = site === undefined ? { exact: [], wildcards: [] } : recordsOf(site);
  const derived = new Set([...exact, ...wildcards].map(keyOf));
  const found = unique(dns.servers.flatMap(({ records }) => records)).filter(
    (record) => !derived.has(keyOf(record)),
  );
  if (found.length === 0) return {};
  return {
    config: {
      dns_server: {
        dns_records: found.map(({ name, address, source }) => noted({ name, ip: address }, source)),
      },
    },
  };
}

function unique(records: readonly FoundRecord[]): readonly FoundRecord[] {
  return [...new Map(records.map((record) => [keyOf(record), record])).values()];
}

function keyOf({ name, address }: { readonly name: string; readonly address: string }): string {
  return `${name} ${address}`;
}
