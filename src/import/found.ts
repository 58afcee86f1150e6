/** What `phoenix import` reads from a living host: facts with their places, before anything is concluded from them. */

import type { Clock } from "../component.ts";
import type { FirewallFile } from "../formats/pve-firewall/index.ts";
import type { FileReading } from "../formats/pve-firewall/reading.ts";
import type { Host } from "../hosts/host.ts";
import type { Network } from "../hosts/network.ts";
import type { GuestName, HostName } from "../resource.ts";
import type { Secret } from "../secret.ts";
import { oneLineOf } from "../unseen.ts";

/** Where on the machines something was read. A path that is no file is a command or an API: "docker inspect nginx". */
export interface Source {
  readonly host: HostName;
  readonly path: string;
  /** Counts from 1. */
  readonly line?: number;
}

/** "/etc/dnsmasq.conf:12" on the hypervisor, "lxc/211:/etc/traefik/traefik.yml" in a guest; one line, whatever the path is. */
export function sourceText({ host, path, line }: Source): string {
  const name = oneLineOf(path);
  const place = line === undefined ? name : `${name}:${line}`;
  return host === "pve" ? place : `${host}:${place}`;
}

/** Something that was found and is not in the site: a line of IMPORT.md. */
export interface Left {
  readonly source: Source;
  /** The thing itself, short: "cname=files.lan,nas.lan". */
  readonly what: string;
  /** Why it is not in the site, a clause: "the target has no address here". */
  readonly reason: string;
}

/** A connection that a sync of the site would allow, and the host does not allow now. */
export interface Opened {
  /** The firewall file that decides now. */
  readonly source: Source;
  /** "tcp 8006 from 10.0.0.0/24 to the hypervisor". */
  readonly what: string;
  /** What needs it. */
  readonly why: string;
}

/** What a reader works with. Hosts and network refuse every change. */
export interface ReadIo {
  host(name: HostName): Host;
  readonly network: Network;
  readonly clock: Clock;
  /** Absent to try the password alone that Phoenix left on Portainer's machine. */
  readonly portainer?: PortainerCredentials;
  /** Notes something that was found, or could not be read, and will not be in the site. */
  left(left: Left): void;
}

/** How to enter Portainer's API. */
export interface PortainerCredentials {
  /** "admin" unless given. */
  readonly user?: string;
  readonly password?: Secret;
  /** Used instead of a login. */
  readonly apiKey?: Secret;
}

export interface FoundGuest {
  readonly host: GuestName;
  readonly kind: "lxc" | "vm";
  readonly id: number;
  readonly name: string;
  /** The node that has it. */
  readonly node: string;
  readonly isTemplate: boolean;
  readonly isRunning: boolean;
  readonly startsAtBoot: boolean;
  readonly nics: readonly FoundNic[];
  /** Directories of the hypervisor in a container. */
  readonly mounts: readonly FoundMount[];
  /** Mount points of a container on Proxmox's storage. */
  readonly volumes?: readonly FoundVolumeMount[];
  readonly tags: readonly string[];
  /** Whether it has a description. */
  readonly hasNotes?: boolean;
  /** The line of its name in its configuration. */
  readonly source: Source;
}

export interface FoundNic {
  /** "net0". */
  readonly key: string;
  readonly bridge?: string;
  /** Whether Proxmox filters it. */
  readonly isFiltered: boolean;
  readonly vlan?: number;
  /** Upper-case. */
  readonly mac?: string;
  /** Its IPv4 configuration, where that is known: a fixed address with its prefix length, or "dhcp". */
  readonly ip?: FoundAddress | "dhcp";
  /** What is written where an IPv4 address would be: "manual", an IPv6 address. */
  readonly written?: string;
  readonly gateway?: string;
  readonly source: Source;
}

export interface FoundAddress {
  readonly address: string;
  readonly prefix: number;
  /** The guest's agent tells it, and nothing that configures it: DHCP may have given it. */
  readonly isReported?: true;
  readonly source: Source;
}

export interface FoundMount {
  readonly hostPath: string;
  readonly guestPath: string;
  readonly source: Source;
}

export interface FoundVolumeMount {
  /** "local-lvm:vm-103-disk-1". */
  readonly volume: string;
  readonly guestPath: string;
  readonly source: Source;
}

export interface FoundNetwork {
  readonly interfaces: readonly FoundInterface[];
  /** Domains that the hypervisor gives itself, the strongest evidence first. */
  readonly domains: readonly FoundDomain[];
}

export interface FoundDomain {
  readonly name: string;
  readonly source: Source;
}

/** An interface with its IPv4 address. */
export interface FoundInterface {
  readonly name: string;
  readonly isBridge: boolean;
  readonly address?: FoundAddress;
  readonly gateway?: string;
  /** It gets its address by DHCP. */
  readonly isDynamic: boolean;
  readonly source: Source;
}

export interface FoundDns {
  readonly servers: readonly FoundDnsServer[];
}

export interface FoundDnsServer {
  readonly software: "dnsmasq" | "AdGuard Home" | "Pi-hole";
  /** Where it runs. */
  readonly source: Source;
  readonly isActive: boolean;
  /** IPv4 records; "*.x" stands for every name below x. */
  readonly records: readonly FoundRecord[];
  /** Resolvers for all other names. */
  readonly upstreams: readonly FoundUpstream[];
  /** Domains that it answers alone. */
  readonly domains: readonly FoundDomain[];
}

export interface FoundRecord {
  readonly name: string;
  readonly address: string;
  readonly source: Source;
}

export interface FoundUpstream {
  /** "9.9.9.9", "127.0.0.1#5335". */
  readonly address: string;
  readonly source: Source;
}

export interface FoundFirewall {
  /** The node that was read from; undefined where Proxmox does not say. */
  readonly ownNode: string | undefined;
  /** cluster.fw. */
  readonly cluster: FoundFirewallFile | undefined;
  /** host.fw of each node. */
  readonly nodes: readonly FoundFirewallFile[];
  readonly guests: ReadonlyMap<number, FoundFirewallFile>;
}

export interface FoundFirewallFile {
  readonly path: string;
  readonly file: FirewallFile;
  readonly reading: FileReading;
}

/** Directories that the hypervisor exports over NFS, and mounts of them in machines. */
export interface FoundShares {
  readonly exports: readonly { readonly path: string; readonly source: Source }[];
  readonly mounts: readonly FoundShare[];
}

export interface FoundShare {
  readonly host: GuestName;
  /** As it is written: an address or a name. */
  readonly server: string;
  readonly path: string;
  readonly mountPoint: string;
  readonly source: Source;
}
