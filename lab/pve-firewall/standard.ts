/** Rules and chains that pve-firewall 6.0.4 adds to every firewall. Part of the oracle: see read.ts. */
import type { ChainRule, Family } from "./chains.ts";
import type { FirewallConfig } from "./read.ts";

/** Rules that differ between the families. */
export interface Parts {
  readonly icmp: string;
  readonly multicast: string;
  /** What comes before the end of a policy that keeps everything out. */
  readonly passing: readonly ChainRule[];
  readonly rejections: readonly ChainRule[];
}

/** The parts of one family. */
export function partsOf(family: Family): Parts {
  const [icmp, multicast] = family === "4" ? ["icmp", "224.0.0.0/4"] : ["icmpv6", "ff00::/8"];
  const critical =
    family === "4"
      ? ["fragmentation-needed", "time-exceeded"]
      : ["destination-unreachable", "time-exceeded", "packet-too-big"];
  return {
    icmp,
    multicast,
    passing: [
      ...(family === "6" ? [{ protocol: "tcp", dport: "43", target: "PVEFW-reject" }] : []),
      { dest: multicast, target: "DROP" },
      ...critical.map((icmpType) => ({ protocol: icmp, icmpType, target: "ACCEPT" })),
    ],
    rejections: [
      { protocol: "tcp", target: "REJECT", rejectWith: "tcp-reset" },
      family === "4" ? { target: "REJECT", rejectWith: "icmp-host-prohibited" } : { target: "REJECT" },
    ],
  };
}

/** Neighbour discovery of IPv6, unless an option says no. */
export function discovery(
  family: Family,
  { options }: FirewallConfig,
  withRouters: boolean,
): readonly ChainRule[] {
  if (family === "4" || options.ndp === "0") return [];
  const types = ["router-solicitation", "neighbor-solicitation", "neighbor-advertisement"];
  const all = withRouters ? [...types, "router-advertisement"] : types;
  return all.map((icmpType) => ({ protocol: "icmpv6", icmpType, target: "ACCEPT" }));
}

/**
 * A packet on its way from a filtered guest is looked up twice, on the guest's firewall bridge and behind it. A reset that
 * answers a first packet ends the connection at the first look, so that the second finds it invalid: a closed port of a
 * filtered guest is silent, here as on Proxmox, unless host.fw says nf_conntrack_allow_invalid.
 */
export function establishedRules(allowsInvalid: boolean): readonly ChainRule[] {
  const accepted: ChainRule = { state: "RELATED,ESTABLISHED", target: "ACCEPT" };
  return allowsInvalid ? [accepted] : [{ state: "INVALID", target: "DROP" }, accepted];
}

/** What ends a chain. */
export function policy(name: string): ChainRule {
  if (name === "ACCEPT") return { target: "ACCEPT" };
  return { target: name === "REJECT" ? "PVEFW-Reject" : "PVEFW-Drop" };
}
