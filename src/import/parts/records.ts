/** The DNS server: whether the hypervisor serves DNS, its resolvers, and the records that people gave it. */
import { defined } from "../../defined.ts";
import type { DraftPart } from "../draft.ts";
import type { FoundRecord } from "../found.ts";
import { noted } from "../json.ts";
import type { Found } from "../read/index.ts";

export function recordsPart({ dns }: Found): DraftPart {
  const own = dns.servers.find(({ software, source }) => software === "dnsmasq" && source.host === "pve");
  const records = dns.servers.flatMap((server) => server.records);
  const upstreams = own?.upstreams ?? [];
  return {
    config: {
      dns_server: defined({
        enabled: own?.isActive === true,
        upstream_servers:
          upstreams.length === 0 ? undefined : upstreams.map(({ address, source }) => noted(address, source)),
        dns_records:
          records.length === 0
            ? undefined
            : unique(records).map(({ name, address, source }) => noted({ name, ip: address }, source)),
      }),
    },
  };
}

function unique(records: readonly FoundRecord[]): readonly FoundRecord[] {
  return [...new Map(records.map((record) => [`${record.name} ${record.address}`, record])).values()];
}
