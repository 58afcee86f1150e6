/**
 * Proxmox's firewall files as pve-firewall 6.0.4 reads them: what it takes, and what it says about every other line. Part of
 * an oracle: written from Proxmox's behaviour and held to its recorded answers, with nothing of the product's own reader.
 */
import { isIPv6 } from "node:net";
import { space, word } from "./ip.ts";
import type { Netbase } from "./netbase.ts";
import { readOption } from "./options.ts";
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
  /** Rules with errors stay here, and out of the firewall. */
  readonly groups: ReadonlyMap<string, readonly Rule[]>;
  readonly rules: readonly Rule[];
  /** As `pve-firewall status` prints them. */
  readonly warnings: readonly string[];
  /** Why Proxmox cannot go on: it updates nothing then. */
  readonly dies?: string;
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
    if (line.startsWith("#") || emptyLine.test(line)) continue;
    const said = reader.take(line);
    if (said !== undefined) warnings.push(`${path} (line ${at + 1})${said}`);
  }
  return { ...reader.config, warnings };
}

const emptyLine = new RegExp(`^${space}*$`);
const plainHeader = /^\[(options|aliases|rules)\]$/i;
const namedHeader = new RegExp(`^\\[(ipset|group)${space}+(${word})\\]${space}*(?:#.*)?$`, "i");

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
  #dies: string | undefined;
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
      ...(this.#dies === undefined ? {} : { dies: this.#dies }),
    };
  }

  /** @returns what Proxmox says about the line, behind "FILE (line N)"; undefined for a line that it takes */
  take(line: string): string | undefined {
    const [, kind = "", name] = plainHeader.exec(line) ?? namedHeader.exec(line) ?? [];
    if (sections[this.#place].test(kind.toLowerCase())) return this.#enter(kind.toLowerCase(), name);
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
        const seen = new Set<string>();
        return (line) => this.#entry(line, name, entries, seen);
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
    const read = readOption(line, this.#place);
    if ("error" in read) return `: ${read.error}`;
    // The last limit of logging counts.
    if (read.name === "log_ratelimit") this.#dies = read.dies;
    this.#options[read.name] = read.value;
    return undefined;
  }

  #alias(line: string): string | undefined {
    const [, name = "", address = ""] = aliasLine.exec(line.replace(trailingComment, "")) ?? [];
    if (name === "") return ": Use of uninitialized value";
    const error = networkError(address);
    if (error !== undefined) return `: ${error}`;
    this.#aliases.set(name.toLowerCase(), withoutFullPrefix(address));
    return undefined;
  }

  #entry(line: string, set: string, entries: SetEntry[], seen: Set<string>): string | undefined {
    const plain = line.replace(/#.*$/, "");
    const [, bang, text = plain] = entryLine.exec(plain) ?? [];
    const [, scope = "", alias] = /^(dc\/|guest\/)?([A-Za-z][A-Za-z0-9_-]+)$/.exec(text) ?? [];
    const address = alias === undefined ? withoutFullPrefix(text) : text;
    let error =
      alias === undefined
        ? networkError(text)
        : this.#hasAlias(alias.toLowerCase(), scope)
          ? undefined
          : `no such alias '${alias}'`;
    if (error === undefined && seen.has(address)) error = `duplicate ipset entry for '${address}'`;
    if (/^[^ \t]*\/0+$/.test(address)) error = "a zero prefix is not allowed in ipset entries";
    seen.add(address);
    if (error !== undefined) return ` - errors in ipset '${set}': ${line}\n  cidr: ${error}`;
    entries.push({ address, nomatch: bang !== undefined });
    return undefined;
  }

  #hasAlias(name: string, scope: string): boolean {
    const isOwn = this.#place === "cluster" || scope !== "dc/";
    return (isOwn && this.#aliases.has(name)) || (scope !== "guest/" && this.#cluster.aliases.has(name));
  }

  #rule(line: string, into: Rule[], place: Place): string | undefined {
    const rule = parseRule(line);
    if (typeof rule === "string") return `: ${rule}`;
    const { errors, family, dies } = ruleErrors(rule, place, this.#scope(place));
    if (dies !== undefined) return `: ${dies}`;
    into.push({ ...rule, errors, ...(family === undefined ? {} : { family }) });
    if (errors.size === 0) return undefined;
    const words = [...errors].map(([parameter, error]) => `\n  ${parameter}: ${error}`).join("");
    return ` - errors in rule parameters: ${line}${words}`;
  }

  /** A group's rules have no file of their own to look into. */
  #scope(place: Place): Scope {
    return {
      alias: (name, scope) =>
        (scope === "dc/" && this.#place !== "cluster"
          ? undefined
          : scope === "guest/" && place === "group"
            ? undefined
            : this.#aliases.get(name)) ?? (scope === "guest/" ? undefined : this.#cluster.aliases.get(name)),
      hasAlias: (name) => this.#aliases.has(name) || this.#cluster.aliases.has(name),
      netbase: this.#netbase,
      hasSet: (name) => this.#sets.has(name) || this.#cluster.sets.has(name),
    };
  }
}

const trailingComment = new RegExp(`${space}*#.*$`);
const aliasLine = new RegExp(`^(${word})${space}(${word})$`);
const entryLine = new RegExp(`^(!)?${space}*(${word})${space}*$`);

/** Proxmox leaves the prefix of a single address out. */
function withoutFullPrefix(text: string): string {
  if (networkError(text) !== undefined) return text;
  return text.replace(isIPv6(text.replace(/\/.*/, "")) ? /\/128$/ : /\/32$/, "");
}

/** Options of a rule, by the names that it is stored with. */
const flags: readonly (readonly [keyof Rule["options"], RegExp])[] = (
  [
    ["i", "-i"],
    ["p", "(?:-p|--?proto)"],
    ["dport", "--?dport"],
    ["sport", "--?sport"],
    ["source", "--?source"],
    ["dest", "--?dest"],
    ["icmp-type", "--?icmp-type"],
  ] as const
).map(([name, flag]) => [name, new RegExp(`^${flag} (${word})${space}*`)]);
const logFlag = new RegExp(`^--?log (emerg|alert|crit|err|warning|notice|info|debug|nolog)${space}*`);
const allFlags = [...flags, ["log", logFlag] as const];

const ruleHead = new RegExp(`^(${word})${space}+(${word})${space}*`);
const macroAction = new RegExp(`^(${word})\\((ACCEPT|DROP|REJECT)\\)$`);

/** @returns the words of the fault for a line that is not a rule */
function parseRule(text: string): Omit<Rule, "errors"> | string {
  const [code = ""] = text.split("#", 1);
  const line = code.replace(/^\|/, "");
  const [head = "", type = "", what = ""] = ruleHead.exec(line) ?? [];
  if (head === "") return `unable to parse rule: ${line}`;
  const kind = type.toLowerCase();
  const given: Record<string, string> = {};
  let left = line.slice(head.length);
  for (;;) {
    const [flag, pattern] =
      allFlags.find(([name, each]) => (kind !== "group" || name === "i") && each.test(left)) ?? [];
    const [whole = "", value = ""] = pattern?.exec(left) ?? [];
    if (flag === undefined) break;
    given[flag] = value;
    left = left.slice(whole.length);
  }
  if (left !== "") return `unable to parse rule parameters: ${left}`;
  const mayBeMacro = kind === "in" || kind === "out" || kind === "forward";
  const [, macro, verdict] = (mayBeMacro ? macroAction.exec(what) : null) ?? [];
  return {
    enabled: !code.startsWith("|"),
    type: kind,
    action: verdict ?? what,
    ...(macro === undefined ? {} : { macro }),
    options: given,
  };
}
