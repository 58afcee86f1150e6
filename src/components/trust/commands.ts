/** Where Debian keeps the certificates that a host trusts, and the command that collects them. */
import type { Command } from "../../hosts/host.ts";

export const paths = {
  /** The one file that is ours: a .crt with one certificate. An existing one is adopted; all others there are foreign. */
  root: "/usr/local/share/ca-certificates/phoenix_internal_root_ca.crt",
  /** The link that update-ca-certificates creates for it. */
  link: "/etc/ssl/certs/phoenix_internal_root_ca.pem",
  /** What programs on the host read. */
  bundle: "/etc/ssl/certs/ca-certificates.crt",
} as const;

export const commands = {
  /** Adds new certificates. */
  update: { argv: ["update-ca-certificates"], effect: "change", timeoutMs: 120_000 },
  /** Also removes the links of removed or replaced certificates: a plain run keeps them (ca-certificates 20240203). */
  updateFresh: { argv: ["update-ca-certificates", "--fresh"], effect: "change", timeoutMs: 120_000 },
} as const satisfies Record<string, Command>;
