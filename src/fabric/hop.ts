/** A hop on the way of a request to a name: what is expected of it, on which host, and the line that declares it. */
import type { Backend, Certificate, Guest, Service, Stack } from "../model.ts";
import type { HostName, SourceRef } from "../resource.ts";
import type { FirewallPath } from "./paths.ts";

interface HopBase {
  /** Where the hop is. */
  readonly host: HostName;
  /** In a few words, for people: "10.0.0.153", "router wiki-wiki -> http://10.0.0.31:3080". */
  readonly expected: string;
  /** The line that declares it. */
  readonly from: SourceRef;
}

/** A new connection that a hop needs, and the line whose rule lets it through (its target's, where nothing is filtered). */
export interface Connection {
  readonly path: FirewallPath;
  readonly opening: SourceRef;
}

/** The site's DNS server answers with an address. */
export interface DnsHop extends HopBase {
  readonly kind: "dns";
  readonly name: string;
  readonly address: string;
}

/** A client connects. */
export interface TcpHop extends HopBase, Connection {
  readonly kind: "tcp";
}

/** The server presents a certificate for the name. */
export interface TlsHop extends HopBase {
  readonly kind: "tls";
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** The site's own, where the manifest lists it; a CA issues its own, an agent signs its own. */
  readonly certificate?: Certificate;
  /** "site": the chain leads to the site's root. "own": the server signs it itself, and nobody verifies it. */
  readonly issuer: "site" | "own";
}

/** The gateway takes the request and passes it on to the mesh. */
export interface GatewayHop extends HopBase, Connection {
  readonly kind: "gateway";
  readonly name: string;
}

/** The mesh chooses the router of the service. */
export interface MeshHop extends HopBase {
  readonly kind: "mesh";
  readonly service: Service;
}

/** What must answer at a backend's port. */
export type Application = "portainer" | "agent" | "ca" | "proxmox" | "service";

/** The port that the request ends at. `path` begins at the mesh, or at the client where the name leads there directly. */
export interface BackendHop extends HopBase, Connection {
  readonly kind: "backend";
  readonly scheme: Backend["scheme"];
  readonly application: Application;
  readonly serverName?: string;
  /** Further members of a Swarm: requests end at any one that serves. */
  readonly others?: readonly BackendHop[];
}

/** The containers behind the port, by the names of their services in the Compose file. */
export interface ContainerHop extends HopBase {
  readonly kind: "container";
  readonly project: string;
  readonly services: readonly string[];
  /** The container's own name, where it is known. */
  readonly container?: string;
  readonly stack?: Stack;
  /** Those of the services that may end well and stay so. */
  readonly jobs?: readonly string[];
  /** They belong to the stack, and requests do not pass through them. */
  readonly isBeside?: boolean;
}

/** A guest runs. */
export interface GuestHop extends HopBase {
  readonly kind: "guest";
  readonly guest: Guest;
}

export type Hop = DnsHop | TcpHop | TlsHop | GatewayHop | MeshHop | BackendHop | ContainerHop | GuestHop;

/** One way to a name. A name whose requests several routers share has one for each. */
export interface Way {
  /** As asked for, in lower case. */
  readonly name: string;
  /** What the name leads to: "wiki-wiki", "the CA", "vm/311 (docker-one)", "a record". */
  readonly leadsTo: string;
  readonly service?: Service;
  /** In the order of a request. */
  readonly hops: readonly Hop[];
}

export type HopKind = Hop["kind"];
