/**
 * From firewall files to chains of netfilter, as pve-firewall 6.0.4 makes them with its iptables backend. IPv4 only. Guests are
 * filtered where their firewall bridge passes packets on, the host in INPUT and OUTPUT. Part of the oracle: see read.ts.
 */
import { type MacroMatch, macroMatches } from "./macros.ts";
import type { Netbase } from "./netbase.ts";
import { type FirewallConfig, nothing, type SetEntry } from "./read.ts";
import type { Rule } from "./verify.ts";

export interface FilteredGuest {
  readonly id: string;
  /** Its interface on the hypervisor: "veth101i0", "tap1001i0". */
  readonly tap: string;
  /** net0 has firewall=1. */
  readonly filtered: boolean;
  readonly file: FirewallConfig;
}

export interface World {
  readonly cluster: FirewallConfig;
  readonly host: FirewallConfig;
  readonly guests: readonly FilteredGuest[];
  /** The hypervisor's own network: "10.0.0.0/24". */
  readonly localNetwork: string;
  readonly netbase: Netbase;
  /** Seconds since the epoch, for an `enable` that ends by itself. */
  readonly now: number;
}

/** What a packet must be; every member that is given. */
export interface Match {
  readonly iface?: { readonly direction: "in" | "out"; readonly name: string };
  /** A port of the firewall bridge; "fwln+" is every link to it. */
  readonly bridged?: { readonly direction: "in" | "out"; readonly name: string };
  /** States of conntrack; no new connection has one of these. */
  readonly state?: "INVALID" | "RELATED,ESTABLISHED";
  readonly protocol?: string;
  /** A type of ICMP by its name or number. */
  readonly icmpType?: string;
  /** An address, a network, a range or a list; a set by its name in the kernel. */
  readonly source?: string | { readonly set: string };
  readonly dest?: string | { readonly set: string };
  readonly dport?: string;
  readonly sport?: string;
}

export interface ChainRule extends Match {
  /** ACCEPT, DROP, REJECT or another chain. */
  readonly target: string;
  /** What a REJECT answers with. */
  readonly rejectWith?: "tcp-reset" | "icmp-host-prohibited";
}

export interface Ruleset {
  readonly enabled: boolean;
  /** By their names in the kernel. */
  readonly sets: ReadonlyMap<string, readonly SetEntry[]>;
  readonly chains: ReadonlyMap<string, readonly ChainRule[]>;
  readonly warnings: readonly string[];
  readonly netbase: Netbase;
}

/** What reaches the host without any rule, from the management set and to the local network. */
const management = {
  in: ["8006", "5900:5999", "3128", "22", "60000:60050"],
  out: ["8006", "22", "5900:5999", "3128"],
} as const;

/** `enable: T` with a time holds for this many seconds after it. */
const trialSeconds = 60;

export function isEnabled({ cluster, now }: Pick<World, "cluster" | "now">): boolean {
  const enable = Number(cluster.options.enable ?? "0");
  return enable > 1 ? now <= enable + trialSeconds : enable === 1;
}

export function compile(world: World): Ruleset {
  const { cluster, host, guests, netbase } = world;
  const warnings = [cluster, host, ...guests.map(({ file }) => file)].flatMap((each) => each.warnings);
  if (!isEnabled(world)) return { enabled: false, sets: new Map(), chains: new Map(), warnings, netbase };
  const compiler = new Compiler(world, warnings);
  compiler.standardChains();
  if (host.options.enable !== "0") compiler.hostChains();
  compiler.guestChains();
  return { enabled: true, sets: compiler.sets, chains: compiler.chains, warnings, netbase };
}

class Compiler {
  readonly sets = new Map<string, readonly SetEntry[]>();
  readonly chains = new Map<string, readonly ChainRule[]>();
  readonly #world: World;
  readonly #warnings: string[];
  readonly #established: readonly ChainRule[];
  readonly #local: string;

  constructor(world: World, warnings: string[]) {
    const { cluster, host, localNetwork } = world;
    this.#world = world;
    this.#warnings = warnings;
    this.#local = cluster.aliases.get("local_network") ?? localNetwork;
    this.#established = established(host.options.nf_conntrack_allow_invalid === "1");
    for (const [name, entries] of cluster.sets)
      this.sets.set(setName(name), resolved(entries, cluster, cluster));
    const members = this.sets.get(setName("management")) ?? [];
    const hasLocal = members.some(({ address }) => address === this.#local);
    const own = hasLocal ? [] : [{ address: this.#local, nomatch: false }];
    this.sets.set(setName("management"), [...members, ...own]);
  }

  standardChains(): void {
    this.chains.set("PVEFW-Drop", [
      { protocol: "icmp", icmpType: "fragmentation-needed", target: "ACCEPT" },
      { protocol: "icmp", icmpType: "time-exceeded", target: "ACCEPT" },
      { target: "DROP" },
    ]);
    this.chains.set("PVEFW-reject", [
      { protocol: "icmp", target: "DROP" },
      { protocol: "tcp", target: "REJECT", rejectWith: "tcp-reset" },
      { target: "REJECT", rejectWith: "icmp-host-prohibited" },
    ]);
  }

  /** host.fw comes before cluster.fw, and what Proxmox accepts itself behind both. */
  hostChains(): void {
    const { cluster, host } = this.#world;
    const rules = (direction: "IN" | "OUT"): readonly ChainRule[] => [
      ...this.#translate([...host.rules, ...cluster.rules], host, direction),
    ];
    this.chains.set("PVEFW-HOST-IN", [
      { iface: { direction: "in", name: "lo" }, target: "ACCEPT" },
      ...this.#established,
      ...this.#blacklist(),
      { protocol: "igmp", target: "ACCEPT" },
      ...rules("IN"),
      ...management.in.map((dport) => ({
        protocol: "tcp",
        source: { set: setName("management") },
        dport,
        target: "ACCEPT",
      })),
      policy(cluster.options.policy_in ?? "DROP"),
    ]);
    this.chains.set("PVEFW-HOST-OUT", [
      { iface: { direction: "out", name: "lo" }, target: "ACCEPT" },
      ...this.#established,
      { protocol: "igmp", target: "ACCEPT" },
      ...rules("OUT"),
      ...management.out.map((dport) => ({ protocol: "tcp", dest: this.#local, dport, target: "ACCEPT" })),
      policy(cluster.options.policy_out ?? "ACCEPT"),
    ]);
  }

  guestChains(): void {
    const guests = this.#world.guests.filter(({ filtered, file }) => filtered && file.options.enable === "1");
    for (const { tap, id, file } of guests) {
      for (const [name, entries] of file.sets)
        this.sets.set(setName(name, id), resolved(entries, file, this.#world.cluster));
      const dhcp = (sport: string, dport: string): readonly ChainRule[] =>
        file.options.dhcp === "0" ? [] : [{ protocol: "udp", sport, dport, target: "ACCEPT" }];
      this.chains.set(`${tap}-IN`, [
        ...dhcp("67", "68"),
        ...this.#translate(file.rules, file, "IN", id),
        policy(file.options.policy_in ?? "DROP"),
      ]);
      this.chains.set(`${tap}-OUT`, [
        ...dhcp("68", "67"),
        ...this.#translate(file.rules, file, "OUT", id),
        policy(file.options.policy_out ?? "ACCEPT"),
      ]);
    }
    this.chains.set("PVEFW-FORWARD", [
      ...this.#established,
      ...this.#blacklist({ bridged: { direction: "in", name: "fwln+" } }),
      ...guests.map(({ tap }) => ({
        bridged: { direction: "out" as const, name: tap },
        target: `${tap}-IN`,
      })),
      ...guests.map(({ tap }) => ({
        bridged: { direction: "in" as const, name: tap },
        target: `${tap}-OUT`,
      })),
    ]);
  }

  #blacklist(match: Match = {}): readonly ChainRule[] {
    const name = setName("blacklist");
    return this.sets.has(name) ? [{ ...match, source: { set: name }, target: "DROP" }] : [];
  }

  /** @param own the file whose names a rule may use besides those of cluster.fw */
  #translate(
    rules: readonly Rule[],
    own: FirewallConfig,
    direction: "IN" | "OUT",
    guest?: string,
  ): readonly ChainRule[] {
    return rules.flatMap((rule): readonly ChainRule[] => {
      const { i } = rule.options;
      // A guest's chain is about net0.
      if (guest !== undefined && i !== undefined && i !== "net0") return [];
      const iface = guest === undefined ? ifaceMatch(i, direction) : {};
      if (rule.type === "group") return this.#group(rule.action, iface, direction);
      if (rule.type !== direction.toLowerCase()) return [];
      const { source, dest } = rule.options;
      const ends = [source, dest].map((text) => this.#address(text, own, guest));
      const unknown = ends.find((end) => typeof end === "object" && "unknown" in end);
      if (typeof unknown === "object" && "unknown" in unknown) this.#warnings.push(unknown.unknown);
      if (unknown !== undefined || isIpv6(rule)) return [];
      return matchesOf(rule).map((match) => ({
        ...iface,
        ...match,
        ...(source === undefined ? {} : { source: ends[0] as End }),
        ...(dest === undefined ? {} : { dest: ends[1] as End }),
        target: rule.action === "REJECT" ? "PVEFW-reject" : rule.action,
      }));
    });
  }

  #group(group: string, iface: Match, direction: "IN" | "OUT"): readonly ChainRule[] {
    const { cluster } = this.#world;
    const rules = cluster.groups.get(group);
    if (rules === undefined) {
      this.#warnings.push(`no such security group '${group}'`);
      return [];
    }
    const target = `GROUP-${group}-${direction}`;
    if (!this.chains.has(target)) this.chains.set(target, this.#translate(rules, nothing, direction));
    return [{ ...iface, target }];
  }

  /** A guest's names come before those of cluster.fw, unless the rule says whose it means. */
  #address(
    text: string | undefined,
    own: FirewallConfig,
    guest: string | undefined,
  ): End | { readonly unknown: string } | undefined {
    const { cluster } = this.#world;
    const [, plus, scope, name = ""] =
      /^(\+)?(dc\/|guest\/)?([A-Za-z][A-Za-z0-9_-]+)$/.exec(text ?? "") ?? [];
    if (name === "") return text;
    const [isOwn, isShared] = [scope !== "dc/", scope !== "guest/"];
    if (plus !== undefined) {
      if (isOwn && guest !== undefined && own.sets.has(name)) return { set: setName(name, guest) };
      return isShared && cluster.sets.has(name)
        ? { set: setName(name) }
        : { unknown: `no such ipset '${name}'` };
    }
    const alias = name.toLowerCase();
    const found =
      (isOwn ? own.aliases.get(alias) : undefined) ?? (isShared ? cluster.aliases.get(alias) : undefined);
    return found ?? { unknown: `no such alias '${text}'` };
  }
}

type End = NonNullable<Match["source"]>;

function ifaceMatch(name: string | undefined, direction: "IN" | "OUT"): Match {
  if (name === undefined) return {};
  return { iface: { direction: direction === "IN" ? "in" : "out", name } };
}

/** Chains for IPv4 leave such rules out. */
function isIpv6({ options: { p, source, dest } }: Rule): boolean {
  return /^(?:icmpv6|ipv6-icmp)$/.test(p ?? "") || [source, dest].some((end) => end?.includes(":") === true);
}

/** A rule without its ends as netfilter takes it: a macro may be several matches; "0" means neither a port nor a protocol. */
function matchesOf({ macro, options }: Rule): readonly Match[] {
  const parts: readonly Partial<MacroMatch>[] = macro === undefined ? [{}] : (macroMatches(macro) ?? []);
  return parts.flatMap((part): readonly Match[] => {
    const { p, dport, sport, "icmp-type": type } = { ...options, ...part };
    if (p === "icmpv6") return [];
    const isIcmp = p === "icmp";
    const icmpType = type ?? (isIcmp ? dport : undefined);
    return [
      {
        ...(p === undefined || p === "0" ? {} : { protocol: p }),
        ...(icmpType === undefined ? {} : { icmpType }),
        ...(dport === undefined || dport === "0" || isIcmp ? {} : { dport }),
        ...(sport === undefined || sport === "0" ? {} : { sport }),
      },
    ];
  });
}

/**
 * A packet on its way from a filtered guest is looked up twice, on the guest's firewall bridge and behind it. A reset that
 * answers a first packet ends the connection at the first look, so that the second finds it invalid: a closed port of a
 * filtered guest is silent, here as on Proxmox, unless host.fw says nf_conntrack_allow_invalid.
 */
function established(allowsInvalid: boolean): readonly ChainRule[] {
  const accepted: ChainRule = { state: "RELATED,ESTABLISHED", target: "ACCEPT" };
  return allowsInvalid ? [accepted] : [{ state: "INVALID", target: "DROP" }, accepted];
}

function policy(name: string): ChainRule {
  if (name === "ACCEPT") return { target: "ACCEPT" };
  return { target: name === "REJECT" ? "PVEFW-reject" : "PVEFW-Drop" };
}

/** A set's name in the kernel, at most 31 characters: longer ones are told apart by a number made of them. */
export function setName(name: string, guest = "0"): string {
  const long = `PVEFW-${guest}-${name}-v4`;
  if (long.length <= 31) return long;
  const sum = [...name].reduce((hash, letter) => (hash * 33 + letter.charCodeAt(0)) % 2 ** 32, 5381);
  return `PVEFW-${guest}-${sum.toString(16)}-v4`;
}

/** Entries with the addresses behind their aliases. */
function resolved(
  entries: readonly SetEntry[],
  own: FirewallConfig,
  cluster: FirewallConfig,
): readonly SetEntry[] {
  return entries.flatMap(({ address, nomatch }): readonly SetEntry[] => {
    const [, scope, name = ""] = /^(dc\/|guest\/)?([A-Za-z][A-Za-z0-9_-]+)$/.exec(address) ?? [];
    const alias = name.toLowerCase();
    const found = (scope === "dc/" ? undefined : own.aliases.get(alias)) ?? cluster.aliases.get(alias);
    const plain = name === "" ? address : found;
    return plain === undefined || plain.includes(":") ? [] : [{ address: plain, nomatch }];
  });
}
