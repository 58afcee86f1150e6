/** What the values of a rule may be: the stricter of Proxmox's two parsers decides. Pure. */

import { addressRange, hasHostBits } from "../ipv4/index.ts";
import { icmpTypeNames, isIcmp } from "./icmp-types.ts";
import { macroName, macroParts } from "./macros.ts";
import type { FwRule } from "./rule.ts";

/** What a rule may refer to. */
export interface KnownNames {
  readonly aliases: ReadonlySet<string>;
  readonly ipsets: ReadonlySet<string>;
  readonly groups: ReadonlySet<string>;
}

/** Where a rule stands: what is allowed differs. */
export type RulePlace = "host" | "guest" | "group";

export interface ValueFault {
  /** The parameter as Proxmox calls it: "dport", "source". */
  readonly parameter: string;
  readonly message: string;
}

/** Protocols of /etc/protocols that firewalls are written for; any number goes as well. */
const protocols = new Set(
  "icmp igmp ggp ipencap ip st tcp egp igp pup udp dccp gre esp ah ospf ipip vrrp l2tp sctp udplite icmpv6 ipv6-icmp".split(
    " ",
  ),
);
const withPorts = new Set(["tcp", "udp", "dccp", "sctp", "udplite", "6", "17", "33", "132", "136"]);

/** As many as one iptables multiport match holds; a range counts twice. */
const portLimit = 15;

/** Every fault of a rule; none for a rule that both of Proxmox's parsers accept. */
export function ruleFaults(rule: FwRule, place: RulePlace, known: KnownNames): readonly ValueFault[] {
  const faults: ValueFault[] = [];
  const add = (parameter: string, message: string | undefined): void => {
    if (message !== undefined) faults.push({ parameter, message });
  };
  if (rule.type === "GROUP") {
    if (place === "group") add("type", "a group cannot hold another group");
    if (!known.groups.has(rule.action)) add("action", `no such security group '${rule.action}'`);
    for (const name of ["source", "dest", "proto", "dport", "sport", "log", "icmpType"] as const)
      if (rule[name] !== undefined) add(name, "a GROUP line takes no option but -i");
    return faults;
  }
  if (rule.type === "FORWARD" && place === "guest") add("type", "not allowed for a guest");
  if (!["ACCEPT", "DROP", "REJECT"].includes(rule.action)) add("action", `no such action '${rule.action}'`);
  if (rule.iface !== undefined) add("iface", interfaceFault(rule.iface, place));
  if (rule.macro !== undefined) add("macro", macroFault(rule));
  if (rule.proto !== undefined && !protocols.has(rule.proto) && !isProtocolNumber(rule.proto))
    add("proto", `unknown protocol '${rule.proto}'`);
  for (const name of ["dport", "sport"] as const) {
    const ports = rule[name];
    if (ports === undefined) continue;
    if (!withPorts.has(rule.proto ?? "") && rule.macro === undefined)
      add("proto", `ports need a protocol that has ports (tcp, udp), not ${rule.proto ?? "none"}`);
    add(name, portsFault(ports));
  }
  if (rule.icmpType !== undefined) {
    if (!isIcmp(rule.proto)) add("icmp-type", "needs protocol icmp or icmpv6");
    else if (!icmpTypeNames(rule.proto).includes(rule.icmpType))
      add("icmp-type", `invalid icmp-type '${rule.icmpType}' for proto '${rule.proto}'`);
    if (rule.dport !== undefined) add("icmp-type", "cannot stand beside ports");
  }
  for (const name of ["source", "dest"] as const)
    if (rule[name] !== undefined) add(name, addressFault(rule[name], known));
  return faults;
}

/** A protocol's number as it stands in an IP header, without zeros before it. */
export function isProtocolNumber(text: string): boolean {
  return /^(?:0|[1-9]\d{0,2})$/.test(text) && Number(text) <= 255;
}

function interfaceFault(name: string, place: RulePlace): string | undefined {
  if (place === "group") return "not allowed in a group";
  return place === "guest" && !/^net\d+$/.test(name) ? "a guest's interfaces are net0, net1 …" : undefined;
}

/** What a macro fixes cannot be said otherwise beside it, for any of its parts (pve-firewall 6.0.4, apply_macro). */
function macroFault({ macro = "", proto, dport, sport }: FwRule): string | undefined {
  if (macroName(macro) === undefined) return `unknown macro '${macro}'`;
  const fixed = (macroParts(macro) ?? []).flatMap(({ protocol, ports, sourcePorts }) => [
    ["proto", proto, protocol],
    ["dport", dport, ports],
    ["sport", sport, sourcePorts],
  ]);
  const [name, , value] =
    fixed.find(([, own, value]) => own !== undefined && value !== undefined && own !== value) ?? [];
  return name === undefined ? undefined : `parameter '${name}' already define in macro (value = '${value}')`;
}

/** A port's number; Proxmox also takes names of /etc/services, which differ from host to host, but in no range. */
export function portsFault(text: string): string | undefined {
  let count = 0;
  for (const part of text.split(",")) {
    const [first = "", last, ...more] = part.split(":");
    const numbers = [first, ...(last === undefined ? [] : [last])];
    if (more.length > 0 || !numbers.every(last === undefined ? isPort : isPortNumber))
      return `invalid port '${part}' in '${text}'`;
    if (last !== undefined && Number(first) > Number(last)) return `'${part}' ends before it begins`;
    count += numbers.length;
  }
  return count > portLimit
    ? `too many ports in '${text}': at most ${portLimit}, a range counts twice`
    : undefined;
}

function isPort(text: string): boolean {
  return isPortNumber(text) || (/[a-z]/.test(text) && /^[a-z0-9-]{2,}$/.test(text));
}

function isPortNumber(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535;
}

/** Addresses, networks with zero host bits, one range alone, comma lists, `+set` and alias names. */
export function addressFault(text: string, known: KnownNames): string | undefined {
  if (text.startsWith("+")) {
    const name = text.slice(1).replace(/^(?:dc|guest)\//, "");
    return name.startsWith("sdn/") || known.ipsets.has(name) ? undefined : `no such ipset '${name}'`;
  }
  if (/^(?:(?:dc|guest)\/)?[a-z][a-z0-9_-]+$/i.test(text)) {
    const name = text.replace(/^(?:dc|guest)\//, "").toLowerCase();
    return known.aliases.has(name) ? undefined : `no such alias '${name}'`;
  }
  const parts = text.split(",");
  for (const part of parts) {
    if (part.includes(":")) {
      if (!/^[0-9a-f:.]+(?:\/\d{1,3})?$/i.test(part)) return `invalid address '${part}'`;
      if (parts.some((other) => !other.includes(":"))) return "addresses of one list are of one family";
      continue;
    }
    if (part.includes("-") && parts.length > 1) return `the range '${part}' must stand alone`;
    if (addressRange(part) === undefined) return `invalid address '${part}'`;
    if (hasHostBits(part)) return `'${part}' has bits beyond its prefix`;
  }
  return undefined;
}
