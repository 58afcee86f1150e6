/** What the table of problem codes says about each of them. */

export type Severity = "error" | "warning";

export interface ProblemKind<Allowed extends Severity | "both" = Severity | "both"> {
  /** "both": an error or a warning, as the reporter of the problem decides. */
  readonly severity: Allowed;
  /** A few words without a full stop: "unknown stack". */
  readonly title: string;
  /** Sentences that say what the code means and why it matters. */
  readonly meaning: string;
  /** Sentences that say what to do. */
  readonly fix: string;
}

const kindOf =
  <Allowed extends Severity | "both">(severity: Allowed) =>
  (title: string, meaning: string, fix: string): ProblemKind<Allowed> => ({ severity, title, meaning, fix });

/** The site cannot be used while this problem exists. */
export const error = kindOf("error");
/** The site can be used. */
export const warning = kindOf("warning");
/** An error in some cases and a warning in others. */
export const both = kindOf("both");
