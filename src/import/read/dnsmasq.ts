/** dnsmasq's records and resolvers from all files that it loads (dnsmasq 2.90). */
import { type ConfLine, parseConfLines } from "../../formats/dnsmasq/index.ts";
import { addressNumber } from "../../formats/ipv4/index.ts";
import { unitCommands, unitState } from "../../formats/systemd/index.ts";
import type { HostName } from "../../resource.ts";
import type { FoundDnsServer, FoundDomain, FoundRecord, FoundUpstream, ReadIo, Source } from "../found.ts";
import { entriesOn, filesOn, outputOn } from "./files.ts";

const main = "/etc/dnsmasq.conf";
const directory = "/etc/dnsmasq.d";

/** An option with its place. */
export interface PlacedLine extends ConfLine {
  readonly source: Source;
}

/** The dnsmasq of a host; undefined where none is installed. */
export async function readDnsmasq(io: ReadIo, host: HostName): Promise<FoundDnsServer | undefined> {
  const state = unitState((await outputOn(io, host, unitCommands("dnsmasq").show.argv, true)) ?? "");
  if (!state.installed) return undefined;
  const lines = await configuration(io, host);
  const hosts = await hostsFiles(io, host, lines);
  const records = [...lines.flatMap((line) => addressRecords(io, line)), ...hosts];
  return {
    software: "dnsmasq",
    source: { host, path: main },
    isActive: state.active,
    records,
    upstreams: lines.flatMap(upstreamsOf),
    domains: lines.flatMap(domainsOf),
  };
}

/** The options of the main file and Debian's directory, and of the files that they name. */
async function configuration(io: ReadIo, host: HostName): Promise<readonly PlacedLine[]> {
  const seen = new Set<string>();
  const load = async (paths: readonly string[]): Promise<readonly PlacedLine[]> => {
    const fresh = paths.filter((path) => !seen.has(path));
    for (const path of fresh) seen.add(path);
    const files = await filesOn(io, host, fresh);
    const lines = [...files].flatMap(([path, { text }]) =>
      parseConfLines(text).map((line) => ({ ...line, source: { host, path, line: line.line } })),
    );
    const named = await Promise.all(
      lines.map(async ({ name, value }): Promise<readonly string[]> => {
        if (name === "conf-file") return [value];
        if (name !== "conf-dir") return [];
        const [path = "", ...patterns] = value.split(",");
        return (await entriesOn(io, host, path)).filter((entry) => isLoaded(entry, patterns));
      }),
    );
    const next = named.flat();
    return next.length === 0 ? lines : [...lines, ...(await load(next))];
  };
  const entries = await entriesOn(io, host, directory);
  return load([main, ...entries.filter((path) => isLoaded(path, [".dpkg-dist", ".dpkg-old", ".dpkg-new"]))]);
}

/** `conf-dir`: "*.conf" takes only these, ".bak" takes all but those. Hidden files and editors' copies are never read. */
function isLoaded(path: string, patterns: readonly string[]): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (name === "README" || name.startsWith(".") || name.endsWith("~") || /^#.*#$/.test(name)) return false;
  const wanted = patterns.filter((pattern) => pattern.startsWith("*"));
  const unwanted = patterns.filter((pattern) => !pattern.startsWith("*"));
  if (unwanted.some((ending) => name.endsWith(ending))) return false;
  return wanted.length === 0 || wanted.some((pattern) => name.endsWith(pattern.slice(1)));
}

async function hostsFiles(
  io: ReadIo,
  host: HostName,
  lines: readonly PlacedLine[],
): Promise<readonly FoundRecord[]> {
  const files = lines.filter(({ name }) => name === "addn-hosts").map(({ value }) => value);
  const directories = lines.filter(({ name }) => name === "hostsdir").map(({ value }) => value);
  const own = lines.some(({ name }) => name === "no-hosts") ? [] : ["/etc/hosts"];
  const listed = await Promise.all(directories.map((path) => entriesOn(io, host, path)));
  const texts = await filesOn(io, host, [...new Set([...own, ...files, ...listed.flat()])]);
  return [...texts].flatMap(([path, { text }]) => hostsRecords(host, path, text));
}

/** The IPv4 records of a hosts file; what names the machine itself or its loopback is nobody's record. */
export function hostsRecords(host: HostName, path: string, text: string): readonly FoundRecord[] {
  return text.split("\n").flatMap((row, at): readonly FoundRecord[] => {
    const [address = "", ...names] = row.replace(/#.*/, "").trim().split(/\s+/);
    if (addressNumber(address) === undefined || address.startsWith("127.") || address === "0.0.0.0")
      return [];
    return names
      .filter((name) => name.includes("."))
      .map((name) => ({ name: name.toLowerCase(), address, source: { host, path, line: at + 1 } }));
  });
}

/** Options that answer or hand out something a site has no words for. */
const inexpressible: Readonly<Record<string, string>> = {
  cname: "an alias: a record of a site has an address",
  "srv-host": "a site has no SRV records",
  "txt-record": "a site has no TXT records",
  "mx-host": "a site has no MX records",
  "naptr-record": "a site has no NAPTR records",
  "caa-record": "a site has no CAA records",
  "dns-rr": "a site has records of addresses only",
  "ptr-record": "a site has no PTR records of its own",
  "synth-domain": "a site has no names that are made from addresses",
  "dhcp-range": "Phoenix manages no DHCP",
  "dhcp-host": "Phoenix manages no DHCP",
};

/** The IPv4 records of an option; one that answers something else is told. */
export function addressRecords(io: ReadIo, line: PlacedLine): readonly FoundRecord[] {
  const { name, value, source } = line;
  const tell = (reason: string): readonly FoundRecord[] => {
    io.left({ source, what: `${name}=${value}`, reason });
    return [];
  };
  const reason = Object.hasOwn(inexpressible, name) ? inexpressible[name] : undefined;
  if (reason !== undefined) return tell(reason);
  if (name === "server" && value.startsWith("/"))
    return tell("a site has no resolvers for single domains: dnsmasq goes on asking it");
  if (name === "host-record") return hostRecords(line, tell);
  if (name !== "address") return [];
  const [, ...parts] = value.split("/");
  const address = parts.pop() ?? "";
  if (addressNumber(address) === undefined)
    return tell(
      address === "" || address === "#" ? "it blocks the name" : "a record of a site has an IPv4 address",
    );
  return parts.flatMap((part): readonly FoundRecord[] => {
    const domain = part.toLowerCase().replace(/^\./, "");
    if (domain.startsWith("*.")) return [{ name: domain, address, source }];
    return [domain, `*.${domain}`].map((each) => ({ name: each, address, source }));
  });
}

/** "host-record=nas.lan,nas,192.0.2.5,fd00::5,3600": names, addresses, a lifetime. */
function hostRecords(
  { value, source }: PlacedLine,
  tell: (reason: string) => readonly FoundRecord[],
): readonly FoundRecord[] {
  const parts = value.split(",").map((part) => part.trim());
  const address = parts.find((part) => addressNumber(part) !== undefined);
  if (address === undefined) return tell("a record of a site has an IPv4 address");
  return parts
    .slice(0, parts.indexOf(address))
    .map((each) => ({ name: each.toLowerCase(), address, source }));
}

function upstreamsOf({ name, value, source }: PlacedLine): readonly FoundUpstream[] {
  if (name !== "server" || value.startsWith("/")) return [];
  const address = value.replace(/@.*$/, "").trim();
  return address === "" ? [] : [{ address, source }];
}

/** `local=/x/`, `server=/x/` and `domain=x`: the zones that the server answers alone. */
function domainsOf({ name, value, source }: PlacedLine): readonly FoundDomain[] {
  if (name === "domain") return [{ name: value.split(",")[0]?.toLowerCase() ?? "", source }];
  return [];
}
