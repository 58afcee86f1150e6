/** __CODE__: __TITLE__. */
import type { Site } from "../model.ts";
import { type Problem, problemOf } from "../problem.ts";

/** Pure: from a site to its problems. This condition is an example. */
export function __name__({ guests }: Site): readonly Problem[] {
  return guests
    .filter(({ name }) => name === "example")
    .map(({ name, from }) =>
      problemOf("__CODE__", from, `__TITLE__: guest "${name}"`, { hint: "rename the guest" }),
    );
}
