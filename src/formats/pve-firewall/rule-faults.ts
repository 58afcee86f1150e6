/** What pve-firewall 6.0.4 says about a rule, in its own words: which rules it leaves out. Pure. */
import { netIp } from "./addresses.ts";
import { hasPorts, readProtocol } from "./fields.ts";
import { icmpTypeNames, isIcmp, isIcmpType } from "./icmp-types.ts";
import { macroName, macroParts } from "./macros.ts";
import { type FwRule, isGiven, type RulePlace } from "./rule.ts";

/** Names that are known; those of aliases in lower case. */
export interface NameSet {
  has(name: string): boolean;
}

/** What a rule may refer to. */
export interface KnownNames {
  /** The family of an alias as a rule with this scope ("dc/", "guest/" or "") sees it; undefined where it sees none. */
  familyOf(alias: string, scope: string): 4 | 6 | undefined;
  /** Whether there is such an alias, whatever the scope. */
  readonly aliases: NameSet;
  readonly ipsets: NameSet;
  /** Ports of the hypervisor's /etc/services. */
  readonly ports: NameSet;
}

export interface ValueFault {
  /** The parameter as Proxmox calls it: "dport", "source". */
  readonly parameter: string;
  readonly message: string;
}

export interface RuleJudgement {
  /** At most one for each parameter; a rule with any stays in the file and out of the firewall. */
  readonly faults: readonly ValueFault[];
  /** The only family that the rule is for; absent for both. */
  readonly family?: 4 | 6;
  /** The whole line is dropped: families that differ by an alias. */
  readonly dropped?: true;
}

/** Judges one rule as pve-firewall does. */
export function judgeRule(rule: FwRule, place: RulePlace, known: KnownNames): RuleJudgement {
  return new Judge(rule, place, known).judgement();
}

/** A judge of one rule: of each parameter's faults the first counts. */
class Judge {
  readonly #rule: FwRule;
  readonly #place: RulePlace;
  readonly #known: KnownNames;
  readonly #faults = new Map<string, string>();
  #family: 4 | 6 | undefined;

  constructor(rule: FwRule, place: RulePlace, known: KnownNames) {
    this.#rule = rule;
    this.#place = place;
    this.#known = known;
  }

  judgement(): RuleJudgement {
    this.#judgeAction();
    this.#judgeInterface();
    if (isGiven(this.#rule.macro) && macroName(this.#rule.macro) === undefined)
      this.#add("macro", `unknown macro '${this.#rule.macro}'`);
    this.#judgeProtocol();
    this.#judgePorts("dport");
    this.#judgeIcmpType();
    this.#judgePorts("sport");
    if (!this.#takesAddress("source") || !this.#takesAddress("dest"))
      return { faults: [{ parameter: "", message: mixed }], dropped: true };
    if (this.#faults.size === 0) this.#judgeMacro();
    const faults = [...this.#faults].map(([parameter, message]) => ({ parameter, message }));
    return this.#family === undefined ? { faults } : { faults, family: this.#family };
  }

  #add(parameter: string, message: string): void {
    if (!this.#faults.has(parameter)) this.#faults.set(parameter, message);
  }

  #judgeAction(): void {
    const { type, action } = this.#rule;
    if (type === "0") this.#add("type", "missing property");
    if (type === "0") return;
    if (action === "0") this.#add("action", "missing property");
    if (!typesOf[this.#place].includes(type))
      this.#add(
        "type",
        `invalid rule type '${type.toLowerCase()}' for rule_env '${environments[this.#place]}'`,
      );
    if (action === "0") return;
    if (type === "GROUP") {
      if (!/^[A-Za-z][A-Za-z0-9_-]+$/.test(action))
        this.#add("action", "invalid characters in security group name");
    } else if (typesOf.cluster.includes(type)) {
      if (type === "FORWARD" && action === "REJECT")
        this.#add("action", "cannot define REJECT rules on forward chain");
      if (!/^(?:ACCEPT|DROP|REJECT)$/.test(action)) this.#add("action", `unknown action '${action}'`);
    }
  }

  #judgeInterface(): void {
    const { iface } = this.#rule;
    if (!isGiven(iface)) return;
    if (this.#place === "group") this.#add("type", "parameter -i not allowed for this rule type");
    if (!/^[a-z][a-z0-9_]{1,20}(?:[:.]\d+)?$/i.test(iface))
      this.#add("iface", `invalid network interface name '${iface}'`);
    if (this.#place === "guest" && !/^net\d+$/.test(iface))
      this.#add("iface", "value does not match the regex pattern 'net\\d+'");
  }

  #judgeProtocol(): void {
    const { proto } = this.#rule;
    if (!isGiven(proto)) return;
    if ("fault" in readProtocol(proto)) this.#add("proto", `unknown protocol '${proto}'`);
    if (isIcmp(proto)) this.#family = proto === "icmp" ? 4 : 6;
  }

  #judgePorts(name: "dport" | "sport"): void {
    const { [name]: text, proto } = this.#rule;
    if (!isGiven(text)) return;
    // Types of ICMP once stood in the place of a port.
    const mayBeType = name === "dport" && isIcmp(proto);
    const fault = portsFault(text, mayBeType, this.#known.ports);
    if (fault !== undefined) this.#add(name, fault);
    if (!mayBeType && !hasPorts(proto)) this.#add(name, `protocol '${proto ?? ""}' does not support ports`);
    if (!isGiven(proto)) this.#add("proto", `missing property - '${name}' requires this property`);
  }

  #judgeIcmpType(): void {
    const { icmpType, proto, dport } = this.#rule;
    if (!isGiven(icmpType)) return;
    if (!isIcmp(proto)) this.#add("proto", "missing property - 'icmp-type' requires this property");
    if (isGiven(dport)) this.#add("icmp-type", "'icmp-type' cannot be specified together with 'dport'");
    if (isIcmp(proto) && !icmpTypeNames(proto).includes(icmpType))
      this.#add("icmp-type", `invalid icmp-type '${icmpType}' for proto '${proto}'`);
  }

  /** @returns false where the families of an alias and of the rest differ, which ends the reading of the line */
  #takesAddress(name: "source" | "dest"): boolean {
    const text = this.#rule[name];
    if (!isGiven(text)) return true;
    const found = addressFinding(text);
    if ("fault" in found) this.#add(name, found.fault);
    else if (!this.#isOfFamily(found.family)) this.#add(name, mixed);
    if (text.startsWith("+")) {
      const [, set] = /^\+(?:guest\/|dc\/|sdn\/)?([A-Za-z][A-Za-z0-9_-]+)$/.exec(text) ?? [];
      if (set === undefined) this.#add(name, `invalid ipset name '${text}'`);
      else if (!this.#known.ipsets.has(set)) this.#add(name, `no such ipset '${set}'`);
      return true;
    }
    const [, scope = "", alias] = aliasPattern.exec(text) ?? [];
    if (alias === undefined) return true;
    if (!this.#known.aliases.has(alias.toLowerCase())) this.#add(name, `no such alias '${text}'`);
    return this.#isOfFamily(this.#known.familyOf(alias.toLowerCase(), scope));
  }

  #isOfFamily(family: 4 | 6 | undefined): boolean {
    if (family === undefined) return true;
    if (this.#family !== undefined && this.#family !== family) return false;
    this.#family = family;
    return true;
  }

  /** What a macro fixes cannot be said otherwise beside it, for any of its parts. */
  #judgeMacro(): void {
    const { macro, proto, dport, sport } = this.#rule;
    if (!isGiven(macro)) return;
    const fixed = (macroParts(macro, this.#family) ?? []).flatMap(({ protocol, ports, sourcePorts }) => [
      ["proto", proto, protocol] as const,
      ["dport", dport, ports] as const,
      ["sport", sport, sourcePorts] as const,
    ]);
    const found = fixed.find(([, own, value]) => own !== undefined && value !== undefined && own !== value);
    if (found !== undefined)
      this.#add(found[0], `parameter '${found[0]}' already define in macro (value = '${found[2]}')`);
  }
}

const mixed = "detected mixed ipv4/ipv6 addresses in rule";
const aliasPattern = /^(dc\/|guest\/)?([A-Za-z][A-Za-z0-9_-]+)$/;

const typesOf: Readonly<Record<RulePlace, readonly string[]>> = {
  cluster: ["IN", "OUT", "FORWARD", "GROUP"],
  host: ["IN", "OUT", "FORWARD", "GROUP"],
  guest: ["IN", "OUT", "GROUP"],
  group: ["IN", "OUT", "FORWARD"],
};
/** As Proxmox calls them; a container's is "ct". */
const environments: Readonly<Record<RulePlace, string>> = {
  cluster: "cluster",
  host: "host",
  guest: "vm",
  group: "group",
};

/** The fault of a list of ports; numbers count, a range twice, and names do not. */
function portsFault(text: string, mayBeType: boolean, ports: NameSet): string | undefined {
  if (text.endsWith(",")) return "extraneous commas in list";
  let count = 0;
  let hasType = false;
  for (const part of text.split(",")) {
    const [, first, last] = /^(\d+)(?::(\d+))?$/.exec(part) ?? [];
    if (first === undefined) {
      if (mayBeType && isIcmpType(part)) hasType = true;
      else if (!ports.has(part) || part === "") return `invalid port '${part}'`;
      continue;
    }
    count += last === undefined ? 1 : 2;
    const large = [first, last].find((number) => Number(number) > 65_535);
    if (large !== undefined) return `invalid port '${large}'`;
    if (last !== undefined && Number(first) > Number(last))
      return `backwards range '${part}' not allowed, did you mean '${last}:${first}'?`;
  }
  if (hasType && count > 0) return "ICMP ports not allowed in port range";
  return count > 15 ? "too many entries in port list (> 15 numbers)" : undefined;
}

/** The family of addresses; none for sets and aliases. */
function addressFinding(text: string): { readonly family?: 4 | 6 } | { readonly fault: string } {
  if (/^\+./.test(text)) return text.length > 65 ? { fault: "ipset name too long" } : {};
  if (aliasPattern.test(text)) return text.length > 64 ? { fault: "alias name too long" } : {};
  if (text.endsWith(",")) return { fault: "extraneous commas in list" };
  const parts = text.split(",");
  let family: 4 | 6 | undefined;
  for (const part of parts) {
    const found = netIp(part);
    if ("fault" in found) return { fault: `invalid IP address: ${found.fault}` };
    if (family !== undefined && family !== found.family)
      return { fault: `detected mixed ipv4/ipv6 addresses in address list '${text}'` };
    ({ family } = found);
  }
  if (parts.length > 1 && text.includes("-")) return { fault: "you can't use a range in a list" };
  return family === undefined ? {} : { family };
}
