/** The declared firewall: policies and rules of the hypervisor and of its guests. */
import type { SourceRef } from "./resource.ts";

export type FirewallPolicy = "ACCEPT" | "DROP" | "REJECT";

export interface Firewall {
  readonly enabled: boolean;
  readonly inputPolicy: FirewallPolicy;
  readonly outputPolicy: FirewallPolicy;
  /** Rules for the hypervisor itself. */
  readonly rules: readonly FirewallRule[];
  readonly from: SourceRef;
}

export interface GuestFirewall {
  readonly enabled: boolean;
  /** The guest's own rules and those of the stacks assigned to it, without duplicates, in the order declared. */
  readonly rules: readonly FirewallRule[];
}

export interface FirewallRule {
  readonly direction: "in" | "out";
  readonly action: "ACCEPT" | "DROP" | "REJECT";
  /** "tcp", "udp", "icmp" or another name of /etc/protocols. */
  readonly protocol?: string;
  /** Destination ports in Proxmox's notation: "80,443", "8000:8010". */
  readonly ports?: string;
  readonly sourcePorts?: string;
  /** An address, network, range or list in Proxmox's notation. */
  readonly source?: string;
  readonly destination?: string;
  readonly interface?: string;
  /** A Proxmox macro, "SSH". */
  readonly macro?: string;
  readonly icmpType?: string;
  readonly log?: string;
  /** One line, without "#". */
  readonly comment?: string;
  readonly from: SourceRef;
}
