/** dnsmasq's records and resolvers, from all files that it loads (dnsmasq 2.90 as Debian starts it). */
import { paths as ours } from "../../components/dns/compile.ts";
import { parseConfLines } from "../../formats/dnsmasq/index.ts";
import { unitCommands, unitState } from "../../formats/systemd/index.ts";
import type { HostName } from "../../resource.ts";
import type { FoundDnsServer, FoundDomain, FoundUpstream, Left, ReadIo } from "../found.ts";
import { type DnsFacts, hostsFacts, leftOf, lineFacts, type PlacedLine } from "./dnsmasq-facts.ts";
import { directoryOn, entriesOn, filesOn, outputOn } from "./files.ts";

const main = "/etc/dnsmasq.conf";
const directory = "/etc/dnsmasq.d";

/**
 * The dnsmasq of a host; undefined where none is installed.
 * @param mustRun one that does not run counts as none
 */
export async function readDnsmasq(
  io: ReadIo,
  host: HostName,
  mustRun = false,
): Promise<FoundDnsServer | undefined> {
  const state = unitState((await outputOn(io, host, unitCommands("dnsmasq").show.argv, true)) ?? "");
  if (!state.installed || (mustRun && !state.active)) return undefined;
  const entries = await entriesOn(io, host, directory);
  const files = [main, ...entries.filter((path) => isLoaded(path, [".dpkg-dist", ".dpkg-old", ".dpkg-new"]))];
  const lines = await configuration(io, host, files);
  const texts = await hostsFiles(io, host, lines);
  const expands = lines.some(({ name }) => name === "expand-hosts");
  const domain = expands ? lines.flatMap(domainsOf)[0]?.name : undefined;
  const facts: readonly DnsFacts[] = [
    ...lines.map((line) => lineFacts(line)),
    ...[...texts].map(([path, text]) => hostsFacts(host, path, text, domain)),
  ];
  for (const one of [...leftOf(facts), ...settingsOf(lines)]) io.left(one);
  return {
    software: "dnsmasq",
    source: { host, path: main },
    isActive: state.active,
    records: facts.flatMap(({ records }) => records),
    upstreams: [...lines.flatMap(upstreamsOf), ...(await resolvers(io, host, lines))],
    domains: lines.flatMap(domainsOf),
  };
}

/** The options of some files, and of the files that these name. */
export async function configuration(
  io: ReadIo,
  host: HostName,
  files: readonly string[],
): Promise<readonly PlacedLine[]> {
  const seen = new Set<string>();
  const load = async (paths: readonly string[]): Promise<readonly PlacedLine[]> => {
    const fresh = paths.filter((path) => !seen.has(path));
    for (const path of fresh) seen.add(path);
    const texts = await filesOn(io, host, fresh);
    const lines = [...texts].flatMap(([path, { text }]) =>
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
  return load(files);
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
): Promise<ReadonlyMap<string, string>> {
  const valuesOf = (wanted: string): readonly string[] =>
    lines.filter(({ name }) => name === wanted).map(({ value }) => value.replace(/\/$/, ""));
  const own = lines.some(({ name }) => name === "no-hosts") ? [] : ["/etc/hosts"];
  const named = [...valuesOf("hostsdir"), ...valuesOf("addn-hosts")];
  // `addn-hosts` names a file or a directory.
  const listed = await Promise.all(named.map((path) => directoryOn(io, host, path)));
  const paths = named.flatMap((path, at) => listed[at]?.filter((entry) => isLoaded(entry, [])) ?? [path]);
  const texts = await filesOn(io, host, [...new Set([...own, ...paths])]);
  return new Map([...texts].map(([path, { text }]) => [path, text]));
}

/** `server=9.9.9.9`, for all names. */
export function upstreamsOf({ name, value, source }: PlacedLine): readonly FoundUpstream[] {
  if (name !== "server" || value.startsWith("/")) return [];
  const address = value.replace(/@.*$/, "").trim();
  return address === "" ? [] : [{ address, source }];
}

/** Those of resolv.conf are asked besides, unless `no-resolv` says otherwise. */
async function resolvers(
  io: ReadIo,
  host: HostName,
  lines: readonly PlacedLine[],
): Promise<readonly FoundUpstream[]> {
  if (lines.some(({ name }) => name === "no-resolv")) return [];
  const named = lines.filter(({ name }) => name === "resolv-file").map(({ value }) => value);
  const texts = await filesOn(io, host, named.length === 0 ? ["/etc/resolv.conf"] : named);
  return [...texts].flatMap(([path, { text }]) =>
    text.split("\n").flatMap((row, at): readonly FoundUpstream[] => {
      const [, address] = /^\s*nameserver\s+(\S+)/.exec(row) ?? [];
      return address === undefined ? [] : [{ address, source: { host, path, line: at + 1 } }];
    }),
  );
}

/** The zone that the server answers alone. */
function domainsOf({ name, value, source }: PlacedLine): readonly FoundDomain[] {
  const domain = value.split(",")[0]?.toLowerCase() ?? "";
  return name === "domain" && domain !== "" && domain !== "#" ? [{ name: domain, source }] : [];
}

/** Options that say nothing of names: they stay in force beside Phoenix's own file. */
function settingsOf(lines: readonly PlacedLine[]): readonly Left[] {
  const foreign = lines.filter(
    (line) =>
      !line.source.path.startsWith(ours.configuration.replace(/\.conf$/, "")) && lineFacts(line).isSetting,
  );
  const files = [...new Set(foreign.map(({ source }) => source.path))];
  return files.flatMap((path) => {
    const own = foreign.filter(({ source }) => source.path === path);
    const [first] = own;
    const names = [...new Set(own.map(({ name }) => name))].join(", ");
    return first === undefined
      ? []
      : [
          {
            source: { host: first.source.host, path },
            what: names,
            reason: "settings of the server: they stay in force",
          },
        ];
  });
}
