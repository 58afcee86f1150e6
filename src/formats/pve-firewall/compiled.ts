/**
 * From files to the rules that are in force, as pve-firewall 6.0.4 compiles them for one family: without the rules that it
 * leaves out, and without the groups that it cannot make. Pure.
 */
import { cidrFamily } from "./addresses.ts";
import { compileFault } from "./compile-fault.ts";
import { type FirewallFile, optionOf } from "./index.ts";
import { kernelRuleFault, kernelSetFault } from "./kernel.ts";
import { macroParts } from "./macros.ts";
import { addressIn, groupNames, type Names, namesOf, setEntries } from "./names.ts";
import { clusterReading, type FileReading, readFile } from "./reading.ts";
import type { FwRule } from "./rule.ts";
import { indexRules, type RuleIndex } from "./rule-index.ts";

export interface InstalledFirewall {
  readonly cluster: FirewallFile;
  /** host.fw of the node: its rules come before those of cluster.fw. */
  readonly host: FirewallFile;
  /** <vmid>.fw by id. */
  readonly guests: ReadonlyMap<number, FirewallFile>;
  /** Guests whose interface has no firewall=1: nothing of theirs is filtered. */
  readonly unfiltered?: ReadonlySet<number>;
  /** Addresses of containers in their own configuration, from which they may send whatever their `ipfilter` sets say. */
  readonly containers?: ReadonlyMap<number, string>;
  /** The network that the node's address is in; Proxmox finds it by itself. */
  readonly localNetwork: string;
  /** Seconds since the epoch, for an `enable` that is a time; one that is not over counts as on where it is not given. */
  readonly now?: number;
  /** The addresses of corosync's links, of every node: what Proxmox accepts between them. */
  readonly corosync?: ReadonlySet<string>;
}

/** A machine's rules of one family. A direction is missing where Proxmox could not make its chain: nothing is filtered. */
export interface MachineRules {
  readonly in?: RuleIndex;
  readonly out?: RuleIndex;
  readonly names: Names;
}

/** Something about a line of a file that only compiling shows. */
export interface CompileFault {
  readonly file: "cluster" | "host" | number;
  /** From 1. */
  readonly line: number;
  /** As Proxmox says it, or as the kernel's tools do. */
  readonly message: string;
}

export interface Compilation {
  /** Missing where host.fw switches the host's firewall off. */
  readonly pve: MachineRules | undefined;
  /** Guests whose firewall is on. */
  readonly guests: ReadonlyMap<number, MachineRules>;
  readonly clusterNames: Names;
  /** Rules that are left out, and groups that nothing defines. */
  readonly faults: readonly CompileFault[];
  /** What the kernel's tools refuse: with any of these the node keeps its previous rules. */
  readonly refused: readonly CompileFault[];
}

const compilations = new WeakMap<InstalledFirewall, Map<4 | 6, Compilation>>();

/** Worked out once: it is asked about every path, and files never change. */
export function compileFirewall(installed: InstalledFirewall, family: 4 | 6): Compilation {
  const known = compilations.get(installed) ?? new Map<4 | 6, Compilation>();
  compilations.set(installed, known);
  const found = known.get(family) ?? new Compiler(installed, family).compile();
  known.set(family, found);
  return found;
}

const readings = new WeakMap<FirewallFile, WeakMap<FirewallFile, FileReading>>();

function readingOf(file: FirewallFile, place: "host" | "guest", cluster: FirewallFile): FileReading {
  const besides = readings.get(cluster) ?? new WeakMap<FirewallFile, FileReading>();
  readings.set(cluster, besides);
  const found = besides.get(file) ?? readFile(file, place, cluster);
  besides.set(file, found);
  return found;
}

type Direction = "IN" | "OUT";
type Place = CompileFault["file"];

class Compiler {
  readonly #installed: InstalledFirewall;
  readonly #family: 4 | 6;
  readonly #cluster: FileReading;
  readonly #faults: CompileFault[] = [];
  readonly #refused: CompileFault[] = [];
  /** Chains of groups that exist: one that could not be made to its end has the rules before the one that failed. */
  readonly #chains = new Map<string, readonly FwRule[]>();

  constructor(installed: InstalledFirewall, family: 4 | 6) {
    this.#installed = installed;
    this.#family = family;
    this.#cluster = clusterReading(installed.cluster);
  }

  /** In Proxmox's order, which decides who meets a group first. */
  compile(): Compilation {
    const { cluster, host, guests, unfiltered } = this.#installed;
    const clusterNames = namesOf(this.#cluster);
    const hostNames = namesOf(undefined, clusterNames);
    const isOff = optionOf(host, "enable") === "0";
    const pve = isOff ? undefined : this.#host(readingOf(host, "host", cluster), hostNames);
    const machines = [...guests]
      .filter(([id, file]) => optionOf(file, "enable") === "1" && unfiltered?.has(id) !== true)
      .sort(([one], [other]) => (String(one) < String(other) ? -1 : 1))
      .map(([id, file]) => {
        const reading = readingOf(file, "guest", cluster);
        return [id, this.#guest(id, reading, namesOf(reading, clusterNames))] as const;
      });
    this.#sets("cluster", clusterNames, this.#cluster);
    for (const [id, file] of guests) {
      const reading = readingOf(file, "guest", cluster);
      this.#sets(id, namesOf(reading, clusterNames), reading);
    }
    const groups = new Map<string, readonly FwRule[]>();
    for (const [key, rules] of this.#chains) {
      const [, name = ""] = key.split(" ");
      groups.set(name, [...(groups.get(name) ?? []), ...rules]);
    }
    const withGroups = (machine: MachineRules): MachineRules => ({
      ...machine,
      names: { ...machine.names, groups },
    });
    return {
      pve: pve === undefined ? undefined : withGroups(pve),
      guests: new Map(machines.map(([id, machine]) => [id, withGroups(machine)])),
      clusterNames,
      faults: this.#faults,
      refused: this.#refused,
    };
  }

  /** A rule, or a reference to a group, that cannot be compiled is left out. */
  #host(own: FileReading, names: Names): MachineRules {
    const chain = (direction: Direction): RuleIndex =>
      indexRules(
        [["host", own] as const, ["cluster", this.#cluster] as const].flatMap(([place, reading]) =>
          this.#usable(reading.rules, reading).filter(
            (rule) => this.#isCompiled(rule, direction, place, reading, names) === true,
          ),
        ),
      );
    return { in: chain("IN"), out: chain("OUT"), names };
  }

  /** A group that cannot be made ends the guest's chains: from there on nothing of it is filtered. */
  #guest(id: number, reading: FileReading, names: Names): MachineRules {
    const chain = (direction: Direction): RuleIndex | undefined => {
      const rules: FwRule[] = [];
      for (const rule of this.#usable(reading.rules, reading)) {
        const isCompiled = this.#isCompiled(rule, direction, id, reading, names);
        if (isCompiled === "lost") return undefined;
        if (isCompiled) rules.push(rule);
      }
      return indexRules(rules);
    };
    const incoming = chain("IN");
    const out = incoming === undefined ? undefined : chain("OUT");
    return { ...(incoming && { in: incoming }), ...(out && { out }), names };
  }

  #usable(rules: readonly FwRule[], { judgements }: FileReading): readonly FwRule[] {
    return rules.filter((rule) => {
      const judgement = judgements.get(rule);
      const isOfFamily = judgement?.family === undefined || judgement.family === this.#family;
      // A macro of the other family only makes no rule.
      const isEmpty = rule.macro !== undefined && macroParts(rule.macro, this.#family)?.length === 0;
      return rule.enabled && isOfFamily && !isEmpty && judgement?.faults.length === 0;
    });
  }

  /** @returns "lost" for a reference to a group that cannot be made */
  #isCompiled(
    rule: FwRule,
    direction: Direction,
    place: Place,
    reading: FileReading,
    names: Names,
  ): boolean | "lost" {
    if (rule.type === "GROUP") {
      this.#kernelTakes(rule, place, reading, names);
      return this.#hasGroup(rule.action, direction, place, reading.lines.get(rule) ?? 0) ? true : "lost";
    }
    if (rule.type !== direction) return false;
    const fault = compileFault(rule, this.#family, names);
    if (fault === undefined) this.#kernelTakes(rule, place, reading, names);
    else this.#faults.push({ file: place, line: reading.lines.get(rule) ?? 0, message: fault });
    return fault === undefined;
  }

  #kernelTakes(rule: FwRule, place: Place, reading: FileReading, names: Names): void {
    const addressOf = (text: string): string | undefined => addressIn(text, names);
    const message = kernelRuleFault(rule, addressOf, typeof place === "number");
    if (message !== undefined)
      this.#refused.push({ file: place, line: reading.lines.get(rule) ?? 0, message });
  }

  /** Whether the chain of a group is there, which is made with the other direction's when it is used first. */
  #hasGroup(name: string, direction: Direction, place: Place, line: number): boolean {
    if (this.#chains.has(`${direction} ${name}`)) return true;
    if (this.#chains.has(`IN ${name}`)) return false;
    const rules = this.#cluster.groups.get(name);
    if (rules === undefined)
      this.#faults.push({ file: place, line, message: `no such security group '${name}'` });
    return (["IN", "OUT"] as const).every((each) => this.#makeChain(name, each, rules ?? []));
  }

  #makeChain(name: string, direction: Direction, rules: readonly FwRule[]): boolean {
    const names = groupNames(namesOf(undefined, namesOf(this.#cluster)));
    const chain: FwRule[] = [];
    this.#chains.set(`${direction} ${name}`, chain);
    for (const rule of this.#usable(rules, this.#cluster)) {
      if (rule.type !== direction) continue;
      if (this.#isCompiled(rule, direction, "cluster", this.#cluster, names) !== true) return false;
      chain.push(rule);
    }
    return true;
  }

  /** Every set of a file becomes one of the kernel's, used or not. */
  #sets(place: Place, names: Names, reading: FileReading): void {
    const management = place === "cluster" ? [this.#localNetwork()] : [];
    const sets = new Set([...reading.ipsets.keys(), ...(place === "cluster" ? ["management"] : [])]);
    for (const set of sets) {
      const line = reading.lines.get(`ipset ${set}`) ?? 0;
      const entries = setEntries(set, place === "cluster" ? "" : "guest/", names) ?? [];
      for (const [at, { address }] of entries.entries()) {
        const entry = reading.ipsets.get(set)?.[at];
        if (address !== undefined || entry === undefined) continue;
        const name = entry.address.replace(/^.*\//, "");
        this.#faults.push({
          file: place,
          line: reading.lines.get(entry) ?? line,
          message: `no such alias '${name}'`,
        });
      }
      const own = [...entries.map(({ address }) => address), ...(set === "management" ? management : [])];
      const addresses = own.filter(
        (address) => address !== undefined && cidrFamily(address) === this.#family,
      );
      const fault = kernelSetFault(addresses as readonly string[]);
      if (fault === undefined) continue;
      const at = entries.findIndex(({ address }) => address === fault.address);
      const entry = reading.ipsets.get(set)?.[at];
      this.#refused.push({ file: place, line: reading.lines.get(entry) ?? line, message: fault.message });
    }
  }

  #localNetwork(): string {
    return this.#cluster.aliases.get("local_network")?.address ?? this.#installed.localNetwork;
  }
}
