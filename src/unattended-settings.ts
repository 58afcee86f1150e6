/** What the site says about runs that nobody watches: their hours, and where the site itself comes from. */

export interface UnattendedSettings {
  /** Windows of the week as written, each valid; absent when a run may disrupt at any time. */
  readonly repairHours?: readonly string[];
  /** The git repository that the site is updated from before such a run. */
  readonly source?: SiteSource;
}

export interface SiteSource {
  /** The remote's branch; absent for the upstream of the current one. */
  readonly branch?: string;
  /** SSH public keys, GPG fingerprints, paths of allowed signers files; empty when commits need no signature. */
  readonly signedBy: readonly string[];
}
