/** Where Debian keeps the certificates that a host trusts, and the command that gathers them. */
import type { Command } from "../../hosts/host.ts";

export const paths = {
  /**
   * The one file that is ours: a .crt with one certificate in it. It has the name that hosts set up by the shell system
   * have, so that theirs are taken over as they are. Every other file of the directory is somebody else's.
   */
  root: "/usr/local/share/ca-certificates/phoenix_internal_root_ca.crt",
  /** The link that update-ca-certificates makes for it. */
  link: "/etc/ssl/certs/phoenix_internal_root_ca.pem",
  /** What programs on the host read. */
  bundle: "/etc/ssl/certs/ca-certificates.crt",
} as const;

export const commands = {
  /** Takes up new certificates. */
  update: { argv: ["update-ca-certificates"], effect: "change", timeoutMs: 120_000 },
  /**
   * Forgets what is gone as well: a plain run leaves the links of a removed or replaced certificate
   * (ca-certificates 20240203, measured).
   */
  updateFresh: { argv: ["update-ca-certificates", "--fresh"], effect: "change", timeoutMs: 120_000 },
} as const satisfies Record<string, Command>;
