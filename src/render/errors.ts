/** An error on the screen: what, where and why, then each hint on its own line. Never a stack trace. */
import { hanging } from "./layout.ts";
import type { View } from "./view.ts";
import { clean } from "./words.ts";

export function errorLines(
  error: { readonly message: string; readonly hint?: string | undefined },
  view: View,
): readonly string[] {
  const [first = "", ...rest] = clean(error.message).trimEnd().split("\n");
  const [head = "", ...wrapped] = hanging("Error: ", first, view.width);
  return [
    view.paint.red(view.paint.bold("Error:")) + head.slice("Error:".length),
    ...wrapped.map((line) => `  ${line.trimStart()}`),
    ...rest.flatMap((line) => hanging("  ", line.trimStart(), view.width)),
    ...hintLines(error.hint, view),
  ];
}

/** One line per hint: several failures may have one each. */
export function hintLines(hint: string | undefined, view: View): readonly string[] {
  return (hint?.split("\n") ?? []).flatMap((line) => hanging("  hint: ", clean(line), view.width));
}
