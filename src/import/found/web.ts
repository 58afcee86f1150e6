/** What serves names on a living host: proxies, their routes, certificates and a CA, each with its place. */
import type { ParsedCertificate } from "../../formats/x509/index.ts";
import type { Backend, HostPath, Middleware } from "../../model.ts";
import type { GuestName, HostName } from "../../resource.ts";
import type { Source } from "../found.ts";

/** A program that has, or could have, a role in the fabric. */
export interface FoundProgram {
  readonly host: GuestName;
  /** "nginx", "traefik", "step-ca", "caddy". */
  readonly program: string;
  readonly isRunning: boolean;
  readonly source: Source;
}

/** A fact about requests that a site cannot express: "auth_basic", with its place. */
export interface Remark {
  readonly what: string;
  readonly source: Source;
}

/** One name of one server block. */
export interface FoundServer {
  /** Lower case; "" for none, "_", or a default server. May be a wildcard ("*.x") or a regular expression ("~^…"). */
  readonly name: string;
  readonly host: GuestName;
  readonly source: Source;
  readonly listens: readonly {
    readonly port: number;
    readonly isTls: boolean;
    readonly isDefault: boolean;
  }[];
  readonly certificate?: { readonly certPath: string; readonly keyPath: string; readonly source: Source };
  readonly locations: readonly FoundLocation[];
  /** What keeps some requests out, of the server and all its locations: auth, allow and deny, limits. */
  readonly protections: readonly Remark[];
  /** What is done to requests otherwise: rewrites, filters of the body. */
  readonly treatments: readonly Remark[];
  readonly options: FoundOptions;
  /** The file is the one that Phoenix writes. */
  readonly isOurs: boolean;
}

/** As written; what is not written is absent. */
export interface FoundOptions {
  readonly maxBodyBytes?: number;
  readonly readTimeoutSeconds?: number;
  readonly buffering?: boolean;
}

export interface FoundLocation {
  /** "/", or with its modifier: "~ \.php$". */
  readonly path: string;
  readonly target: FoundTarget;
  readonly source: Source;
}

export type FoundTarget =
  | {
      readonly kind: "proxy";
      readonly scheme: "http" | "https";
      /** The servers that requests go to: one, or those of an upstream. */
      readonly servers: readonly FoundEndpoint[];
      /** What is put before or in place of the request's path; "" for none. */
      readonly path: string;
      /** The name that a backend with TLS is asked for. */
      readonly serverName?: string;
    }
  | { readonly kind: "redirect"; readonly to: string }
  /** Nothing is served: `return 444`, `deny all`. */
  | { readonly kind: "refusal"; readonly status: string }
  /** Something else, in words: "files of /var/www/html". */
  | { readonly kind: "other"; readonly what: string };

/** Where a proxy leads: an address or a host name, and a port. */
export interface FoundEndpoint {
  readonly host: string;
  readonly port: number;
}

/** A router of Traefik, whichever provider it comes from. */
export interface FoundRouter {
  readonly host: GuestName;
  /** Without its provider. */
  readonly name: string;
  readonly provider: "file" | "docker" | "other";
  readonly rule: string;
  /** Host names that the rule asks for. */
  readonly names: readonly string[];
  readonly entryPoints: readonly string[];
  readonly hasTls: boolean;
  readonly priority?: number;
  /** With "@" in the name when its declaration was not found. */
  readonly middlewares: readonly Middleware[];
  /** Absent when the service is not a plain load balancer; `what` says what it is. */
  readonly backends: readonly Backend[];
  readonly loadBalancer: Readonly<Record<string, unknown>>;
  /** What cannot be expressed, in words. */
  readonly remarks: readonly string[];
  readonly source: Source;
  readonly isOurs: boolean;
}

/** One Traefik and what its static configuration says. */
export interface FoundTraefik {
  readonly host: GuestName;
  readonly source: Source;
  /** Its watched directory has the file that Phoenix writes. */
  readonly isOurs: boolean;
  /** Entry points by name, with their ports. */
  readonly entryPoints: Readonly<Record<string, number>>;
  /** "file", "docker". */
  readonly providers: readonly string[];
  readonly routers: readonly FoundRouter[];
  /** Where a file declares a certificate for TLS. */
  readonly certificates: readonly {
    readonly certPath: string;
    readonly keyPath: string;
    readonly source: Source;
  }[];
}

/** A CA's own configuration. */
export interface FoundAuthority {
  readonly host: GuestName;
  readonly source: Source;
  readonly isRunning: boolean;
  /** Host names and addresses. */
  readonly dnsNames: readonly string[];
  readonly port: number;
  /** JWK provisioners whose private key is in the configuration, encrypted. */
  readonly provisioners: readonly string[];
  /** PEM; absent when the file is not there. */
  readonly root?: string;
  /** Where a site without further settings finds the root and the provisioner's password. */
  readonly rootPlace?: HostPath;
  readonly passwordPlace?: HostPath;
  /** What it lacks to issue certificates, a clause each. */
  readonly faults: readonly string[];
}

/** A certificate on the hypervisor's disks, with its key. */
export interface FoundCertificate {
  readonly certPath: string;
  /** Absent when no key beside it fits. */
  readonly key?: { readonly path: string; readonly mode: string; readonly owner: string };
  readonly mode: string;
  /** "user:group", as the guest that sees it knows them. */
  readonly owner: string;
  /** The guest that sees it, the first of several, and where. */
  readonly seen?: { readonly host: GuestName; readonly certPath: string };
  /** The leaf first. */
  readonly chain: readonly ParsedCertificate[];
  /** What Phoenix recorded when it last put this pair in place. */
  readonly record?: { readonly command?: string };
  readonly source: Source;
}

/** Who renews a certificate besides Phoenix, and what is done then. */
export interface FoundRenewal {
  readonly host: HostName;
  /** The certificate's path where it is renewed; "%i" stands for the unit's instance. */
  readonly certPath: string;
  /** What runs afterwards, there. */
  readonly command?: string;
  /** "cert-renewer@.service", "/etc/cron.d/renew". */
  readonly source: Source;
}

export interface FoundCertificates {
  readonly certificates: readonly FoundCertificate[];
  readonly renewals: readonly FoundRenewal[];
  /** When they were read, in milliseconds since the epoch. */
  readonly atMs: number;
}

export interface FoundWeb {
  readonly programs: readonly FoundProgram[];
  /** Of every Nginx. */
  readonly servers: readonly FoundServer[];
  readonly traefiks: readonly FoundTraefik[];
  readonly authorities: readonly FoundAuthority[];
}
