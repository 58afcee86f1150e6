/** The declared site after loading: pure data, complete. What two components share, they share through it; it knows none of them. */
import type { Certificate, CertificateAuthority, GuestCertificatePaths } from "./certificate.ts";
import type { Cluster } from "./cluster.ts";
import type { ExternalPortainer } from "./external-portainer.ts";
import type { Firewall, GuestFirewall } from "./firewall.ts";
import type { Reporting } from "./notice.ts";
import type { GuestName, SourceRef } from "./resource.ts";
import type { Secret } from "./secret.ts";
import type { UnattendedSettings } from "./unattended-settings.ts";

export type { Certificate, CertificateAuthority, GuestCertificatePaths, HostPath } from "./certificate.ts";
export type { Firewall, FirewallPolicy, FirewallRule, GuestFirewall } from "./firewall.ts";

export interface Site extends Reporting {
  /** The absolute path of the directory that holds `etc/` and `stacks/`. */
  readonly root: string;
  /** Lower case, without a trailing dot: "internal.example.net". */
  readonly domain: string;
  readonly hypervisor: Hypervisor;
  /** In the order of the files, containers first. Templates are included and marked. */
  readonly guests: readonly Guest[];
  readonly roles: Roles;
  readonly gatewayPair?: GatewayPair;
  /** Absent when the site declares none, which is not the same as one that is switched off; so is the firewall. */
  readonly dns?: Dns;
  readonly firewall?: Firewall;
  readonly ca?: CertificateAuthority;
  readonly certificates: readonly Certificate[];
  readonly portainer: Portainer | undefined;
  readonly externalPortainer?: ExternalPortainer;
  readonly unattended?: UnattendedSettings;
  /** DNS names, certificate names, gateway server names, routers and openings all derive from this one list. */
  readonly services: readonly Service[];
  /** One entry for each stack on each virtual machine that it is assigned to. */
  readonly stacks: readonly Stack[];
  readonly swarms: readonly Swarm[];
  /**
   * The Proxmox cluster as it is now, which no file declares: added when a command opens its machines. Absent on a single host and
   * wherever no machine is asked (`check`).
   */
  readonly cluster?: Cluster;
}

export interface Hypervisor {
  /** Dotted IPv4 address. */
  readonly address: string;
  /** Prefix length of the network on the bridge, 24 for a /24. */
  readonly prefix: number;
  /** The network in CIDR notation with host bits zero: "10.0.0.0/24". */
  readonly network: string;
  /** The bridge's name: "vmbr0". */
  readonly bridge: string;
  /** Where the hypervisor mounts its storage besides the native path: "/mnt/pve". */
  readonly mountBase: string;
  readonly from: SourceRef;
}

export interface Guest {
  readonly host: GuestName;
  readonly kind: "lxc" | "vm";
  readonly id: number;
  readonly name: string;
  /** Dotted IPv4 address; absent for DHCP or when none is declared. */
  readonly address?: string;
  /** The name of its network interface, where it is declared. */
  readonly interface?: string;
  /** A template never runs: no DNS name, no service, no firewall of its own. */
  readonly template: boolean;
  readonly firewall?: GuestFirewall;
  /** Directories of the hypervisor that the guest sees (LXC mount points). */
  readonly mounts: readonly Mount[];
  /** NFS directories that the guest mounts (VM volumes); the first is its persistent storage. */
  readonly shares: readonly Share[];
  readonly portainerRole?: "primary" | "agent";
  readonly from: SourceRef;
}

export interface Mount {
  readonly hostPath: string;
  readonly guestPath: string;
}

export interface Share {
  readonly name: string;
  /** The NFS server's address. */
  readonly server: string;
  /** The exported directory on the server. */
  readonly path: string;
  /** Where the guest sees it. */
  readonly mountPoint: string;
  readonly from: SourceRef;
}

/** The guests that run Nginx, Traefik and Step-CA for the site, found by what the configuration says and never by an id. */
export interface Roles {
  readonly gateway?: RoleGuest;
  readonly mesh?: RoleGuest;
  readonly ca?: RoleGuest;
}

/** A second gateway that serves the same, and the address that keepalived keeps on the one that works: clients know no other. */
export interface GatewayPair {
  readonly standby: RoleGuest;
  /** Dotted IPv4 address. */
  readonly address: string;
  readonly from: SourceRef;
}

/** A guest with a role always has an address. */
export type RoleGuest = Guest & { readonly address: string };

/** A Docker Swarm: a name, and the virtual machines that are its members. */
export interface Swarm {
  readonly name: string;
  /** Managers first, then in the order of the files; at least one is a manager. */
  readonly members: readonly SwarmMember[];
  /** The name of its one environment in Portainer. */
  readonly environment: string;
  readonly from: SourceRef;
}

export interface SwarmMember {
  readonly guest: RoleGuest;
  readonly role: "manager" | "worker";
  readonly from: SourceRef;
}

export interface Dns {
  readonly enabled: boolean;
  /** Addresses of the resolvers for all other names. */
  readonly upstreams: readonly string[];
  /** `dns_records` and records of certificates: full names in lower case; "*.x" stands for every name below x. */
  readonly records: readonly DnsRecord[];
  /** The nodes of a cluster that run dnsmasq, by the cluster's names; absent for all of them. */
  readonly nodes?: readonly { readonly name: string; readonly from: SourceRef }[];
}

export interface DnsRecord {
  readonly name: string;
  readonly address: string;
  readonly from: SourceRef;
}

export interface Portainer {
  readonly guest: RoleGuest;
  /** "portainer.internal.example.net". */
  readonly hostname: string;
  /** HTTPS port of the user interface and API, 9443. */
  readonly port: number;
  readonly adminUser: string;
  /** Absent when the API key is all there is: of a Portainer that has its administrator already. */
  readonly adminPassword?: Secret;
  /** Used instead of a login. */
  readonly apiKey?: Secret;
  /** The Compose file that the site declares for the server. */
  readonly compose: ComposeFile;
  readonly share: Share;
  /** The certificate of the manifest that names `hostname`, with its paths as the virtual machine sees them. */
  readonly certificate: Certificate & { readonly inGuest: GuestCertificatePaths };
  readonly agentImage: string;
  readonly registries: readonly PortainerRegistry[];
  /** How long a container must have run before its deployment counts as done, in milliseconds. */
  readonly settleMs: number;
  /** Agents, and the server's own engine where stacks are assigned to it. */
  readonly environments: readonly PortainerEnvironment[];
}

/** A registry that Portainer gets credentials for. */
export interface PortainerRegistry {
  readonly name: string;
  /** "registry.example.net:5000": what images' names begin with. */
  readonly url: string;
  readonly username: string;
  readonly password: Secret;
  readonly from: SourceRef;
}

export interface PortainerEnvironment {
  /** The one stable identity of an environment in Portainer. */
  readonly name: string;
  readonly guest: RoleGuest;
  /** "agent": tcp://address:port of an agent. "local": the server's own Docker socket. */
  readonly kind: "agent" | "local";
  /** The agent's port on the guest, 9001. */
  readonly port: number;
  /** The agent's own DNS name, which points to the guest. */
  readonly hostname?: string;
  /** The Swarm whose one environment it is; `guest` is then the first manager. */
  readonly swarm?: string;
  readonly from: SourceRef;
}

export interface ComposeFile {
  /** Relative to the site's root. */
  readonly file: string;
  readonly text: string;
}

export interface Service {
  /** Short and unique, a valid name of a router: "chat", "qdrant_service-qdrant". */
  readonly id: string;
  /** Full host names in lower case, at least one; the first is shown. */
  readonly names: readonly string[];
  /** routed: names point at the gateway, which passes requests to the mesh, which passes them to the backend.
   * direct: names point at the guest itself (the CA, an agent, the gateway's own name); no router.
   * external: somebody else's proxy serves the names; they get no record, no certificate and no router. */
  readonly path: "routed" | "direct" | "external";
  readonly guest: RoleGuest;
  readonly backend: Backend;
  /** The router's rule in Traefik v3 syntax; for a guest's service Host(`name`). */
  readonly rule: string;
  readonly priority?: number;
  /** Middlewares in the order they apply, with their options in the spelling of Traefik's file provider. */
  readonly middlewares: readonly Middleware[];
  /** Load balancer members that the labels set besides the server: sticky, healthCheck, passHostHeader … */
  readonly loadBalancer: Readonly<Record<string, unknown>>;
  readonly stack?: string;
  readonly options: ServiceOptions;
  readonly from: SourceRef;
}

export interface Backend {
  readonly scheme: "http" | "https" | "h2c";
  readonly address: string;
  readonly port: number;
  /** Further members of a Swarm that may serve the same port; the mesh asks the ones that are healthy. */
  readonly others?: readonly string[];
  /** For https: the name in the backend's certificate, when it is known. */
  readonly serverName?: string;
}

export interface Middleware {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** How the gateway treats a service's requests. */
export interface ServiceOptions {
  /** Largest request body in bytes; 0 means no limit. */
  readonly maxBodyBytes: number;
  /** The idle timeout of a connection, in seconds. */
  readonly readTimeoutSeconds: number;
  /** False passes every byte on at once, for streams. */
  readonly buffering: boolean;
}

/** What suits uploads, consoles and streams: no body limit, an idle timeout of an hour, no buffering. */
export const defaultServiceOptions: ServiceOptions = {
  maxBodyBytes: 0,
  readTimeoutSeconds: 3600,
  buffering: false,
};

export interface Stack {
  /** The directory's name under `stacks/`. */
  readonly name: string;
  /** The name that Portainer makes from the stack's: lower case, only [-_a-z0-9]. */
  readonly project: string;
  /** The environment of phoenix.json that is deployed: "production". */
  readonly environment: string;
  /** The virtual machine that it is assigned to; of a Swarm's stack the first manager. */
  readonly guest: RoleGuest;
  /** The Swarm that it is assigned to by name. */
  readonly swarm?: string;
  /** The name of the Portainer environment it is deployed to. */
  readonly portainerEnvironment: string;
  readonly share: Share;
  readonly compose: ComposeFile;
  readonly variables: readonly StackVariable[];
  readonly files: readonly StackFile[];
  /** Labels to add, by the service's name in the Compose file. */
  readonly labels: Readonly<Record<string, readonly StackLabel[]>>;
  readonly volumes: readonly StackVolume[];
  /** External networks that the machine gets before the stack is deployed, by Docker's names. */
  readonly networks: readonly string[];
  /** Who owns it in Portainer beside the administrators; absent to leave that to Portainer. */
  readonly owners?: StackOwners;
  readonly from: SourceRef;
}

/** By their names in Portainer. */
export interface StackOwners {
  readonly teams: readonly string[];
  readonly users: readonly string[];
  readonly from: SourceRef;
}

export interface StackVariable {
  readonly name: string;
  readonly value: Secret;
  /** True when the value was a reference (`env:`, `file:` …) or the name suggests a secret: password, token, key … */
  readonly sensitive: boolean;
  readonly from: SourceRef;
}

export interface StackFile {
  /** The file's content as read from the site. */
  readonly content: Secret;
  readonly source: string;
  /** Where containers see it; "" where the Compose file alone says what it is for. */
  readonly destination: string;
  readonly from: SourceRef;
}

export interface StackLabel {
  readonly key: string;
  readonly value: string;
  readonly from: SourceRef;
}

/** An external volume of the Compose file, on the virtual machine's NFS share. */
export interface StackVolume {
  /** The volume's name as Docker knows it. */
  readonly name: string;
  /** Directory below the share's path: "volumes/qdrant_data_nfs". */
  readonly directory: string;
}
