/** Pi-hole's lists of local names: pihole.toml (6.0), custom.list and 05-pihole-custom-cname.conf (5.18). */
import { parseConfLines } from "../../formats/dnsmasq/index.ts";
import { addressNumber } from "../../formats/ipv4/index.ts";
import type { HostName } from "../../resource.ts";
import type { FoundDnsServer, FoundRecord, ReadIo, Source } from "../found.ts";
import { hostsFacts, leftOf, lineFacts, type PlacedLine } from "./dnsmasq-facts.ts";
import { filesOn } from "./files.ts";

/** Where its installer and its image keep its lists; the last two before version 6. */
const usual = {
  current: "/etc/pihole/pihole.toml",
  hosts: "/etc/pihole/custom.list",
  aliases: "/etc/dnsmasq.d/05-pihole-custom-cname.conf",
} as const;

type Paths = Readonly<Record<keyof typeof usual, string>>;

/** A text of a list with its place. */
interface Entry {
  readonly text: string;
  readonly source: Source;
}

/**
 * The Pi-hole of a host; what of its lists cannot be declared is told.
 * @param pathOf where the host has a file of it
 */
export async function readPihole(
  io: ReadIo,
  host: HostName,
  isActive: boolean,
  pathOf: (path: string) => string | undefined = (path) => path,
): Promise<FoundDnsServer> {
  const placed = (path: string): string => pathOf(path) ?? "";
  const paths = {
    current: placed(usual.current),
    hosts: placed(usual.hosts),
    aliases: placed(usual.aliases),
  };
  const there = Object.values(paths).filter((path) => path !== "");
  const files = await filesOn(io, host, there);
  const toml = files.get(paths.current)?.text;
  const records =
    toml === undefined ? olderRecords(io, host, files, paths) : currentRecords(io, host, toml, paths.current);
  const path = toml === undefined ? paths.hosts : paths.current;
  return { software: "Pi-hole", source: { host, path }, isActive, records, upstreams: [], domains: [] };
}

function olderRecords(
  io: ReadIo,
  host: HostName,
  files: ReadonlyMap<string, { readonly text: string }>,
  paths: Paths,
): readonly FoundRecord[] {
  const aliases = (files.get(paths.aliases)?.text ?? "").split("\n");
  for (const [at, text] of aliases.entries())
    if (text.startsWith("cname="))
      tellAlias(io, { text, source: { host, path: paths.aliases, line: at + 1 } });
  const text = files.get(paths.hosts)?.text ?? "";
  tellIpv6(
    io,
    text.split("\n").map((row, at) => ({ text: row, source: { host, path: paths.hosts, line: at + 1 } })),
  );
  return hostsRecords(host, paths.hosts, text);
}

function currentRecords(io: ReadIo, host: HostName, toml: string, path: string): readonly FoundRecord[] {
  const source = (line: number): Source => ({ host, path, line });
  const list = (section: string, key: string): readonly Entry[] =>
    tomlTexts(toml, section, key).map(({ text, line }) => ({ text, source: source(line) }));
  for (const alias of list("dns", "cnameRecords")) tellAlias(io, alias);
  for (const { text, source: at } of list("dns", "upstreams"))
    io.left({ source: at, what: text, reason: "Pi-hole goes on asking its own resolvers" });
  const hosts = list("dns", "hosts");
  tellIpv6(io, hosts);
  return [
    ...hosts.flatMap((entry) =>
      hostsRecords(host, path, entry.text).map((record) => ({ ...record, source: entry.source })),
    ),
    ...list("misc", "dnsmasq_lines").flatMap(({ text, source: at }) =>
      parseConfLines(text).flatMap((line) => addressRecords(io, { ...line, source: at })),
    ),
  ];
}

function hostsRecords(host: HostName, path: string, text: string): readonly FoundRecord[] {
  return hostsFacts(host, path, text, undefined).records;
}

function addressRecords(io: ReadIo, line: PlacedLine): readonly FoundRecord[] {
  const facts = lineFacts(line);
  for (const one of leftOf([facts])) io.left(one);
  return facts.records;
}

function tellAlias(io: ReadIo, { text, source }: Entry): void {
  io.left({ source, what: text, reason: "an alias: a record of a site has an address" });
}

function tellIpv6(io: ReadIo, entries: readonly Entry[]): void {
  for (const { text, source } of entries) {
    const [address = ""] = text.replace(/#.*/, "").trim().split(/\s+/);
    if (address.includes(":") && addressNumber(address) === undefined)
      io.left({ source, what: text, reason: "a record of a site has an IPv4 address" });
  }
}

/**
 * The texts of a list in TOML as FTL writes it: one key a line, texts in double quotes.
 * @param section "dns" for [dns]
 */
export function tomlTexts(
  toml: string,
  section: string,
  key: string,
): readonly { readonly text: string; readonly line: number }[] {
  const found: { text: string; line: number }[] = [];
  let at = "";
  let isInside = false;
  for (const [index, row] of toml.split("\n").entries()) {
    const header = /^\s*\[([\w.]+)\]\s*(?:#.*)?$/.exec(row)?.[1];
    if (header !== undefined && !isInside) at = header;
    const [, name, rest = ""] = /^\s*(\w+)\s*=\s*\[(.*)$/.exec(row) ?? [];
    const isStart: boolean = !isInside && at === section && name === key;
    if (!isStart && !isInside) continue;
    const plain: string = isStart ? rest : row;
    // A "#" within quotes is no comment, nor is a "]" within them an end.
    const tokens: readonly string[] = plain.match(/"(?:[^"\\]|\\.)*"|#.*|\]/g) ?? [];
    isInside = !tokens.includes("]");
    for (const token of tokens)
      if (token.startsWith('"')) found.push({ text: unquoted(token), line: index + 1 });
  }
  return found;
}

function unquoted(token: string): string {
  return token.slice(1, -1).replace(/\\(["\\])/g, "$1");
}
