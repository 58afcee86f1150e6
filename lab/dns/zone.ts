/** What dnsmasq answers (2.90, measured): records, wildcards, local zones, and nothing from the outside world. Pure. */
import { isIPv4, isIPv6 } from "node:net";
import type { DnsmasqOption } from "./dnsmasq-config.ts";

export interface DnsReply {
  readonly rcode: "NOERROR" | "NXDOMAIN" | "REFUSED";
  readonly answers: readonly { readonly name: string; readonly type: string; readonly data: string }[];
  readonly ttl: number;
}

/** A rule of `address=`, `local=` or `server=` for a domain. */
interface DomainRule {
  /** Without a leading "*."; "" is every name. */
  readonly domain: string;
  /** `*.x` covers only names below x. */
  readonly below: boolean;
  /** An address to answer; "" for local; undefined for a name that goes to another server. */
  readonly address: string | undefined;
}

/** What one dnsmasq knows. */
export class DnsZone {
  readonly #ttl: number;
  readonly #records: ReadonlyMap<string, readonly string[]>;
  readonly #rules: readonly DomainRule[];
  readonly #aliases: ReadonlyMap<string, string>;
  readonly #pointers: ReadonlyMap<string, string>;
  readonly #hasUpstream: boolean;
  readonly #flag: (name: string) => boolean;

  /** @param hosts the texts of the hosts files, in the order they are read */
  constructor(options: readonly DnsmasqOption[], hosts: readonly string[], hasResolvConf: boolean) {
    const values: Values = (name) =>
      options.filter((option) => option.name === name).map(({ value }) => value);
    this.#flag = (name) => values(name).length > 0;
    this.#ttl = Number(values("local-ttl")[0] ?? 0);
    this.#records = recordsOf(values, hosts, this.#flag("expand-hosts") ? values("domain")[0] : undefined);
    this.#rules = [
      ...values("address").flatMap((value) => rulesOf(value, "address")),
      ...[...values("local"), ...values("server")].flatMap((value) => rulesOf(value, "server")),
    ];
    this.#aliases = new Map(values("cname").flatMap(aliasesOf));
    this.#pointers = pointersOf(values, this.#records);
    this.#hasUpstream =
      values("server").some((value) => !value.startsWith("/")) || (hasResolvConf && !this.#flag("no-resolv"));
  }

  answer(asked: string, type: string): DnsReply {
    const name = asked.toLowerCase().replace(/\.$/, "");
    if (type === "PTR") return this.#pointer(name);
    const target = this.#aliases.get(name);
    if (target === undefined || !this.#records.has(target)) return this.#addressed(name, type);
    const found = this.#addressed(target, type);
    return { ...found, answers: [{ name, type: "CNAME", data: target }, ...found.answers] };
  }

  #addressed(name: string, type: string): DnsReply {
    const family = type === "A" ? isIPv4 : type === "AAAA" ? isIPv6 : () => false;
    const found = (addresses: readonly string[]): DnsReply =>
      this.#reply(
        "NOERROR",
        addresses.map((data) => ({ name, type, data })),
      );
    const own = (this.#records.get(name) ?? []).filter((address) => family(address));
    if (own.length > 0) return found(own);
    const covering = this.#rules.filter((rule) => covers(rule, name));
    const matching = longest(covering);
    const addresses = matching.flatMap(({ address }) =>
      address !== undefined && family(address) ? [address] : [],
    );
    if (addresses.length > 0 && !this.#records.has(name)) return found(addresses);
    // Other types of an address= name are asked of whoever has the name besides: a local zone, or upstream.
    const [server] = longest(covering.filter((rule) => !isAddress(rule.address)));
    if (server === undefined && this.#flag("domain-needed") && !name.includes("."))
      return this.#reply("NXDOMAIN");
    if (server?.address === undefined) return this.#outside(name);
    const isAddressed = matching.includes(server) && matching.some(({ address }) => isAddress(address));
    return this.#reply(isAddressed || this.#exists(name) ? "NOERROR" : "NXDOMAIN");
  }

  #pointer(name: string): DnsReply {
    const data = this.#pointers.get(name);
    if (data !== undefined) return this.#reply("NOERROR", [{ name, type: "PTR", data }]);
    return this.#flag("bogus-priv") && isPrivateReverse(name) ? this.#reply("NXDOMAIN") : this.#outside(name);
  }

  /** Whether a record has this name or one below it: then the name exists, if only as an empty one. */
  #exists(name: string): boolean {
    return [...this.#records.keys(), ...this.#aliases.keys()].some(
      (record) => record === name || record.endsWith(`.${name}`),
    );
  }

  /** The outside world has nothing in a lab; without an upstream server, dnsmasq says so. */
  #outside(name: string): DnsReply {
    if (!this.#hasUpstream) return this.#reply("REFUSED");
    return this.#reply(this.#exists(name) ? "NOERROR" : "NXDOMAIN");
  }

  #reply(rcode: DnsReply["rcode"], answers: DnsReply["answers"] = []): DnsReply {
    return { rcode, answers, ttl: this.#ttl };
  }
}

type Values = (name: string) => readonly string[];

/** Addresses by name; host-record speaks before hosts files, and both are merged. */
function recordsOf(
  values: Values,
  hosts: readonly string[],
  domain: string | undefined,
): Map<string, string[]> {
  const records = new Map<string, string[]>();
  const add = (name: string, address: string): void => {
    const key = name.toLowerCase().replace(/\.$/, "");
    const known = records.get(key) ?? [];
    if (!known.includes(address)) records.set(key, [...known, address]);
  };
  for (const { names, addresses } of values("host-record").map(hostRecord))
    for (const name of names) for (const address of addresses) add(name, address);
  for (const { name, address } of hosts.flatMap(hostsLines)) {
    add(name, address);
    if (domain !== undefined && !name.includes(".")) add(`${name}.${domain}`, address);
  }
  return records;
}

/** One entry for each name of a hosts file, in order. */
function hostsLines(text: string): readonly { readonly name: string; readonly address: string }[] {
  return text.split("\n").flatMap((line) => {
    const [address = "", ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    return names.map((name) => ({ name, address }));
  });
}

function hostRecord(value: string): { names: readonly string[]; addresses: readonly string[] } {
  const parts = value.split(",").map((part) => part.trim());
  const addresses = parts.filter((part) => isIPv4(part) || isIPv6(part));
  return { addresses, names: parts.filter((part) => !addresses.includes(part) && !/^\d+$/.test(part)) };
}

function pointersOf(
  values: Values,
  records: ReadonlyMap<string, readonly string[]>,
): ReadonlyMap<string, string> {
  const pointers = new Map<string, string>();
  for (const value of values("ptr-record")) {
    const [name = "", target = ""] = value.split(",");
    pointers.set(name.trim().toLowerCase(), target.trim());
  }
  for (const [name, addresses] of records) {
    for (const address of addresses) {
      const reverse = `${address.split(".").reverse().join(".")}.in-addr.arpa`;
      if (isIPv4(address) && !pointers.has(reverse)) pointers.set(reverse, name);
    }
  }
  return pointers;
}

/** "/a/b/10.0.0.1" is a rule for a and one for b; a server without domains is upstream, and no rule. */
function rulesOf(value: string, option: "address" | "server"): readonly DomainRule[] {
  if (!value.startsWith("/")) return [];
  const parts = value.slice(1).split("/");
  const target = parts.at(-1) ?? "";
  const address =
    option === "address" ? (target === "#" ? "0.0.0.0" : target) : target === "" ? "" : undefined;
  return parts.slice(0, -1).map((domain) => ({
    domain: domain.toLowerCase().replace(/^\*\.|^\./, ""),
    below: domain.startsWith("*."),
    address,
  }));
}

function aliasesOf(value: string): readonly (readonly [string, string])[] {
  const names = value.split(",").map((name) => name.trim().toLowerCase());
  const target = names.findLast((name) => !/^\d+$/.test(name)) ?? "";
  return names
    .filter((name) => name !== target && !/^\d+$/.test(name))
    .map((name) => [name, target] as const);
}

function covers({ domain, below }: DomainRule, name: string): boolean {
  if (domain === "") return true;
  return name.endsWith(`.${domain}`) || (!below && name === domain);
}

/** The rules of the most specific domain. */
function longest(rules: readonly DomainRule[]): readonly DomainRule[] {
  const length = Math.max(...rules.map(({ domain }) => domain.length), 0);
  return rules.filter(({ domain }) => domain.length === length);
}

function isAddress(address: string | undefined): boolean {
  return address !== undefined && address !== "";
}

function isPrivateReverse(name: string): boolean {
  return /(^|\.)(10|168\.192|(1[6-9]|2\d|3[01])\.172|127)\.in-addr\.arpa$/.test(name);
}
