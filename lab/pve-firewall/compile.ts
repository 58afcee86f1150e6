/**
 * From firewall files to chains of netfilter, as pve-firewall 6.0.4 makes them with its iptables backend. Guests are filtered
 * where their firewall bridge passes packets on, the host in INPUT and OUTPUT. Part of the oracle: see read.ts.
 */

import { type ChainRule, type Family, type Match, setName } from "./chains.ts";
import { normalized } from "./ip.ts";
import { matchesOf } from "./matches.ts";
import type { Netbase } from "./netbase.ts";
import { type FirewallConfig, nothing, type SetEntry } from "./read.ts";
import { discovery, establishedRules, type Parts, partsOf, policy } from "./standard.ts";
import type { Rule } from "./verify.ts";

export interface FilteredGuest {
  readonly id: string;
  /** Its interface on the hypervisor: "veth101i0", "tap1001i0". */
  readonly tap: string;
  /** net0 has firewall=1. */
  readonly filtered: boolean;
  readonly file: FirewallConfig;
  /** A container's own address, which Proxmox knows from its configuration. */
  readonly address?: string;
}

export interface World {
  readonly cluster: FirewallConfig;
  readonly host: FirewallConfig;
  readonly guests: readonly FilteredGuest[];
  /** The hypervisor's own network: "10.0.0.0/24". */
  readonly localNetwork: string;
  /** IPv4 addresses that corosync has here and on the other nodes of a cluster. */
  readonly corosync?: { readonly own: string; readonly peers: readonly string[] };
  readonly netbase: Netbase;
  /** Seconds since the epoch, for an `enable` that ends by itself. */
  readonly now: number;
}

export interface Ruleset {
  readonly enabled: boolean;
  /** Sets of both families by their names in the kernel. */
  readonly sets: ReadonlyMap<string, readonly SetEntry[]>;
  readonly chains: ReadonlyMap<string, readonly ChainRule[]>;
  /** The chains of ip6tables. */
  readonly ipv6: ReadonlyMap<string, readonly ChainRule[]>;
  /** Why Proxmox cannot compile anything: the node keeps its previous rules. */
  readonly dies?: string;
  readonly warnings: readonly string[];
  readonly netbase: Netbase;
}

/** What reaches the host without any rule, from the management set and to the local network. */
const management = {
  in: ["8006", "5900:5999", "3128", "22", "60000:60050"],
  out: ["8006", "22", "5900:5999", "3128"],
} as const;

/** What corosync of one node sends to another's. */
const corosyncPorts = { protocol: "udp", dport: "5404:5405", target: "ACCEPT" } as const;

/** `enable: T` with a time holds for this many seconds after it. */
const trialSeconds = 60;

export function isEnabled({ cluster, now }: Pick<World, "cluster" | "now">): boolean {
  const enable = Number(cluster.options.enable ?? "0");
  return enable > 1 ? now <= enable + trialSeconds : enable === 1;
}

export function compile(world: World): Ruleset {
  const { cluster, host, guests, netbase } = world;
  const files = [cluster, host, ...guests.map(({ file }) => file)];
  const dies = files.find((file) => file.dies !== undefined)?.dies;
  const warnings = files.flatMap((each) => each.warnings);
  const sets = new Map<string, readonly SetEntry[]>();
  const off = { sets, chains: new Map(), ipv6: new Map(), warnings, netbase };
  if (dies !== undefined) return { ...off, enabled: isEnabled(world), dies };
  if (!isEnabled(world)) return { ...off, enabled: false };
  const [chains = new Map(), ipv6 = new Map()] = (["4", "6"] as const).map((family) => {
    const compiler = new Compiler(world, family, sets, warnings);
    compiler.standardChains();
    if (host.options.enable !== "0") compiler.hostChains();
    compiler.guestChains();
    compiler.makeSets();
    return compiler.chains;
  });
  return { enabled: true, sets, chains, ipv6, warnings: [...new Set(warnings)], netbase };
}

/** What the compiler of a rule dies of. */
class CompileError extends Error {}

class Compiler {
  readonly chains = new Map<string, readonly ChainRule[]>();
  readonly #sets: Map<string, readonly SetEntry[]>;
  readonly #world: World;
  readonly #family: Family;
  readonly #warnings: string[];
  readonly #local: string;
  readonly #parts: Parts;

  constructor(world: World, family: Family, sets: Map<string, readonly SetEntry[]>, warnings: string[]) {
    const { cluster, localNetwork } = world;
    this.#world = world;
    this.#family = family;
    this.#sets = sets;
    this.#warnings = warnings;
    this.#local = cluster.aliases.get("local_network") ?? localNetwork;
    this.#parts = partsOf(family);
  }

  standardChains(): void {
    const { passing, multicast, icmp, rejections } = this.#parts;
    this.chains.set("PVEFW-Drop", [...passing, { target: "DROP" }]);
    this.chains.set("PVEFW-Reject", [
      ...passing,
      { protocol: "udp", dport: "1900", target: "DROP" },
      { protocol: "udp", sport: "53", target: "DROP" },
      { target: "PVEFW-reject" },
    ]);
    this.chains.set("PVEFW-reject", [
      ...(this.#family === "4" ? [{ source: multicast, target: "DROP" }] : []),
      { protocol: icmp, target: "DROP" },
      ...rejections,
    ]);
  }

  /** host.fw comes before cluster.fw, and what Proxmox accepts itself behind both. A rule that does not compile is left out. */
  hostChains(): void {
    const { cluster, host } = this.#world;
    const established = establishedRules(false);
    const rules = (direction: Direction): readonly ChainRule[] =>
      [...host.rules, ...cluster.rules].flatMap((rule) =>
        this.#orWarn(() => this.#rule(rule, nothing, direction)),
      );
    const managed = { set: setName("management", "0", this.#family) };
    const outgoing = this.#isOfFamily(this.#local) ? management.out : [];
    this.chains.set("PVEFW-HOST-IN", [
      { iface: { direction: "in", name: "lo" }, target: "ACCEPT" },
      ...established,
      ...discovery(this.#family, host, true),
      ...this.#blacklist(),
      { protocol: "igmp", target: "ACCEPT" },
      ...rules("IN"),
      ...management.in.map((dport) => ({ protocol: "tcp", source: managed, dport, target: "ACCEPT" })),
      ...this.#peers().map(({ own, peer }) => ({ ...corosyncPorts, source: peer, dest: own })),
      policy(cluster.options.policy_in ?? "DROP"),
    ]);
    this.chains.set("PVEFW-HOST-OUT", [
      { iface: { direction: "out", name: "lo" }, target: "ACCEPT" },
      ...established,
      ...discovery(this.#family, host, false),
      { protocol: "igmp", target: "ACCEPT" },
      ...rules("OUT"),
      ...outgoing.map((dport) => ({ protocol: "tcp", dest: this.#local, dport, target: "ACCEPT" })),
      ...this.#peers().map(({ own, peer }) => ({ ...corosyncPorts, source: own, dest: peer })),
      policy(cluster.options.policy_out ?? "ACCEPT"),
    ]);
  }

  #peers(): readonly { readonly own: string; readonly peer: string }[] {
    const { corosync } = this.#world;
    if (corosync === undefined || this.#family === "6") return [];
    return corosync.peers.map((peer) => ({ own: corosync.own, peer }));
  }

  /** A group that does not compile ends a guest's chain, which is then not hung in: nothing of the guest is filtered there. */
  guestChains(): void {
    const { guests, host } = this.#world;
    const hung: ChainRule[] = [];
    // Virtual machines come first, each kind by the text of its id.
    const order = ({ tap, id }: FilteredGuest): string => `${tap.startsWith("tap") ? 0 : 1} ${id}`;
    const on = guests.filter(({ filtered, file }) => filtered && file.options.enable === "1");
    for (const guest of on.sort((one, other) => (order(one) < order(other) ? -1 : 1)))
      this.#orWarn(() => {
        for (const direction of ["IN", "OUT"] as const) {
          const name = `${guest.tap}-${direction}`;
          this.#makeGuestChain(name, guest, direction);
          const side = direction === "IN" ? "out" : "in";
          hung.push({ bridged: { direction: side, name: guest.tap }, target: name });
        }
        return [];
      });
    this.chains.set("PVEFW-FORWARD", [
      ...establishedRules(host.options.nf_conntrack_allow_invalid === "1"),
      ...this.#blacklist({ bridged: { direction: "in", name: "fwln+" } }),
      ...hung.filter(({ bridged }) => bridged?.direction === "out"),
      ...hung.filter(({ bridged }) => bridged?.direction === "in"),
    ]);
  }

  /** What is made before a rule fails stays, and is loaded. */
  #makeGuestChain(name: string, { id, file }: FilteredGuest, direction: Direction): void {
    const isIn = direction === "IN";
    const { ipfilter, radv } = file.options;
    const [server = "", client = ""] = this.#family === "4" ? ["67", "68"] : ["547", "546"];
    const dhcp = {
      protocol: "udp",
      target: "ACCEPT",
      ...(isIn ? { sport: server, dport: client } : { sport: client, dport: server }),
    };
    const own = { set: setName("ipfilter-net0", id, this.#family), except: true } as const;
    const isSpoofed = !isIn && (ipfilter === "1" || file.sets.has("ipfilter-net0"));
    const advertises = this.#family === "6" && !isIn && radv !== "1";
    const chain: ChainRule[] = [
      ...(file.options.dhcp === "0" ? [] : [dhcp]),
      ...(advertises ? [{ protocol: "icmpv6", icmpType: "router-advertisement", target: "DROP" }] : []),
      ...(isSpoofed ? [{ source: own, target: "DROP" }] : []),
      ...discovery(this.#family, file, isIn || radv === "1"),
    ];
    this.chains.set(name, chain);
    for (const rule of file.rules) {
      const { i } = rule.options;
      // A guest's chain is about net0.
      if (i !== undefined && i !== "0" && i !== "net0") continue;
      const make = (): readonly ChainRule[] => this.#rule(rule, file, direction, id);
      chain.push(...(rule.type === "group" ? make() : this.#orWarn(make)));
    }
    chain.push(policy(isIn ? (file.options.policy_in ?? "DROP") : (file.options.policy_out ?? "ACCEPT")));
  }

  #orWarn(make: () => readonly ChainRule[]): readonly ChainRule[] {
    try {
      return make();
    } catch (error) {
      if (!(error instanceof CompileError)) throw error;
      this.#warnings.push(error.message);
      return [];
    }
  }

  #blacklist(match: Match = {}): readonly ChainRule[] {
    const set = setName("blacklist", "0", this.#family);
    return this.#world.cluster.sets.has("blacklist") ? [{ ...match, source: { set }, target: "DROP" }] : [];
  }

  /** @param own the file whose names a rule may use besides those of cluster.fw */
  #rule(rule: Rule, own: FirewallConfig, direction: Direction, guest?: string): readonly ChainRule[] {
    const { enabled, errors, family, type, action, options } = rule;
    if (!enabled || errors.size > 0 || (family !== undefined && family !== this.#family)) return [];
    const iface = guest === undefined ? ifaceMatch(options.i, direction) : {};
    if (type === "group") return [{ ...iface, target: this.#group(action, direction) }];
    if (type !== direction.toLowerCase()) return [];
    const ends = {
      ...this.#end("source", options.source, own, guest),
      ...this.#end("dest", options.dest, own, guest),
    };
    const target = action === "REJECT" ? "PVEFW-reject" : action;
    const matches = matchesOf(rule, this.#family);
    if (typeof matches === "string") throw new CompileError(matches);
    return matches.map((match) => ({ ...iface, ...match, ...ends, target }));
  }

  /** The chains of a group are made for both directions when it is met first. One of a rule that fails ends there. */
  #group(group: string, direction: Direction): string {
    const target = `GROUP-${group}-${direction}`;
    if (this.chains.has(target)) return target;
    const rules = this.#world.cluster.groups.get(group);
    if (rules === undefined) this.#warnings.push(`no such security group '${group}'`);
    if (this.chains.has(`GROUP-${group}-IN`))
      throw new CompileError(`chain 'GROUP-${group}-IN' already exists`);
    for (const each of ["IN", "OUT"] as const) {
      const chain: ChainRule[] = [];
      this.chains.set(`GROUP-${group}-${each}`, chain);
      for (const rule of rules ?? []) chain.push(...this.#rule(rule, nothing, each));
    }
    return target;
  }

  #end(
    side: "source" | "dest",
    text: string | undefined,
    own: FirewallConfig,
    guest: string | undefined,
  ): Pick<Match, "source" | "dest"> {
    if (text === undefined || text === "0") return {};
    const { cluster } = this.#world;
    const [, plus, scope, name = ""] =
      /^(\+)?(dc\/|guest\/|sdn\/)?([A-Za-z][A-Za-z0-9_-]+)$/.exec(text) ?? [];
    if (name === "") return { [side]: text };
    const [isOwn, isShared] = [scope !== "dc/" && scope !== "sdn/", scope !== "guest/" && scope !== "sdn/"];
    if (plus !== undefined) {
      if (isOwn && guest !== undefined && own.sets.has(name))
        return { [side]: { set: setName(name, guest, this.#family) } };
      if (isShared && cluster.sets.has(name)) return { [side]: { set: setName(name, "0", this.#family) } };
      throw new CompileError(`no such ipset '${name}'`);
    }
    const address = aliasIn(name, scope ?? "", own, cluster);
    if (address === undefined) throw new CompileError(`no such alias '${text}'`);
    return { [side]: address };
  }

  /** Every set of a file is made, used or not. The management set always has the local network. */
  makeSets(): void {
    const { cluster, guests } = this.#world;
    const local = [{ address: this.#local, nomatch: false }];
    const shared = new Map(cluster.sets).set("management", [
      ...(cluster.sets.get("management") ?? []),
      ...local,
    ]);
    for (const [name, entries] of shared) this.#makeSet(name, "0", entries, nothing);
    for (const { id, file, address } of guests) {
      const own = address === undefined ? [] : [{ address, nomatch: false }];
      const filter = file.options.ipfilter === "1" ? [["ipfilter-net0", []] as const] : [];
      for (const [name, entries] of new Map<string, readonly SetEntry[]>([...filter, ...file.sets]))
        this.#makeSet(name, id, [...entries, ...(name === "ipfilter-net0" ? own : [])], file);
    }
  }

  /** Entries with the addresses behind their aliases; of two in one notation the later counts. */
  #makeSet(name: string, guest: string, entries: readonly SetEntry[], own: FirewallConfig): void {
    const made = new Map<string, boolean>();
    for (const { address, nomatch } of entries) {
      const [, scope = "", alias] = /^(dc\/|guest\/)?([A-Za-z][A-Za-z0-9_-]+)$/.exec(address) ?? [];
      const plain = alias === undefined ? address : aliasIn(alias, scope, own, this.#world.cluster);
      if (plain === undefined) this.#warnings.push(`no such alias '${alias}'`);
      else if (this.#isOfFamily(plain)) made.set(normalized(plain), nomatch);
    }
    const all = [...made].map(([address, nomatch]) => ({ address, nomatch }));
    this.#sets.set(setName(name, guest, this.#family), all);
  }

  #isOfFamily(address: string): boolean {
    return address.includes(":") === (this.#family === "6");
  }
}

type Direction = "IN" | "OUT";

function aliasIn(
  name: string,
  scope: string,
  own: FirewallConfig,
  cluster: FirewallConfig,
): string | undefined {
  const lower = name.toLowerCase();
  return (
    (scope === "dc/" ? undefined : own.aliases.get(lower)) ??
    (scope === "guest/" ? undefined : cluster.aliases.get(lower))
  );
}

function ifaceMatch(name: string | undefined, direction: Direction): Match {
  if (name === undefined || name === "0") return {};
  return { iface: { direction: direction === "IN" ? "in" : "out", name } };
}
