/**
 * What an administrator's own dnsmasq configuration does to ours. Pure. Each verdict is measured on dnsmasq 2.90 beside our
 * files: hosts files speak before `address=`, and are merged with or lose to every other record of the same name.
 */

import type { SiteNode } from "../../fabric/nodes.ts";
import { recordsOf } from "../../fabric/records.ts";
import { type ConfLine, parseConfLines } from "../../formats/dnsmasq/index.ts";
import type { Site } from "../../model.ts";
import { listenOn } from "./compile.ts";

/** A line of somebody else's file that stands in the way, or that our configuration gives another meaning. */
export interface ForeignLine extends ConfLine {
  readonly file: string;
  /** What it does: `"bind-interfaces" keeps dnsmasq from starting beside our "bind-dynamic"`. */
  readonly says: string;
  /** It can stay as it is; otherwise it must go. */
  readonly stays?: string;
}

/** What is ours to answer. */
export interface OwnNames {
  readonly domain: string;
  readonly names: ReadonlySet<string>;
  /** Names of our PTR records: "5.0.0.10.in-addr.arpa". */
  readonly pointers: ReadonlySet<string>;
  /** Domains that our configuration answers alone: the zone, wildcards, and every name of its own. */
  readonly zones: ReadonlySet<string>;
  readonly listen: readonly string[];
}

export function ownNames(site: Site, node: SiteNode): OwnNames {
  const { exact, wildcards } = recordsOf(site);
  const names = exact.map(({ name }) => name);
  return {
    domain: site.domain,
    names: new Set(names),
    pointers: new Set(exact.map(({ address }) => `${address.split(".").reverse().join(".")}.in-addr.arpa`)),
    zones: new Set([site.domain, ...names, ...wildcards.map(({ name }) => name.replace(/^\*\./, ""))]),
    listen: listenOn(node),
  };
}

/** @param isNew our configuration is not in place yet: what it changes for the administrator's is told once */
export function foreignLines(
  files: ReadonlyMap<string, string>,
  own: OwnNames,
  isNew: boolean,
): readonly ForeignLine[] {
  return [...files].flatMap(([file, text]) =>
    parseConfLines(text).flatMap((line): ForeignLine[] => {
      const found = blocking(line, own) ?? (isNew ? affected(line, own) : undefined);
      return found === undefined ? [] : [{ ...line, file, ...found }];
    }),
  );
}

/** Lines of a hosts file (`addn-hosts=`, `hostsdir=`) that have one of our names: their addresses are answered as well. */
export function foreignHosts(file: string, text: string, own: OwnNames): readonly ForeignLine[] {
  return text.split("\n").flatMap((raw, at): ForeignLine[] => {
    const [address, ...names] = raw.replace(/#.*/, "").trim().split(/\s+/);
    const ours = names.find((name) => own.names.has(name.toLowerCase()));
    if (address === undefined || ours === undefined) return [];
    const says = `${address} is answered for "${ours}" besides the declared address`;
    return [{ file, line: at + 1, name: "hosts", value: raw.trim(), says }];
  });
}

type Verdict = Pick<ForeignLine, "says" | "stays">;

/** Options whose names are answered instead of ours, or merged with ours. */
const records: Readonly<Record<string, (value: string) => readonly string[]>> = {
  "host-record": commaSeparated,
  cname: (value) => commaSeparated(value).slice(0, -1),
  "interface-name": (value) => commaSeparated(value).slice(0, 1),
  "dynamic-host": (value) => commaSeparated(value).slice(0, 1),
  "dns-rr": (value) => commaSeparated(value).slice(0, 1),
};

function blocking({ name, value }: ConfLine, own: OwnNames): Verdict | undefined {
  if (name === "bind-interfaces")
    return { says: '"bind-interfaces" keeps dnsmasq from starting: our configuration needs "bind-dynamic"' };
  if (name === "port" && value !== "53") return { says: `"port=${value}" keeps dnsmasq off port 53` };
  const shown = `"${name}=${value}"`;
  const ours = records[name]?.(value).find((each) => own.names.has(each));
  if (ours !== undefined) return { says: `${shown} answers for "${ours}", which the site declares` };
  if (name === "ptr-record" && own.pointers.has(commaSeparated(value)[0] ?? ""))
    return { says: `${shown} answers for the address of a declared name` };
  const isServer = name === "server" && !value.endsWith("/");
  if (name !== "address" && !isServer) return undefined;
  const domains = value.split("/").slice(1, -1);
  const zone = domains
    .map((domain) => domain.toLowerCase().replace(/^\*?\./, ""))
    .find((domain) => own.zones.has(domain));
  if (zone === undefined) return undefined;
  return { says: `${shown} answers for "${zone}", which the site declares` };
}

/** Lines that stay in force beside ours, and to which ours adds something. */
function affected({ name, value }: ConfLine, { listen }: OwnNames): Verdict | undefined {
  const shown = value === "" ? `"${name}"` : `"${name}=${value}"`;
  if (["listen-address", "interface", "except-interface"].includes(name)) {
    const says = `${shown} says where dnsmasq listens; our configuration adds ${listen.join(" and ")}`;
    return { says, stays: "the line stays; dnsmasq listens there and on our addresses" };
  }
  if (name !== "conf-dir" && name !== "conf-file") return undefined;
  const says = `${shown} has dnsmasq read more than /etc/dnsmasq.d`;
  return { says, stays: "the line stays; what it reads counts beside our configuration" };
}

function commaSeparated(value: string): readonly string[] {
  return value.split(",").map((part) => part.trim().toLowerCase());
}
