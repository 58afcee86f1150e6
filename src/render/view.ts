/** How text looks on an output: colour, width, the names that people gave their machines. */
import picocolors from "picocolors";
import type { HostName } from "../resource.ts";

export interface Paint {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
}

export interface View {
  readonly paint: Paint;
  /** Columns of the terminal; Infinity for a pipe or file, where nothing is wrapped or cut. */
  readonly width: number;
  /** "vm/1002 (drphoenix)": a host as output calls it. */
  readonly hostName: (host: HostName) => string;
  /** Show long lists and texts in full. */
  readonly full: boolean;
  /** Replaces known secrets in a text by "(secret)". */
  readonly redact: (text: string) => string;
}

/** Colours, or functions that return their text. Colour only repeats what a sign or word already says. */
export function paintOf(enabled: boolean): Paint {
  return picocolors.createColors(enabled);
}

/** A view for a pipe: no colour, no width, hosts by their bare names. */
export const plainView: View = {
  paint: paintOf(false),
  width: Number.POSITIVE_INFINITY,
  hostName: (host) => host,
  full: false,
  redact: (text) => text,
};

export type Sign = "=" | "+" | "~" | "-" | "!" | ">" | " ";

/** A sign in its colour. */
export function painted(sign: Sign, paint: Paint): string {
  switch (sign) {
    case "+":
      return paint.green(sign);
    case "~":
      return paint.yellow(sign);
    case "-":
    case "!":
      return paint.red(sign);
    case "=":
    case ">":
      return paint.dim(sign);
    case " ":
      return sign;
  }
}
