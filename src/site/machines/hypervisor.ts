/** The hypervisor and its DNS, read from the hypervisor's configuration. */
import { defined } from "../../defined.ts";
import { addressNumber, addressText } from "../../formats/ipv4/index.ts";
import { isIpv6Address } from "../../formats/ipv6/index.ts";
import type { Dns, DnsRecord, Hypervisor } from "../../model.ts";
import type { SourceRef } from "../../resource.ts";
import type { Cell } from "../text/cell.ts";
import type { Problems } from "../text/problems.ts";
import { hostName, hostOrWildcard, parseInterface, qualified } from "./addresses.ts";

/** Where Proxmox mounts the directories of network storages. */
const defaultMountBase = "/mnt/pve";
/** The bridge that Proxmox's installer creates. */
const defaultBridge = "vmbr0";

/** The domain in lower case. */
export function readDomain(config: Cell, problems: Problems): string | undefined {
  const cell = config.get("domain_name");
  if (cell?.text === undefined) return undefined;
  const hint = "use letters, digits and hyphens between dots: internal.example.net";
  const domain = hostName(cell.text);
  if (domain !== undefined && /(?:^|\.)local$/.test(domain))
    problems.report("PHX0311", cell, `${domain} is below .local, which multicast DNS answers for`, {
      hint: "use home.arpa, or a domain of your own",
    });
  return domain ?? problems.invalid("PHX0301", cell, "domain", hint);
}

export function readHypervisor(config: Cell, problems: Problems): Hypervisor | undefined {
  const network = config.get("network");
  const interfaces = network?.get("interfaces")?.each ?? [];
  const addressed = interfaces.filter((one) => one.get("address") !== undefined);
  const [bridge, ...others] = addressed;
  const cell = bridge?.get("address");
  if (bridge === undefined || cell === undefined) {
    const at = network?.get("interfaces")?.ref ?? network?.ref;
    if (at !== undefined)
      problems.report("PHX0207", at, "the hypervisor has no address", {
        hint: 'network.interfaces needs "address": "10.0.0.13/24"',
      });
    return undefined;
  }
  if (others.length > 0)
    return problems.report(
      "PHX0207",
      cell,
      "several interfaces have an address, and only the guests' bridge may have one",
      { related: others.map((one) => one.ref), hint: "keep only the guests' bridge in network.interfaces" },
    );
  if (cell.text === undefined) return undefined;
  const parsed = parseInterface(cell.text);
  if (parsed?.prefix === undefined)
    return problems.invalid("PHX0207", cell, "address with a prefix length", "write it like 10.0.0.13/24");
  return {
    address: parsed.address,
    prefix: parsed.prefix,
    network: `${addressText(parsed.network.first)}/${parsed.prefix}`,
    bridge: bridge.get("name")?.text ?? defaultBridge,
    mountBase: (config.get("mount_point_base")?.text ?? defaultMountBase).replace(/\/+$/, ""),
    from: cell.ref,
  };
}

/** The hypervisor's DNS server; a site may have none. @param guests the guests' own `dns_records`, with the default address of each */
export function readDns(
  config: Cell,
  domain: string,
  hypervisor: Hypervisor | undefined,
  guests: readonly { readonly records: Cell; readonly address: string | undefined }[],
  problems: Problems,
): Dns | undefined {
  const dns = config.get("dns_server");
  const enabled = dns?.get("enabled")?.flag ?? false;
  const own = [config.get("dns_records"), dns?.get("dns_records"), dns?.get("records")];
  const records = [
    ...own.flatMap((cell) => (cell === undefined ? [] : readRecords(cell, domain, undefined, problems))),
    ...guests.flatMap((guest) => readRecords(guest.records, domain, guest.address, problems)),
  ];
  warnSeveral(records, problems);
  if (dns === undefined) {
    const [first, ...others] = records.map(({ from }) => from);
    if (first === undefined) return undefined;
    return problems.report("PHX0312", first, "DNS records are declared, and no DNS server", {
      related: others.slice(0, 4),
      hint: 'declare it: "dns_server": {"enabled": true, …}; {"enabled": false} says that somebody else serves them',
    });
  }
  const upstreams = readUpstreams(dns, enabled, hypervisor, problems);
  return { enabled, upstreams, records, ...defined({ nodes: readNodes(dns.get("nodes"), problems) }) };
}

/** Whether the cluster has them is not known here. */
function readNodes(cell: Cell | undefined, problems: Problems): Dns["nodes"] {
  const nodes = cell?.items.flatMap(({ text, ref }) =>
    text === undefined ? [] : [{ name: text, from: ref }],
  );
  if (cell === undefined || nodes?.length !== 0) return nodes;
  return problems.report("PHX0313", cell, "no node runs the name server", {
    hint: 'name one, or leave the key out for all of them; "enabled": false switches the name server off',
  });
}

/** A name with several addresses is answered with all of them, which is seldom meant. */
function warnSeveral(records: readonly DnsRecord[], problems: Problems): void {
  const first = new Map<string, DnsRecord>();
  for (const record of records) {
    const other = first.get(record.name) ?? record;
    first.set(record.name, other);
    if (other.address === record.address) continue;
    const message = `${record.name} has the addresses ${other.address} and ${record.address}`;
    problems.report("PHX0310", record.from, message, {
      related: [other.from],
      hint: "clients get both in turn; upper and lower case are one name",
    });
  }
}

const upstreamHint = "IPv4 or IPv6, with a port where it is not 53: 9.9.9.9, 127.0.0.1#5335";

function readUpstreams(
  dns: Cell | undefined,
  enabled: boolean,
  hypervisor: Hypervisor | undefined,
  problems: Problems,
): readonly string[] {
  const cell = dns?.get("upstream_servers");
  const upstreams: string[] = [];
  for (const server of cell?.each ?? []) {
    if (server.text === undefined) continue;
    for (const address of server.text.split(/[\s,]+/).filter((part) => part !== "")) {
      const [, resolver = "", port = "53"] = /^([^#]*)(?:#(\d{1,5}))?$/.exec(address) ?? [];
      const isOwn = resolver === hypervisor?.address || /^127\.|^::1$/.test(resolver);
      if (!(addressNumber(resolver) !== undefined || isIpv6Address(resolver)) || Number(port) > 65_535)
        problems.invalid("PHX0307", { ref: server.ref, text: address }, "address", upstreamHint);
      else if (isOwn && port === "53")
        problems.report("PHX0307", server, `forwarding loop: ${address} is this DNS server itself`, {
          related: hypervisor === undefined ? [] : [hypervisor.from],
        });
      else if (!upstreams.includes(address)) upstreams.push(address);
    }
  }
  const isMissing = upstreams.length === 0 && (cell?.items ?? []).length === 0;
  if (enabled && dns !== undefined && isMissing) {
    const hint = 'name one or two: "upstream_servers": ["9.9.9.9"]';
    const message = "the DNS server has no upstream server for names outside the site";
    problems.report("PHX0307", cell ?? dns, message, { hint });
  }
  return upstreams;
}

function readRecords(
  cell: Cell,
  domain: string,
  ownAddress: string | undefined,
  problems: Problems,
): readonly DnsRecord[] {
  if (cell.isObject)
    return cell
      .entries()
      .filter(([key]) => !/^[_$]/.test(key))
      .flatMap(([key, value]) => record(key, value.text, value.keyRef, domain, problems) ?? []);
  return cell.items.flatMap((item) => {
    const name = item.isObject ? item.get("name") : item;
    if (name?.text !== undefined)
      return record(name.text, item.get("ip")?.text ?? ownAddress, name.ref, domain, problems) ?? [];
    if (item.isObject) problems.report("PHX0305", item, "this DNS record has no name");
    return [];
  });
}

function record(
  written: string,
  address: string | undefined,
  from: SourceRef,
  domain: string,
  problems: Problems,
): DnsRecord | undefined {
  const name = hostOrWildcard(written);
  if (name === undefined) return problems.invalid("PHX0208", { ref: from, text: written }, "host name");
  if (address === undefined || addressNumber(address) === undefined) {
    const what = address === undefined ? "no address" : `the invalid address ${JSON.stringify(address)}`;
    return problems.report("PHX0305", from, `the DNS record ${name} has ${what}`);
  }
  return { name: name.includes(".") ? name : qualified(name, domain), address, from };
}
