/** AdGuard Home's rewrites, and its own rules in the notation of a hosts file (0.107: AdGuardHome.yaml with schema_version 12 to 30). */
import { isMap, isScalar, isSeq, LineCounter } from "yaml";
import { addressNumber } from "../../formats/ipv4/index.ts";
import { isIpv6Address } from "../../formats/ipv6/index.ts";
import { readYaml } from "../../formats/yaml/index.ts";
import type { HostName } from "../../resource.ts";
import type { FoundDnsServer, FoundRecord, ReadIo, Source } from "../found.ts";
import { filesOn } from "./files.ts";

/** Where the installer and the packages keep it. */
const adguardPaths: readonly string[] = [
  "/opt/AdGuardHome/AdGuardHome.yaml",
  "/etc/AdGuardHome/AdGuardHome.yaml",
  "/etc/adguardhome.yaml",
];

/** A text of the file with its place. */
interface Placed {
  readonly text: string;
  readonly source: Source;
}

/** The AdGuard Home of a host where its unit is; what of its lists cannot be declared is told. */
export async function readAdguard(
  io: ReadIo,
  host: HostName,
  isActive: boolean,
  paths = adguardPaths,
): Promise<FoundDnsServer | undefined> {
  const [file] = await filesOn(io, host, paths);
  if (file === undefined) {
    io.left({
      source: { host, path: paths[0] ?? "" },
      what: "AdGuard Home",
      reason: "its file is not there",
    });
    return undefined;
  }
  const [path, { text }] = file;
  const lines = new LineCounter();
  const { document, faults } = readYaml(text, lines);
  const [fault] = faults;
  if (fault !== undefined) {
    io.left({ source: { host, path }, what: "AdGuard Home's lists", reason: fault.message });
    return undefined;
  }
  const placed = (node: unknown): Placed | undefined => {
    if (!isScalar(node)) return undefined;
    const line = node.range == null ? undefined : lines.linePos(node.range[0]).line;
    return { text: String(node.value), source: { host, path, ...(line === undefined ? {} : { line }) } };
  };
  const listAt = (...keys: string[]): readonly unknown[] => {
    const node = document.getIn(keys, true);
    return isSeq(node) ? node.items : [];
  };
  // Rewrites stood below `dns` up to schema version 23.
  const rewrites = [...listAt("filtering", "rewrites"), ...listAt("dns", "rewrites")].flatMap((node) => {
    if (!isMap(node)) return [];
    const [domain, answer] = [placed(node.get("domain", true)), placed(node.get("answer", true))];
    if (domain === undefined || answer === undefined) return [];
    return [{ domain, answer: answer.text, isOff: placed(node.get("enabled", true))?.text === "false" }];
  });
  const texts = (...keys: string[]): readonly Placed[] =>
    listAt(...keys).flatMap((node) => placed(node) ?? []);
  tellResolvers(io, texts("dns", "upstream_dns"));
  return {
    software: "AdGuard Home",
    source: { host, path },
    isActive,
    records: [
      ...rewrites.flatMap(({ domain, answer, isOff }) => rewriteOf(io, domain, answer, isOff)),
      ...texts("user_rules").flatMap((rule) => ruleOf(io, rule)),
    ],
    upstreams: [],
    domains: [],
  };
}

function rewriteOf(
  io: ReadIo,
  { text, source }: Placed,
  answer: string,
  isOff: boolean,
): readonly FoundRecord[] {
  const what = `${text} -> ${answer}`;
  const reason = isOff ? "the rewrite is switched off" : whyNoRecord(answer);
  if (reason === undefined) return [{ name: text.toLowerCase(), address: answer, source }];
  io.left({ source, what, reason });
  return [];
}

function whyNoRecord(answer: string): string | undefined {
  if (addressNumber(answer) !== undefined) return undefined;
  if (isIpv6Address(answer)) return "a record of a site has an IPv4 address";
  return answer === "A" || answer === "AAAA"
    ? "it keeps the resolver's own answer"
    : "an alias: a record of a site has an address";
}

/** "192.0.2.1 name": a rule that answers. Other rules filter, and are not about names of the site. */
function ruleOf(io: ReadIo, { text, source }: Placed): readonly FoundRecord[] {
  const [address = "", ...names] = text.replace(/#.*/, "").trim().split(/\s+/);
  if (addressNumber(address) === undefined) return [];
  if (address !== "0.0.0.0" && !address.startsWith("127."))
    return names.map((name) => ({ name: name.toLowerCase(), address, source }));
  io.left({ source, what: text, reason: "it blocks the name" });
  return [];
}

function tellResolvers(io: ReadIo, resolvers: readonly Placed[]): void {
  for (const { text, source } of resolvers)
    io.left({ source, what: text, reason: "AdGuard Home goes on asking its own resolvers" });
}
