/** How text looks on an output: colour, width, the names that people gave their machines. */
import picocolors from "picocolors";
import type { HostName } from "../resource.ts";

/** Functions that colour a text, or return it as it is. Colour only repeats what a sign or word already says. */
export type Paint = Pick<
  ReturnType<typeof picocolors.createColors>,
  "bold" | "dim" | "red" | "green" | "yellow" | "cyan"
>;

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

const signColours = { "+": "green", "~": "yellow", "-": "red", "!": "red", "=": "dim", ">": "dim" } as const;

/** A sign in its colour. */
export function painted(sign: Sign, paint: Paint): string {
  return sign === " " ? sign : paint[signColours[sign]](sign);
}
