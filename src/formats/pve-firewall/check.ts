/** What Proxmox complains about in a firewall file, in its own words and with the line. Pure. */
import { addressRange } from "../ipv4/index.ts";
import { emptyFile, type FirewallFile, groupsOf, type Line, parseFirewall, type Section } from "./index.ts";
import { type Names, namesOf } from "./names.ts";
import { type FilePlace, type FwRule, printRule } from "./rule.ts";
import { type KnownNames, type NameSet, ruleFaults } from "./rule-faults.ts";

export interface FileFault {
  /** From 1. */
  readonly line: number;
  /** As Proxmox prints it after "FILE (line N)". */
  readonly message: string;
}

/** The largest file that pmxcfs takes, in bytes (pve-cluster 9.1). */
export const fileLimit = 1024 * 1024;

/** For names that only the hypervisor knows. */
export const everyName: NameSet = { has: () => true };

/**
 * Every line of a file's text that Proxmox would not take, or that only one of its two parsers takes.
 * @param cluster cluster.fw, whose names guests' files may use as well
 * @param ports names of the hypervisor's /etc/services, where they are known
 */
export function fileFaults(
  text: string,
  place: FilePlace,
  cluster: FirewallFile = emptyFile,
  ports: NameSet = everyName,
): readonly FileFault[] {
  const file = parseFirewall(text, place);
  const numbers = text.split("\n").flatMap((line, at) => (/^[ \t]*$/.test(line) ? [] : [at + 1]));
  const faults: FileFault[] = [];
  const reader = new Reader(place, file, cluster, ports);
  let at = 0;
  const add = (messages: readonly string[]): void => {
    const line = numbers[at] ?? 0;
    faults.push(...messages.map((message) => ({ line, message })));
    at += 1;
  };
  for (const section of file.sections) {
    reader.enter(section);
    if (section.kind !== "preamble") add(reader.headerFaults(section));
    for (const line of section.lines) add(reader.lineFaults(line, section));
  }
  if (new TextEncoder().encode(text).length > fileLimit)
    faults.push({ line: 1, message: ": the file is larger than 1 MiB" });
  return faults;
}

/** The rules of a file, those in groups included, that Proxmox leaves out or that only one of its parsers takes. */
export function refusedRules(
  file: FirewallFile,
  place: FilePlace,
  cluster: FirewallFile = emptyFile,
): ReadonlySet<FwRule> {
  const reader = new Reader(place, file, cluster, everyName);
  const refused = new Set<FwRule>();
  for (const section of file.sections) {
    reader.enter(section);
    for (const line of section.lines)
      if (reader.lineFaults(line, section).length > 0 && line.kind === "rule") refused.add(line.rule);
  }
  return refused;
}

/** What cluster.fw defines, computed once: every guest's file is checked against it. */
const clusterNames = new WeakMap<FirewallFile, Names>();

/** Goes through a file: names of aliases and sets count from the line that defines them. */
class Reader {
  readonly #place: FilePlace;
  readonly #aliases = new Set<string>();
  readonly #ipsets = new Set<string>();
  readonly #seen = new Set<string>();
  readonly #known: KnownNames;

  constructor(place: FilePlace, file: FirewallFile, cluster: FirewallFile, ports: NameSet) {
    const shared = clusterNames.get(cluster) ?? namesOf(cluster);
    clusterNames.set(cluster, shared);
    const own = groupsOf(file);
    this.#place = place;
    this.#known = {
      aliases: { has: (name) => this.#aliases.has(name) || shared.aliases.has(name) },
      ipsets: { has: (name) => this.#ipsets.has(name) || shared.ipsets.has(name) },
      groups: { has: (name) => own.has(name) || shared.groups.has(name) },
      ports,
    };
  }

  enter({ kind, name = "" }: Section): void {
    if (kind === "ipset") this.#ipsets.add(name);
  }

  /** A second section of a name replaces the first for pve-firewall, and is an error for proxmox-firewall. */
  headerFaults({ kind, name }: Section): readonly string[] {
    if (name === undefined) return [];
    const key = `${kind} ${name}`;
    const isSecond = this.#seen.has(key);
    this.#seen.add(key);
    return isSecond ? [`: the section [${key}] is there twice`] : [];
  }

  lineFaults(line: Line, section: Section): readonly string[] {
    switch (line.kind) {
      case "skipped":
        return [line.fault];
      case "alias": {
        const isName = /^[A-Za-z][A-Za-z0-9_-]{1,63}$/.test(line.name);
        this.#aliases.add(line.name.toLowerCase());
        if (!isName) return [`: invalid alias name '${line.name}'`];
        return isNetwork(line.range) ? [] : [`: ${notNetwork}`];
      }
      case "entry": {
        const fault = this.#entryFault(line.address, section);
        const text = `${line.nomatch ? "!" : ""}${line.address}`;
        return fault === undefined ? [] : [` - errors in ipset '${section.name}': ${text}\n  cidr: ${fault}`];
      }
      case "rule": {
        const faults = ruleFaults(line.rule, section.kind === "group" ? "group" : this.#place, this.#known);
        if (faults.length === 0) return [];
        const words = faults.map(({ parameter, message }) => `\n  ${parameter}: ${message}`).join("");
        return [` - errors in rule parameters: ${printRule(line.rule)}${words}`];
      }
      default:
        return [];
    }
  }

  #entryFault(address: string, { name = "" }: Section): string | undefined {
    const [, alias] = /^(?:dc\/|guest\/)?([A-Za-z][A-Za-z0-9_-]+)$/.exec(address) ?? [];
    const key = `${name} ${address.replace(/\/32$/, "")}`;
    const isSecond = this.#seen.has(key);
    this.#seen.add(key);
    if (/\/0+$/.test(address)) return "a zero prefix is not allowed in ipset entries";
    if (alias !== undefined && !this.#known.aliases.has(alias.toLowerCase()))
      return `no such alias '${alias}'`;
    if (alias === undefined && !isNetwork(address)) return notNetwork;
    return isSecond ? `duplicate ipset entry for '${address.replace(/\/32$/, "")}'` : undefined;
  }
}

const notNetwork = "value does not look like a valid IP address or CIDR network";

function isNetwork(text: string): boolean {
  return text.includes(":") || (!text.includes("-") && addressRange(text) !== undefined);
}
