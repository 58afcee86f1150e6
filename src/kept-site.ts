/** A site as the history keeps it: without its secrets, of which it has keyed fingerprints. */
import type { Secret } from "./secret.ts";

export interface KeptFile {
  /** Relative to the site's root. */
  readonly name: string;
  /** The text with its marks; absent for a file any part of which may be secret: one that a stack mounts. */
  readonly text?: string;
  /** Of such a file. */
  readonly fingerprint?: string;
  /** The content of such a file, which is stored sealed; absent when its seal cannot be opened any more. */
  readonly content?: Secret;
}

/** What a reference led to. */
export interface KeptReference {
  /** "stacks/wiki/phoenix.json:8:20". */
  readonly at: string;
  readonly fingerprint: string;
}

export interface KeptSite {
  readonly files: readonly KeptFile[];
  readonly references: readonly KeptReference[];
}
