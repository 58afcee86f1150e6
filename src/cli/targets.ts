/** What a command works on, as its arguments say it: everything, components, or one resource's component. */
import type { Component, ComponentName } from "../component.ts";
import { UsageError } from "../errors.ts";
import { nearest } from "../formats/text/nearest.ts";
import type { Site } from "../model.ts";
import { option } from "../option-names.ts";
import { componentNamed, type GlobalOptions } from "./options.ts";

export interface Targets {
  readonly only: readonly ComponentName[];
  readonly skip: readonly ComponentName[];
  /** Resources that were named; their components are in `only`. */
  readonly resources: readonly string[];
  /** The arguments that name the same again: "all", "dns firewall". */
  readonly words: string;
}

/** @throws UsageError */
export function targetsOf(args: readonly string[], options: Pick<GlobalOptions, "only" | "skip">): Targets {
  const { only, skip } = options;
  if (args.length > 0 && only.length > 0)
    throw new UsageError(`components are named twice, as arguments and by ${option.only}`, {
      hint: "name them once",
    });
  if (args.includes("all")) {
    if (args.length > 1) throw new UsageError(`"all" is everything: ${args.join(" ")} names more than that`);
    return { only, skip, resources: [], words: "all" };
  }
  const named = args.map((word) => componentNamed(word.split("/", 1)[0] ?? "", `"${word}"`, ["all"]));
  const selected = named.length > 0 ? [...new Set(named)] : only;
  return {
    only: selected,
    skip,
    resources: args.filter((word) => word.includes("/")),
    words: selected.length === 0 ? "all" : selected.join(" "),
  };
}

/** @throws UsageError for a resource that the site does not declare, with the nearest that it does */
export function refuseUnknownResources(
  resources: readonly string[],
  components: readonly Component[],
  site: Site,
): void {
  if (resources.length === 0) return;
  const ids = components.flatMap((component) => component.compile(site).map(({ id }) => String(id)));
  for (const resource of resources) {
    if (ids.includes(resource)) continue;
    const [prefix = ""] = resource.split("/", 1);
    const siblings = ids.filter((id) => id.startsWith(`${prefix}/`));
    const near = nearest(resource, siblings) ?? siblings.find((id) => id.startsWith(`${resource}@`));
    throw new UsageError(`the site declares no ${resource}`, {
      hint: near === undefined ? `${prefix} has ${siblings.slice(0, 8).join(", ")}` : `did you mean ${near}?`,
    });
  }
}
