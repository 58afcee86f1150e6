/**
 * What is wrong with a firewall file's text, line by line: what Proxmox says about it, in its own words, what the kernel's
 * tools would refuse, and what Phoenix alone objects to. Pure.
 */
import { spanOf } from "./addresses.ts";
import { compileFault } from "./compile-fault.ts";
import { emptyFile, type FirewallFile, type Line, parseFirewall, type Section } from "./index.ts";
import { kernelRuleFault, kernelSetFault } from "./kernel.ts";
import { addressIn, groupNames, type Names, namesOf, setEntries } from "./names.ts";
import { clusterReading, everyPortName, type FileReading, type LineFault, readFile } from "./reading.ts";
import { type FilePlace, type FwRule, printRule } from "./rule.ts";
import type { NameSet } from "./rule-faults.ts";
import { ownFaults } from "./strictness.ts";

export interface FileFault extends LineFault {
  /**
   * "proxmox": pve-firewall says it, and leaves the line out. "fatal": it cannot read on, and the node keeps its previous
   * rules. "kernel": once the line is used iptables or ipset refuse everything, with the same effect. "own": Phoenix alone
   * says it, because the line does not mean what it looks like, or proxmox-firewall refuses it.
   */
  readonly kind: "proxmox" | "fatal" | "kernel" | "own";
}

/** The largest file that pmxcfs takes, in bytes (pve-cluster 9.1). */
export const fileLimit = 1024 * 1024;

/**
 * Every fault of a file's text, in the order of its lines.
 * @param cluster cluster.fw, whose names other files may use as well
 * @param ports names of the hypervisor's /etc/services; any unless given
 */
export function fileFaults(
  text: string,
  place: FilePlace,
  cluster: FirewallFile = emptyFile,
  ports: NameSet = everyPortName,
): readonly FileFault[] {
  const file = parseFirewall(text, place);
  const reading = readFile(file, place, cluster, ports);
  const faults: FileFault[] = reading.faults.map((fault) => ({
    ...fault,
    kind: fault.isFatal === true ? "fatal" : "proxmox",
  }));
  const checker = new Checker(place, reading, place === "cluster" ? reading : clusterReading(cluster));
  faults.push(...checker.faults(file));
  if (new TextEncoder().encode(text).length > fileLimit)
    faults.push({ line: 1, message: ": the file is larger than 1 MiB", kind: "own" });
  return faults.sort((one, other) => one.line - other.line);
}

/** Finds what reading a file does not show. */
class Checker {
  readonly #place: FilePlace;
  readonly #reading: FileReading;
  readonly #cluster: FileReading;
  readonly #names: Names;
  readonly #seen = new Set<string>();
  readonly #found: FileFault[] = [];

  constructor(place: FilePlace, reading: FileReading, cluster: FileReading) {
    this.#place = place;
    this.#reading = reading;
    this.#cluster = cluster;
    const shared = namesOf(cluster);
    this.#names = namesOf(place === "guest" ? reading : undefined, shared);
  }

  faults({ sections }: FirewallFile): readonly FileFault[] {
    for (const section of sections) {
      this.#checkHeader(section);
      for (const line of section.lines) this.#checkLine(line, section);
    }
    return this.#found;
  }

  #say(kind: FileFault["kind"], subject: unknown, message: string): void {
    this.#found.push({ kind, line: this.#reading.lines.get(subject) ?? 1, message });
  }

  /** A second section of a name replaces the first for pve-firewall, and is an error for proxmox-firewall. */
  #checkHeader({ kind, name }: Section): void {
    if (name === undefined) return;
    const key = `${kind} ${name}`;
    if (this.#seen.has(key)) this.#say("own", key, `: the section [${key}] is there twice`);
    this.#seen.add(key);
    if (kind === "ipset") this.#checkSet(name);
  }

  #checkSet(name: string): void {
    const own = this.#reading.ipsets.get(name) ?? [];
    const names = this.#place === "guest" ? this.#names : namesOf(this.#reading);
    const entries = setEntries(name, this.#place === "guest" ? "guest/" : "", names) ?? [];
    for (const [at, { address }] of entries.entries())
      if (address === undefined)
        this.#say("proxmox", own[at], `: no such alias '${own[at]?.address.replace(/^.*\//, "")}'`);
    const addresses = entries.flatMap(({ address }) => address ?? []);
    for (const isIpv6 of [false, true]) {
      const fault = kernelSetFault(addresses.filter((address) => address.includes(":") === isIpv6));
      const at = entries.findIndex(({ address }) => address === fault?.address);
      if (fault !== undefined)
        this.#say("kernel", own[at], `: ipset refuses the set '${name}': ${fault.message}`);
    }
  }

  #checkLine(line: Line, { kind }: Section): void {
    if (line.kind === "rule") this.#checkRule(line.rule, kind === "group");
    if (line.kind !== "alias") return;
    const key = `alias ${line.name.toLowerCase()}`;
    const alias = this.#reading.aliases.get(line.name.toLowerCase());
    if (alias === undefined || !this.#reading.lines.has(key)) return;
    if (!/^[A-Za-z][A-Za-z0-9_-]{1,63}$/.test(line.name))
      this.#say("own", key, `: invalid alias name '${line.name}': no rule can use it`);
    if (spanOf(alias.address) === undefined)
      this.#say(
        "kernel",
        key,
        `: iptables refuses rules with '${line.name}': invalid network '${alias.address}'`,
      );
  }

  #checkRule(rule: FwRule, isInGroup: boolean): void {
    const judgement = this.#reading.judgements.get(rule);
    if (judgement === undefined || judgement.faults.length > 0) return;
    if (rule.type === "GROUP" && !this.#cluster.groups.has(rule.action))
      this.#say("proxmox", rule, `: no such security group '${rule.action}'`);
    for (const { parameter, message } of ownFaults(rule))
      this.#say("own", rule, `: ${printRule(rule)}\n  ${parameter}: ${message}`);
    if (!rule.enabled || rule.type === "FORWARD") return;
    const names = isInGroup ? groupNames(this.#names) : this.#names;
    const fault = rule.type === "GROUP" ? undefined : compileFault(rule, judgement.family ?? 4, names);
    if (fault !== undefined) this.#say("proxmox", rule, `: ${fault}`);
    if (fault !== undefined) return;
    // An alias that iptables refuses is said where it is defined.
    const refused = kernelRuleFault(rule, (text) => validAddress(text, names), this.#place === "guest");
    if (refused !== undefined) this.#say("kernel", rule, `: iptables refuses the rule: ${refused}`);
  }
}

function validAddress(text: string, names: Names): string | undefined {
  const address = addressIn(text, names);
  return address === undefined || spanOf(address) === undefined ? undefined : address;
}
