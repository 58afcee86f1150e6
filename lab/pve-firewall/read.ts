/**
 * Proxmox's firewall files as pve-firewall 6.0.4 reads them: what it takes, and what it says about every other line. Part of
 * an oracle: written from Proxmox's behaviour and held to its recorded answers, with nothing of the product's own reader.
 */
import type { Netbase } from "./netbase.ts";
import { networkError, type Place, type Rule, ruleErrors, type Scope } from "./verify.ts";

/** One entry of an IP set. */
export interface SetEntry {
  /** An address, a network, or the name of an alias, with "dc/" or "guest/" where it is written. */
  readonly address: string;
  /** Excepted from the set. */
  readonly nomatch: boolean;
}

/** A file, as far as Proxmox takes it. */
export interface FirewallConfig {
  readonly options: Readonly<Record<string, string>>;
  /** By name in lower case. */
  readonly aliases: ReadonlyMap<string, string>;
  readonly sets: ReadonlyMap<string, readonly SetEntry[]>;
  readonly groups: ReadonlyMap<string, readonly Rule[]>;
  readonly rules: readonly Rule[];
  /** As `pve-firewall status` prints them. */
  readonly warnings: readonly string[];
}

export const nothing: FirewallConfig = {
  options: {},
  aliases: new Map(),
  sets: new Map(),
  groups: new Map(),
  rules: [],
  warnings: [],
};

/** What each file may have. Groups are in cluster.fw only. */
const sections: Readonly<Record<Exclude<Place, "group">, RegExp>> = {
  cluster: /^(?:options|aliases|rules|ipset|group)$/,
  host: /^(?:options|rules)$/,
  guest: /^(?:options|aliases|rules|ipset)$/,
};

const level = "(?:emerg|alert|crit|err|warning|notice|info|debug|nolog)?";
const options: Readonly<Record<Exclude<Place, "group">, RegExp>> = {
  cluster:
    /^(?:enable:\s*\d+|ebtables:\s*[01]|policy_(?:in|out|forward):\s*(?:accept|drop|reject)|log_ratelimit:\s*\S+)$/i,
  host: new RegExp(
    `^(?:(?:enable|nosmurfs|tcpflags|ndp|log_nf_conntrack|nf_conntrack_allow_invalid|protection_synflood|nftables):\\s*[01]|(?:log_level_(?:in|out|forward)|tcp_flags_log_level|smurf_log_level):\\s*${level}|nf_conntrack_helpers:\\s*\\S+|(?:nf_conntrack_(?:max|tcp_timeout_(?:established|syn_recv))|protection_(?:synflood_(?:rate|burst)|limit)):\\s*\\d+)$`,
    "i",
  ),
  guest: new RegExp(
    `^(?:(?:enable|dhcp|ndp|radv|macfilter|ipfilter|ips):\\s*[01]|policy_(?:in|out):\\s*(?:accept|drop|reject)|log_level_(?:in|out):\\s*${level}|ips_queues:\\s*\\d+(?::\\d+)?|layer2_protocols:\\s*\\S+)$`,
    "i",
  ),
};

/** @param path as warnings name the file @param cluster cluster.fw, whose names the file's rules may use as well */
export function readFirewall(
  path: string,
  text: string,
  place: Exclude<Place, "group">,
  netbase: Netbase,
  cluster: FirewallConfig = nothing,
): FirewallConfig {
  const reader = new Reader(place, netbase, cluster);
  const warnings: string[] = [];
  for (const [at, raw] of text.split("\n").entries()) {
    const line = raw.replace(/^[ \t]+|[ \t]+$/g, "");
    if (line === "" || line.startsWith("#")) continue;
    const said = reader.take(line);
    if (said !== undefined) warnings.push(`${path} (line ${at + 1})${said}`);
  }
  return { ...reader.config, warnings };
}

/** Takes a file line by line. A name counts from the line that defines it. */
class Reader {
  readonly #place: Exclude<Place, "group">;
  readonly #netbase: Netbase;
  readonly #cluster: FirewallConfig;
  readonly #options: Record<string, string> = {};
  readonly #aliases = new Map<string, string>();
  readonly #sets = new Map<string, SetEntry[]>();
  readonly #groups = new Map<string, Rule[]>();
  readonly #rules: Rule[] = [];
  /** What a line of the section that the reader is in does. */
  #section: ((line: string) => string | undefined) | undefined;

  constructor(place: Exclude<Place, "group">, netbase: Netbase, cluster: FirewallConfig) {
    this.#place = place;
    this.#netbase = netbase;
    this.#cluster = cluster;
  }

  get config(): Omit<FirewallConfig, "warnings"> {
    const groups = this.#place === "cluster" ? this.#groups : this.#cluster.groups;
    return {
      options: this.#options,
      aliases: this.#aliases,
      sets: this.#sets,
      groups,
      rules: this.#rules,
    };
  }

  /** @returns what Proxmox says about the line, behind "FILE (line N)"; undefined for a line that it takes */
  take(line: string): string | undefined {
    const [, kind = "", name] =
      /^\[(options|aliases|rules|ipset|group)(?:\s+(\S+))?\]\s*(#.*)?$/i.exec(line) ?? [];
    const isNamed = /^(?:ipset|group)$/i.test(kind);
    const isHeader = isNamed ? name !== undefined : kind !== "" && line.endsWith("]") && name === undefined;
    if (isHeader && sections[this.#place].test(kind.toLowerCase()))
      return this.#enter(kind.toLowerCase(), name);
    return this.#section === undefined ? ": skip line - no section" : this.#section(line);
  }

  #enter(kind: string, name = ""): string | undefined {
    const lower = name.toLowerCase();
    const what = kind === "group" ? "security group" : "ipset";
    if (kind === "ipset" || kind === "group") {
      this.#section = undefined;
      if (lower.length > (kind === "group" ? 18 : 64)) return `: ${what} name too long`;
      if (!/^[a-z][a-z0-9_-]+$/.test(lower)) return `: invalid ${what} name '${lower}'`;
    }
    this.#section = this.#lines(kind, lower);
    return undefined;
  }

  #lines(kind: string, name: string): (line: string) => string | undefined {
    switch (kind) {
      case "options":
        return (line) => this.#option(line);
      case "aliases":
        return (line) => this.#alias(line);
      case "ipset": {
        const entries: SetEntry[] = [];
        this.#sets.set(name, entries);
        return (line) => this.#entry(line, name, entries);
      }
      case "group": {
        const rules: Rule[] = [];
        this.#groups.set(name, rules);
        return (line) => this.#rule(line, rules, "group");
      }
      default:
        return (line) => this.#rule(line, this.#rules, this.#place);
    }
  }

  #option(line: string): string | undefined {
    if (!options[this.#place].test(line)) return `: can't parse option '${line}'`;
    const [key = "", value = ""] = line.split(/:\s*/, 2);
    this.#options[key.toLowerCase()] = key.toLowerCase().startsWith("policy_") ? value.toUpperCase() : value;
    return undefined;
  }

  #alias(line: string): string | undefined {
    const [, name = "", address = ""] = /^(\S+)\s(\S+)$/.exec(line.replace(/\s*#.*$/, "")) ?? [];
    if (name === "") return ": Use of uninitialized value";
    const error = networkError(address);
    if (error !== undefined) return `: ${error}`;
    this.#aliases.set(name.toLowerCase(), address);
    return undefined;
  }

  #entry(line: string, set: string, entries: SetEntry[]): string | undefined {
    const [, bang, address = ""] = /^(!)?\s*(.*?)\s*$/.exec(line.replace(/#.*$/, "")) ?? [];
    const [, scope = "", alias] = /^(dc\/|guest\/)?([A-Za-z][A-Za-z0-9_-]+)$/.exec(address) ?? [];
    const errors =
      alias === undefined
        ? networkError(address)
        : this.#scope.alias(alias.toLowerCase(), scope) === undefined
          ? `no such alias '${alias}'`
          : undefined;
    const plain = address.replace(/\/32$/, "");
    const isSecond = entries.some((entry) => entry.address === plain);
    const error = /\/0+$/.test(address)
      ? "a zero prefix is not allowed in ipset entries"
      : (errors ?? (isSecond ? `duplicate ipset entry for '${plain}'` : undefined));
    if (error !== undefined) return ` - errors in ipset '${set}': ${line}\n  cidr: ${error}`;
    entries.push({ address: plain, nomatch: bang !== undefined });
    return undefined;
  }

  #rule(line: string, into: Rule[], place: Place): string | undefined {
    const rule = parseRule(line);
    if (typeof rule === "string") return `: ${rule}`;
    const errors = ruleErrors(rule, place, this.#scope);
    if (errors.size > 0) {
      const words = [...errors].map(([parameter, error]) => `\n  ${parameter}: ${error}`).join("");
      return ` - errors in rule parameters: ${line}${words}`;
    }
    if (rule.enabled) into.push(rule);
    return undefined;
  }

  get #scope(): Scope {
    return {
      alias: (name, scope) =>
        (scope === "dc/" && this.#place !== "cluster" ? undefined : this.#aliases.get(name)) ??
        (scope === "guest/" ? undefined : this.#cluster.aliases.get(name)),
      hasAlias: (name) => this.#aliases.has(name) || this.#cluster.aliases.has(name),
      netbase: this.#netbase,
      hasSet: (name) => this.#sets.has(name) || this.#cluster.sets.has(name),
    };
  }
}

/** Options of a rule, by the names that it is stored with. */
const flags: readonly (readonly [keyof Rule["options"], RegExp])[] = [
  ["i", /^-i (\S+)\s*/],
  ["p", /^(?:-p|--?proto) (\S+)\s*/],
  ["dport", /^--?dport (\S+)\s*/],
  ["sport", /^--?sport (\S+)\s*/],
  ["source", /^--?source (\S+)\s*/],
  ["dest", /^--?dest (\S+)\s*/],
  ["log", /^--?log (emerg|alert|crit|err|warning|notice|info|debug|nolog)\s*/],
  ["icmp-type", /^--?icmp-type (\S+)\s*/],
];

/** @returns the words of the fault for a line that is not a rule */
function parseRule(text: string): Rule | string {
  const [code = ""] = text.split("#", 1);
  const line = code.replace(/^\|/, "");
  const [head = "", type = "", what = ""] = /^(\S+)\s+(\S+)\s*/.exec(line) ?? [];
  if (head === "") return `unable to parse rule: ${line}`;
  const isGroup = type.toLowerCase() === "group";
  const given: Record<string, string> = {};
  let left = line.slice(head.length);
  for (;;) {
    const [flag, pattern] = flags.find(([name, each]) => (!isGroup || name === "i") && each.test(left)) ?? [];
    const [whole = "", value = ""] = pattern?.exec(left) ?? [];
    if (flag === undefined) break;
    given[flag] = value;
    left = left.slice(whole.length);
  }
  if (left !== "") return `unable to parse rule parameters: ${left}`;
  const [, macro, verdict] = (isGroup ? null : /^(\S+)\((ACCEPT|DROP|REJECT)\)$/.exec(what)) ?? [];
  return {
    enabled: !code.startsWith("|"),
    type: type.toLowerCase(),
    action: verdict ?? what,
    ...(macro === undefined ? {} : { macro }),
    options: given,
  };
}
