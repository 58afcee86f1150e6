/** Rules, chains and sets as netfilter has them. Part of the oracle: see read.ts. */

export type Family = "4" | "6";

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
  readonly source?: string | { readonly set: string; readonly except?: true };
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

/** A set's name in the kernel, at most 31 characters: longer ones are told apart by a number made of them. */
export function setName(name: string, guest = "0", family: Family = "4"): string {
  const long = `PVEFW-${guest}-${name}-v${family}`;
  if (long.length <= 31) return long;
  const sum = [...name].reduce((hash, letter) => (hash * 33 + letter.charCodeAt(0)) % 2 ** 32, 5381);
  return `PVEFW-${guest}-${sum.toString(16)}-v${family}`;
}
