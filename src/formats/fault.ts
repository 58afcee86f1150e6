/** What is wrong with a text: every format's readers and checks report it in this form. */

/** What is wrong, and what to do about it. */
export interface Fault {
  /** In lower case and without a full stop: `unknown key "imgae"`. */
  readonly message: string;
  readonly hint?: string;
  /** "error" when absent. */
  readonly severity?: "error" | "warning";
}

/** A fault and its place: a line, a name, or whatever the format's texts are pointed into by. */
export interface FaultAt<Place> extends Fault {
  readonly place: Place;
}
