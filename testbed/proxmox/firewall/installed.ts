/**
 * Reading installed firewall files as pve-firewall 6.0 does: a line that it does not understand is skipped with a warning.
 * Written for itself, not shared with the program under test: where both misread a file the same way, no test would notice.
 */
import { existsSync, readFileSync } from "node:fs";
import { macros } from "./macros.ts";

export interface Rule {
  readonly type: "IN" | "OUT" | "FORWARD" | "GROUP";
  /** ACCEPT, DROP, REJECT; for GROUP the group's name. */
  readonly action: string;
  readonly macro?: string;
  readonly options: Readonly<Record<string, string>>;
  readonly line: number;
}

export interface Installed {
  readonly options: Readonly<Record<string, string>>;
  readonly aliases: ReadonlyMap<string, string>;
  readonly sets: ReadonlyMap<string, readonly string[]>;
  readonly groups: ReadonlyMap<string, readonly Rule[]>;
  readonly rules: readonly Rule[];
  readonly warnings: readonly string[];
}

interface Scope {
  readonly aliases: ReadonlyMap<string, string>;
  readonly sets: ReadonlyMap<string, unknown>;
}

const nothing: Installed = {
  options: {},
  aliases: new Map(),
  sets: new Map(),
  groups: new Map(),
  rules: [],
  warnings: [],
};

export function readOptions(path: string): Readonly<Record<string, string>> {
  return readInstalled(path).options;
}

/** @param cluster whose aliases and sets the file's rules may use as well */
export function readInstalled(path: string, cluster: Scope = nothing): Installed {
  return existsSync(path) ? parseFile(path, readFileSync(path, "utf8"), cluster) : nothing;
}

export function parseFile(path: string, text: string, cluster: Scope): Installed {
  const options: Record<string, string> = {};
  const [aliases, sets, groups] = [
    new Map<string, string>(),
    new Map<string, string[]>(),
    new Map<string, Rule[]>(),
  ];
  const rules: Rule[] = [];
  const warnings: string[] = [];
  // Names must be known before the rule that uses them: what stands further down does not count.
  const scope = {
    aliases: { has: (name: string) => aliases.has(name) || cluster.aliases.has(name) },
    sets: { has: (name: string) => sets.has(name) || cluster.sets.has(name) },
  };
  let add: ((line: string, number: number) => string | undefined) | undefined;
  const addRule = (into: Rule[]) => (line: string, number: number) => {
    const rule = parseRule(line, number);
    if (typeof rule === "string") return rule;
    if (rule === undefined) return undefined;
    const fault = faultOf(rule, scope);
    if (fault === undefined) into.push(rule);
    return fault === undefined ? undefined : `errors in rule parameters: ${line}\n  ${fault}`;
  };
  for (const [at, raw] of text.split("\n").entries()) {
    const line = raw.replace(/^[ \t]+|[ \t]+$/g, "");
    if (line === "" || line.startsWith("#")) continue;
    const [, section, name = ""] =
      /^\[(options|aliases|rules|ipset|group)(?:\s+([A-Za-z][\w-]+))?\]\s*(?:#.*)?$/i.exec(line) ?? [];
    switch (section?.toLowerCase()) {
      case "options":
        add = (each) => {
          const [, key, value] = /^([a-z_0-9]+):\s*(\S+)$/.exec(each) ?? [];
          if (key === undefined || value === undefined) return `can't parse option '${each}'`;
          options[key] = value;
          return undefined;
        };
        continue;
      case "aliases":
        add = (each) => {
          const [, alias, address] = /^(\S+) (\S+)(?:\s+#.*)?$/.exec(each) ?? [];
          if (alias === undefined || address === undefined) return `unable to parse alias: ${each}`;
          aliases.set(alias.toLowerCase(), address);
          return undefined;
        };
        continue;
      case "rules":
        add = addRule(rules);
        continue;
      case "ipset": {
        const entries: string[] = [];
        sets.set(name.toLowerCase(), entries);
        add = (each) => {
          entries.push(each.replace(/\s*#.*$/, ""));
          return undefined;
        };
        continue;
      }
      case "group": {
        const members: Rule[] = [];
        groups.set(name.toLowerCase(), members);
        add = addRule(members);
        continue;
      }
      default: {
        const warning = add === undefined ? "skip line - no section" : add(line, at + 1);
        const between = warning?.startsWith("errors") ? " -" : ":";
        if (warning !== undefined) warnings.push(`${path} (line ${at + 1})${between} ${warning}`);
      }
    }
  }
  return { options, aliases, sets, groups, rules, warnings };
}

/** Undefined for a rule that is switched off; a text for one that cannot be read. */
function parseRule(text: string, line: number): Rule | string | undefined {
  const bare = text.replace(/\s*#.*$/, "");
  const [, off, type = "", what = "", rest = ""] =
    /^(\|)?(IN|OUT|FORWARD|GROUP)\s+(\S+)(.*)$/i.exec(bare) ?? [];
  if (what === "") return `unable to parse rule: ${text}`;
  const options: Record<string, string> = {};
  let left = rest;
  while (left.trim() !== "") {
    const match = /^\s+-?(-(?:i|p|proto|dport|sport|source|dest|log|icmp-type)) (\S+)/.exec(left);
    if (match === null) return `unable to parse rule parameters: ${left.trim()}`;
    const [whole, name = "", value = ""] = match;
    options[name === "-proto" ? "p" : name.slice(1)] = value;
    left = left.slice(whole.length);
  }
  if (off !== undefined) return undefined;
  const upper = type.toUpperCase() as Rule["type"];
  const [, macro, verdict] = /^(\w+)\((ACCEPT|DROP|REJECT)\)$/.exec(what) ?? [];
  if (macro !== undefined && verdict !== undefined)
    return { type: upper, action: verdict, macro, options, line };
  if (upper !== "GROUP" && !/^(?:ACCEPT|DROP|REJECT)$/.test(what)) return `unable to parse rule: ${text}`;
  return { type: upper, action: what, options, line };
}

interface Known {
  readonly aliases: { has(name: string): boolean };
  readonly sets: { has(name: string): boolean };
}

const withPorts = /^(?:tcp|udp|sctp|dccp|udplite|6|17)$/;

function faultOf({ type, macro, options }: Rule, known: Known): string | undefined {
  const { p, dport, sport, source, dest } = options;
  const others = Object.keys(options).filter((name) => name !== "i");
  if (type === "GROUP") return others.length > 0 ? `${others[0]}: not allowed here` : undefined;
  if (macro !== undefined && macros.get(macro.toLowerCase()) === undefined)
    return `macro: unknown macro '${macro}'`;
  if (macro === undefined && (dport ?? sport) !== undefined && !withPorts.test(p ?? ""))
    return `dport: missing 'proto' property - or protocol without ports`;
  for (const [name, ports] of [
    ["dport", dport],
    ["sport", sport],
  ] as const)
    if (ports !== undefined && !isPortList(ports)) return `${name}: invalid port '${ports}'`;
  if (options["icmp-type"] !== undefined && !/^(?:icmp|icmpv6|ipv6-icmp)$/.test(p ?? ""))
    return "icmp-type: missing property - requires 'proto' property to be 'icmp' or 'icmpv6'/'ipv6-icmp'";
  for (const [name, address] of [
    ["source", source],
    ["dest", dest],
  ] as const) {
    const fault = address === undefined ? undefined : addressFault(address, known);
    if (fault !== undefined) return `${name}: ${fault}`;
  }
  return undefined;
}

function isPortList(text: string): boolean {
  const parts = text.split(",");
  const count = parts.reduce((sum, part) => sum + (part.includes(":") ? 2 : 1), 0);
  const fine = parts.every((part) => {
    if (/^[a-z][a-z0-9-]*$/.test(part)) return true;
    const [, from, to = from] = /^(\d+)(?::(\d+))?$/.exec(part) ?? [];
    return from !== undefined && Number(from) <= Number(to) && Number(to) <= 65_535;
  });
  return fine && count <= 15;
}

function addressFault(text: string, { aliases, sets }: Known): string | undefined {
  if (text.startsWith("+")) {
    const set = text.slice(1).replace(/^(?:dc|guest|sdn)\//, "");
    return sets.has(set) ? undefined : `no such ipset '${set}'`;
  }
  if (/^[a-z]/i.test(text)) {
    const alias = text.replace(/^(?:dc|guest)\//, "").toLowerCase();
    return aliases.has(alias) ? undefined : `no such alias '${text}'`;
  }
  return text.split(",").every(isAddress) ? undefined : `invalid address '${text}'`;
}

/** An address, a network without host bits, or a range. IPv6 is taken as it is. */
function isAddress(text: string): boolean {
  if (text.includes(":")) return true;
  const octets = "(\\d{1,3})\\.(\\d{1,3})\\.(\\d{1,3})\\.(\\d{1,3})";
  if (new RegExp(`^${octets}-${octets}$`).test(text)) return true;
  const match = new RegExp(`^${octets}(?:/(\\d{1,2}))?$`).exec(text);
  if (match === null) return false;
  const bytes = match.slice(1, 5).map(Number);
  const prefix = Number(match[5] ?? 32);
  if (bytes.some((byte) => byte > 255) || prefix > 32) return false;
  const number = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  return number % 2 ** (32 - prefix) === 0;
}
