/** What serves names on a living host: proxies, their routes, certificates and a CA, each with its place. */
import type { Backend, Middleware } from "../../model.ts";
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
  readonly dnsNames: readonly string[];
  readonly port: number;
  /** JWK provisioners whose private key is in the configuration, encrypted. */
  readonly provisioners: readonly string[];
  /** In the guest. */
  readonly rootFile: string;
  /** PEM; absent when the file is not there. */
  readonly root?: string;
  readonly isRunning: boolean;
  /** Files that hold a password, in the guest. */
  readonly passwordFiles: readonly string[];
  /** What is missing for it to issue certificates, a clause each. */
  readonly faults: readonly string[];
}

/** A certificate and its key on the hypervisor's disks. */
export interface FoundCertificate {
  readonly certPath: string;
  readonly keyPath: string;
  /** The first guest that sees them, with the key's path there. */
  readonly seenBy?: { readonly host: GuestName; readonly certPath: string; readonly keyPath: string };
  /** "user:group" as that guest knows them. */
  readonly owner: string;
  readonly keyOwner: string;
  readonly mode: string;
  readonly keyMode: string;
  /** Its names with their types: "DNS:a.example.net". */
  readonly names: readonly string[];
  readonly commonName: string;
  readonly chain: string;
  readonly notAfterMs: number;
  readonly keyMatches: boolean;
  readonly source: Source;
}

/** What is done when a certificate is renewed, and by whom. */
export interface FoundRenewal {
  readonly host: HostName;
  /** Paths or names that it is about. */
  readonly about: readonly string[];
  /** The command that runs afterwards, as it would be typed on the hypervisor. */
  readonly command?: string;
  /** "cert-renewer@gateway.timer", "certbot". */
  readonly by: string;
  readonly source: Source;
}

export interface FoundWeb {
  readonly programs: readonly FoundProgram[];
  /** Of every Nginx. */
  readonly servers: readonly FoundServer[];
  readonly traefiks: readonly FoundTraefik[];
}
