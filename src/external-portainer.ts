/** A Portainer that somebody else runs: stacks are deployed through it, and nothing of it is set up. */
import type { Secret } from "./secret.ts";

export interface ExternalPortainer {
  /** Dotted IPv4 address. */
  readonly address: string;
  /** The name in its certificate. */
  readonly hostname: string;
  /** The HTTPS port of its API, 9443. */
  readonly port: number;
  readonly adminUser: string;
  readonly adminPassword?: Secret;
  /** Used instead of a login. */
  readonly apiKey?: Secret;
  /**
   * The SHA-256 fingerprint of its certificate, in upper-case hexadecimal digits: no other is accepted. Without one, the
   * certificate must be issued by the site's CA, or by a public one where the site has none.
   */
  readonly fingerprint?: string;
  /** How long a container must have run before its deployment counts as done, in milliseconds. */
  readonly settleMs: number;
}
