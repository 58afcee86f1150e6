/** A site as the history keeps it: without its secrets, of which it has keyed fingerprints. */

export interface KeptFile {
  /** Relative to the site's root. */
  readonly name: string;
  /** The text with its marks; absent for a file any part of which may be secret. */
  readonly text?: string;
  /** Of a file that is secret as a whole. */
  readonly fingerprint?: string;
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
