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

/** Reads an entry: its first line is the title, its last what to do, and the lines between are the meaning. */
const kindOf =
  <Allowed extends Severity | "both">(severity: Allowed) =>
  ([entry = ""]: TemplateStringsArray): ProblemKind<Allowed> => {
    const lines = entry.split("\n").map((line) => line.trim());
    const [title = "", fix = ""] = [lines[0], lines.at(-1)];
    return { severity, title, meaning: lines.slice(1, -1).join(" "), fix };
  };

/** The site cannot be used while this problem exists. */
export const error = kindOf("error");
/** The site can be used. */
export const warning = kindOf("warning");
/** An error in some cases and a warning in others. */
export const both = kindOf("both");
