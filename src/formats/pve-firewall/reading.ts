/**
 * A firewall file as pve-firewall 6.0.4 takes it: what it reads, what it leaves out, and what it says about that, in its own
 * words. Names count from the line that defines them. Pure.
 */
import { portNames } from "../netbase/ports.ts";
import { cidrFamily } from "./addresses.ts";
import { emptyFile, type FirewallFile, type Line, type Section } from "./index.ts";
import { rateLimitFault } from "./options.ts";
import { type FilePlace, type FwRule, printRule, type RulePlace } from "./rule.ts";
import { judgeRule, type KnownNames, type NameSet, type RuleJudgement } from "./rule-faults.ts";

export interface Alias {
  readonly address: string;
  readonly family: 4 | 6;
}

/** An address or network, or the name of an alias with its scope: "dc/lan". */
export interface SetEntry {
  readonly address: string;
  /** Excepted from the set. */
  readonly nomatch: boolean;
}

/** What Proxmox says about a line. */
export interface LineFault {
  /** From 1. */
  readonly line: number;
  /** As Proxmox prints it after "FILE (line N)". */
  readonly message: string;
  /** The reading ends here: Proxmox updates nothing on the whole node. */
  readonly isFatal?: true;
}

export interface FileReading {
  /** By their names in lower case. */
  readonly aliases: ReadonlyMap<string, Alias>;
  /** Of several sections of one name the last counts. Entries with a fault are left out. */
  readonly ipsets: ReadonlyMap<string, readonly SetEntry[]>;
  readonly groups: ReadonlyMap<string, readonly FwRule[]>;
  /** Of [RULES]. */
  readonly rules: readonly FwRule[];
  /** Of every rule, those of groups included. One with faults stays in the file and out of the firewall. */
  readonly judgements: ReadonlyMap<FwRule, RuleJudgement>;
  readonly faults: readonly LineFault[];
  /** The line of each rule, alias ("alias NAME"), set and group ("ipset NAME", "group NAME") and entry. */
  readonly lines: ReadonlyMap<unknown, number>;
}

/** For names that only the hypervisor knows. */
export const everyName: NameSet = { has: () => true };

/** Any name that /etc/services may have. */
export const everyPortName: NameSet = { has: (name) => /^(?=.*[a-z])[a-z0-9-]{2,}$/.test(name) };

/**
 * Reads a file as Proxmox does.
 * @param cluster cluster.fw, whose names other files may use as well
 * @param ports names of the hypervisor's /etc/services; Debian's unless given
 */
export function readFile(
  file: FirewallFile,
  place: FilePlace,
  cluster: FirewallFile = emptyFile,
  ports: NameSet = portNames,
): FileReading {
  const reader = new Reader(place, place === "cluster" ? undefined : clusterReading(cluster), ports);
  for (const section of file.sections) reader.take(section);
  reader.end();
  return reader;
}

const clusterReadings = new WeakMap<FirewallFile, FileReading>();

/** What cluster.fw defines, worked out once: every other file is read beside it. */
export function clusterReading(cluster: FirewallFile): FileReading {
  const reading = clusterReadings.get(cluster) ?? readFile(cluster, "cluster");
  clusterReadings.set(cluster, reading);
  return reading;
}

class Reader implements FileReading {
  readonly aliases = new Map<string, Alias>();
  readonly ipsets = new Map<string, SetEntry[]>();
  readonly groups = new Map<string, FwRule[]>();
  readonly rules: FwRule[] = [];
  readonly judgements = new Map<FwRule, RuleJudgement>();
  readonly faults: LineFault[] = [];
  readonly lines = new Map<unknown, number>();
  readonly #place: FilePlace;
  readonly #cluster: FileReading | undefined;
  readonly #ports: NameSet;
  /** The line that is read. */
  #at = 0;
  #rateLimit: { readonly line: number; readonly value: string } | undefined;
  /** Entries of the set that is read. */
  #seen = new Set<string>();

  constructor(place: FilePlace, cluster: FileReading | undefined, ports: NameSet) {
    this.#place = place;
    this.#cluster = cluster;
    this.#ports = ports;
  }

  take(section: Section): void {
    const { kind, name = "", raw, lines } = section;
    if (kind !== "preamble") this.#at += (raw ?? "").split("\n").length;
    if (kind === "ipset") this.ipsets.set(name, []);
    if (kind === "group") this.groups.set(name, []);
    if (kind === "ipset" || kind === "group") this.lines.set(`${kind} ${name}`, this.#at);
    this.#seen = new Set();
    for (const line of lines) {
      this.#at += 1;
      const message = this.#take(line, section);
      if (message !== undefined) this.faults.push({ line: this.#at, message });
    }
  }

  /** The last limit of logging is looked at when everything is read. */
  end(): void {
    const fault = this.#rateLimit === undefined ? undefined : rateLimitFault(this.#rateLimit.value);
    if (this.#rateLimit === undefined || fault === undefined) return;
    const message = `: log_ratelimit: format error: ${fault}`;
    this.faults.push({ line: this.#rateLimit.line, message, isFatal: true });
  }

  /** @returns what Proxmox says about the line */
  #take(line: Line, section: Section): string | undefined {
    switch (line.kind) {
      case "remark":
        return undefined;
      case "skipped":
        return line.fault;
      case "option": {
        if (line.key === "log_ratelimit") this.#rateLimit = { line: this.#at, value: line.value };
        return undefined;
      }
      case "alias": {
        const family = cidrFamily(line.range);
        if (family === undefined) return `: ${notNetwork}`;
        const name = line.name.toLowerCase();
        this.aliases.set(name, { address: plainCidr(line.range), family });
        this.lines.set(`alias ${name}`, this.#at);
        return undefined;
      }
      case "entry":
        return this.#takeEntry(line, section);
      case "rule":
        return this.#takeRule(line.rule, section);
    }
  }

  #takeEntry(line: Line & { kind: "entry" }, { name = "" }: Section): string | undefined {
    const { nomatch } = line;
    const [, scope = "", alias] = aliasPattern.exec(line.address) ?? [];
    const address = alias === undefined ? plainCidr(line.address) : line.address;
    const isSecond = this.#seen.has(address);
    this.#seen.add(address);
    const known =
      alias === undefined
        ? cidrFamily(address) !== undefined
        : this.#familyOf(alias.toLowerCase(), this.#place === "cluster" ? "" : scope) !== undefined;
    const entry: SetEntry = { address, nomatch };
    this.lines.set(entry, this.#at);
    const unknown = alias === undefined ? notNetwork : `no such alias '${alias}'`;
    const duplicate = isSecond ? `duplicate ipset entry for '${address}'` : undefined;
    const fault = /^[^ \t]*\/0+$/.test(address)
      ? "a zero prefix is not allowed in ipset entries"
      : known
        ? duplicate
        : unknown;
    if (fault !== undefined)
      return ` - errors in ipset '${name}': ${nomatch ? "!" : ""}${line.address}\n  cidr: ${fault}`;
    this.ipsets.get(name)?.push(entry);
    return undefined;
  }

  #takeRule(rule: FwRule, { kind, name = "" }: Section): string | undefined {
    const place: RulePlace = kind === "group" ? "group" : this.#place;
    const judgement = judgeRule(rule, place, this.#namesFor(kind === "group"));
    if (judgement.dropped === true) return `: ${judgement.faults[0]?.message}`;
    this.judgements.set(rule, judgement);
    this.lines.set(rule, this.#at);
    (kind === "group" ? this.groups.get(name) : this.rules)?.push(rule);
    if (judgement.faults.length === 0) return undefined;
    const words = judgement.faults.map(({ parameter, message }) => `\n  ${parameter}: ${message}`).join("");
    return ` - errors in rule parameters: ${printRule(rule)}${words}`;
  }

  /** A group has no file of its own. */
  #namesFor(isGroup: boolean): KnownNames {
    return {
      familyOf: (alias, scope) => (isGroup && scope === "guest/" ? undefined : this.#familyOf(alias, scope)),
      aliases: { has: (name) => this.aliases.has(name) || this.#cluster?.aliases.has(name) === true },
      ipsets: { has: (name) => this.ipsets.has(name) || this.#cluster?.ipsets.has(name) === true },
      ports: this.#ports,
    };
  }

  /** In cluster.fw every scope is cluster.fw's, as long as it is only read. */
  #familyOf(alias: string, scope: string): 4 | 6 | undefined {
    const own = scope === "dc/" && this.#cluster !== undefined ? undefined : this.aliases.get(alias);
    const shared = scope === "guest/" ? undefined : this.#cluster?.aliases.get(alias);
    return (own ?? shared)?.family;
  }
}

const aliasPattern = /^(dc\/|guest\/)?([A-Za-z][A-Za-z0-9_-]+)$/;
const notNetwork = "value does not look like a valid IP address or CIDR network";

/** Proxmox leaves out the prefix of a single address. */
function plainCidr(text: string): string {
  const family = cidrFamily(text);
  if (family === undefined) return text;
  return text.replace(family === 4 ? /\/32$/ : /\/128$/, "");
}
