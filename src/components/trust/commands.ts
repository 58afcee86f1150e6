/** Where Debian keeps the certificates that a host trusts, and the command that collects them. */
import type { Command } from "../../hosts/host.ts";

export const paths = {
  /**
   * The one file that is ours: a .crt with one certificate. Hosts set up by the shell system have a file of this name,
   * which is adopted as it is. Every other file in the directory is foreign.
   */
  root: "/usr/local/share/ca-certificates/phoenix_internal_root_ca.crt",
  /** The link that update-ca-certificates creates for it. */
  link: "/etc/ssl/certs/phoenix_internal_root_ca.pem",
  /** What programs on the host read. */
  bundle: "/etc/ssl/certs/ca-certificates.crt",
} as const;

export const commands = {
  /** Adds new certificates. */
  update: { argv: ["update-ca-certificates"], effect: "change", timeoutMs: 120_000 },
  /**
   * Also removes what is gone: a plain run keeps the links of a removed or replaced certificate (ca-certificates 20240203,
   * measured).
   */
  updateFresh: { argv: ["update-ca-certificates", "--fresh"], effect: "change", timeoutMs: 120_000 },
} as const satisfies Record<string, Command>;
