/**
 * ICMP types of pve-firewall 6, which takes names only, in its own spelling. proxmox-firewall takes these names as well. The
 * numbers are those of iptables: type, or type/code.
 */
const v4 = `any echo-reply:0 destination-unreachable:3 network-unreachable:3/0 host-unreachable:3/1
protocol-unreachable:3/2 port-unreachable:3/3 fragmentation-needed:3/4 source-route-failed:3/5 network-unknown:3/6
host-unknown:3/7 network-prohibited:3/9 host-prohibited:3/10 TOS-network-unreachable:3/11 TOS-host-unreachable:3/12
communication-prohibited:3/13 host-precedence-violation:3/14 precedence-cutoff:3/15 source-quench:4 redirect:5
network-redirect:5/0 host-redirect:5/1 TOS-network-redirect:5/2 TOS-host-redirect:5/3 echo-request:8
router-advertisement:9 router-solicitation:10 time-exceeded:11 ttl-zero-during-transit:11/0
ttl-zero-during-reassembly:11/1 parameter-problem:12 ip-header-bad:12/0 required-option-missing:12/1
timestamp-request:13 timestamp-reply:14 address-mask-request:17 address-mask-reply:18`;
const v6 = `destination-unreachable:1 no-route:1/0 communication-prohibited:1/1 beyond-scope:1/2 address-unreachable:1/3
port-unreachable:1/4 failed-policy:1/5 reject-route:1/6 packet-too-big:2 time-exceeded:3 ttl-zero-during-transit:3/0
ttl-zero-during-reassembly:3/1 parameter-problem:4 bad-header:4/0 unknown-header-type:4/1 unknown-option:4/2
echo-request:128 echo-reply:129 router-solicitation:133 router-advertisement:134 neighbor-solicitation:135
neighbour-solicitation:135 neighbor-advertisement:136 neighbour-advertisement:136 redirect:137`;

function typesIn(list: string): readonly { readonly name: string; readonly number: string | undefined }[] {
  return list.split(/\s+/).map((entry) => {
    const [name = "", number] = entry.split(":");
    return { name, number };
  });
}

const types = { icmp: typesIn(v4), icmpv6: typesIn(v6), "ipv6-icmp": typesIn(v6) } as const;

/** Protocols that have ICMP types, by the names that Proxmox wants. */
export type IcmpProtocol = keyof typeof types;

export function isIcmp(protocol: string | undefined): protocol is IcmpProtocol {
  return protocol !== undefined && Object.hasOwn(types, protocol);
}

/** Every name of a protocol's types. */
export function icmpTypeNames(protocol: IcmpProtocol): readonly string[] {
  return types[protocol].map(({ name }) => name);
}

/** Proxmox's name of a type, from the name in any case or the number: "8", "3/4". */
export function icmpTypeName(protocol: IcmpProtocol, text: string): string | undefined {
  const wanted = text.toLowerCase();
  return types[protocol].find(({ name, number }) => name.toLowerCase() === wanted || number === wanted)?.name;
}

/** Whether any protocol has a type of this name. */
export function isIcmpType(text: string): boolean {
  return Object.values(types).some((known) => known.some(({ name }) => name === text));
}

/** A type as iptables takes it, from a name or a number: "any" is every type, "3/4" type and code. */
export function icmpNumber(family: 4 | 6, text: string): string | undefined {
  if (/^\d+(?:\/\d+)?$/.test(text)) return text;
  const known = types[family === 4 ? "icmp" : "icmpv6"].find(({ name }) => name === text);
  return known === undefined ? undefined : (known.number ?? "any");
}
