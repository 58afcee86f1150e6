/** DNS records of a draft: each name once, whichever way the server writes it. */
import { expect, test } from "vitest";
import type { FoundDnsServer, FoundRecord } from "../../src/import/found.ts";
import { plain } from "../../src/import/json.ts";
import { recordsPart } from "../../src/import/parts/records.ts";
import { lineFacts } from "../../src/import/read/dnsmasq-facts.ts";
import type { Found } from "../../src/import/read/index.ts";

const source = { host: "pve", path: "/etc/dnsmasq.conf", line: 1 } as const;

function declared(...servers: readonly Partial<FoundDnsServer>[]): unknown {
  const whole = servers.map(
    (server): FoundDnsServer => ({
      ...{ software: "dnsmasq", source, isActive: true, upstreams: [], records: [] },
      domains: [{ name: "example.home", source }],
      ...server,
    }),
  );
  const found = { dns: { servers: whole }, network: { interfaces: [], domains: [] } } as unknown as Found;
  const { dns_server } = recordsPart(found, undefined).config as {
    dns_server: { dns_records: Parameters<typeof plain>[0] };
  };
  return plain(dns_server.dns_records);
}

const hostRecord = (value: string): readonly FoundRecord[] =>
  lineFacts({ name: "host-record", value, line: 1, source }).records;
const nas = { name: "nas.example.home", ip: "10.0.0.9" };

test("a name with and without its domain is one record", () => {
  expect(declared({ records: hostRecord("nas.example.home,nas,10.0.0.9") })).toEqual([nas]);
  expect(declared({ records: hostRecord("nas,nas.example.home,10.0.0.9") })).toEqual([nas]);
});

test("a name that another server has as well is one record", () => {
  const other = { host: "lxc/101", path: "/opt/AdGuardHome/AdGuardHome.yaml" } as const;
  const adguard = {
    software: "AdGuard Home",
    source: other,
    records: [
      { name: "nas", address: "10.0.0.9", source: other },
      { name: "nas.example.home", address: "10.0.0.9", source: other },
    ],
  } as const;
  expect(declared({ records: hostRecord("nas.example.home,10.0.0.9") }, adguard)).toEqual([nas]);
});
