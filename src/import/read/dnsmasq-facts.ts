/** What dnsmasq's options and hosts files say of names: records that the site can declare, and the rest. Pure. */
import type { ConfLine } from "../../formats/dnsmasq/index.ts";
import { addressNumber } from "../../formats/ipv4/index.ts";
import { isIpv6Address } from "../../formats/ipv6/index.ts";
import type { HostName } from "../../resource.ts";
import type { FoundRecord, Left, Source } from "../found.ts";

/** An option with its place. */
export interface PlacedLine extends ConfLine {
  readonly source: Source;
}

/** What a line, or a file, says. */
export interface DnsFacts {
  readonly records: readonly FoundRecord[];
  /** Names that are answered with nothing, to block them. */
  readonly blocked: readonly Source[];
  readonly left: readonly Left[];
  /** It says nothing of names. */
  readonly isSetting: boolean;
}

/** Nothing at all. */
export const noFacts: DnsFacts = { records: [], blocked: [], left: [], isSetting: false };

/** Options that other readers take, or that only say what else is read. */
const elsewhere = new Set([
  ...["domain", "local", "expand-hosts", "no-hosts", "addn-hosts", "hostsdir", "conf-dir", "conf-file"],
  ...["no-resolv", "resolv-file", "domain-needed", "bogus-priv"],
]);

/** Records that the site has no words for. */
const foreign: Readonly<Record<string, string>> = {
  // It follows its target, which an address does not.
  cname: "an alias",
  "ptr-record": "a PTR record",
  "txt-record": "a TXT record",
  "srv-host": "an SRV record",
  "mx-host": "an MX record",
  "naptr-record": "a NAPTR record",
  "caa-record": "a CAA record",
  "dns-rr": "a record of another type",
  "interface-name": "the address of an interface",
  "dynamic-host": "an address that changes",
  "synth-domain": "a range of made names",
  "dhcp-host": "a name that DHCP gives",
  alias: "a translation of addresses",
};

export function lineFacts(line: PlacedLine): DnsFacts {
  const { name, value, source } = line;
  const told = (reason: string): DnsFacts => ({
    ...noFacts,
    left: [{ source, what: `${name}=${value}`, reason }],
  });
  switch (name) {
    case "host-record":
      return hostRecord(line, told);
    case "address":
      return address(line, told);
    case "server":
    case "rev-server":
      return value.startsWith("/") && !value.endsWith("/")
        ? told("a resolver for one domain cannot be declared: the line stays in force")
        : noFacts;
    default: {
      const kind = Object.hasOwn(foreign, name) ? foreign[name] : undefined;
      if (kind !== undefined) return told(`${kind} cannot be declared: the line stays in force`);
      return elsewhere.has(name) ? noFacts : { ...noFacts, isSetting: true };
    }
  }
}

type Tell = (reason: string) => DnsFacts;

/** `host-record=name[,name…],address[,address][,ttl]`. */
function hostRecord({ value, source }: PlacedLine, told: Tell): DnsFacts {
  const parts = value.split(",").map((part) => part.trim());
  const isAddress = (part: string): boolean => addressNumber(part) !== undefined || isIpv6Address(part);
  const names = parts.slice(0, parts.findIndex(isAddress)).map((part) => part.toLowerCase());
  const addresses = parts.filter((part) => addressNumber(part) !== undefined);
  if (addresses.length === 0) return told("it has no IPv4 address");
  const records = addresses.flatMap((each) => names.map((name) => ({ name, address: each, source })));
  const others = parts.filter(isIpv6Address);
  if (others.length === 0) return { ...noFacts, records };
  return { ...told(`its IPv6 address ${others.join(", ")} cannot be declared`), records };
}

/** `address=/name[/name…]/address`: the name and everything below it; `*.name` leaves the name itself out. */
function address({ value, source }: PlacedLine, told: Tell): DnsFacts {
  const [, ...parts] = value.split("/");
  const answer = parts.pop() ?? "";
  if (answer === "" || answer === "#" || answer === "0.0.0.0" || answer === "::")
    return { ...noFacts, blocked: parts.map(() => source) };
  if (isIpv6Address(answer)) return told("an IPv6 address cannot be declared");
  if (addressNumber(answer) === undefined || parts.length === 0) return told("it is not understood");
  const records = parts.flatMap((part): readonly FoundRecord[] => {
    const domain = part.toLowerCase().replace(/^\./, "");
    if (domain.startsWith("*.")) return [{ name: domain, address: answer, source }];
    return [domain, `*.${domain}`].map((name) => ({ name, address: answer, source }));
  });
  return { ...noFacts, records };
}

/**
 * The records of a hosts file. Loopback addresses name the machine itself.
 * @param domain what `expand-hosts` appends to names without a dot
 */
export function hostsFacts(host: HostName, path: string, text: string, domain: string | undefined): DnsFacts {
  const facts = text.split("\n").map((row, at): DnsFacts => {
    const [written = "", ...names] = row.replace(/#.*/, "").trim().toLowerCase().split(/\s+/);
    const source: Source = { host, path, line: at + 1 };
    if (names.length === 0 || /^127\.|^::1$|^f[ef]0[0-2]::/.test(written)) return noFacts;
    if (written === "0.0.0.0" || written === "::") return { ...noFacts, blocked: names.map(() => source) };
    const told = (reason: string): Left => ({ source, what: row.trim(), reason });
    if (isIpv6Address(written)) return { ...noFacts, left: [told("an IPv6 address cannot be declared")] };
    if (addressNumber(written) === undefined) return { ...noFacts, left: [told("it is not understood")] };
    const full = names.filter((name) => name.includes("."));
    const short = names.filter((name) => !name.includes("."));
    const expanded = domain === undefined ? [] : short.map((name) => `${name}.${domain}`);
    // A short name beside its full one is what clients' search domains give as well.
    const alone = short.filter((name) => !full.some((each) => each.startsWith(`${name}.`)));
    return {
      ...noFacts,
      records: [...new Set([...full, ...expanded])].map((name) => ({ name, address: written, source })),
      left:
        domain !== undefined || alone.length === 0
          ? []
          : [told(`${alone.join(", ")} has no domain: the site's names have one`)],
    };
  });
  return {
    records: facts.flatMap(({ records }) => records),
    blocked: facts.flatMap(({ blocked }) => blocked),
    left: facts.flatMap(({ left }) => left),
    isSetting: false,
  };
}

/** What of all facts is left out; what is blocked is counted by file. */
export function leftOf(facts: readonly DnsFacts[]): readonly Left[] {
  return [...facts.flatMap(({ left }) => left), ...blockedLists(facts.flatMap(({ blocked }) => blocked))];
}

function blockedLists(blocked: readonly Source[]): readonly Left[] {
  const byFile = new Map<string, Source[]>();
  for (const source of blocked) {
    const key = `${source.host} ${source.path}`;
    const known = byFile.get(key);
    if (known === undefined) byFile.set(key, [source]);
    else known.push(source);
  }
  return [...byFile.values()].flatMap((sources) => {
    const [first] = sources;
    if (first === undefined) return [];
    const what = sources.length === 1 ? "1 blocked name" : `${sources.length} blocked names`;
    return [
      {
        source: { host: first.host, path: first.path },
        what,
        reason: "blocking cannot be declared: the file stays in force",
      },
    ];
  });
}
