/** What a command works on, by its arguments: everything, components, or the components of single resources. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Component, ComponentName } from "../component.ts";
import { componentNames } from "../components/index.ts";
import type { OffComponent } from "../components/parts.ts";
import { UsageError } from "../errors.ts";
import { didYouMean, nearest } from "../formats/text/nearest.ts";
import type { Site } from "../model.ts";
import { option } from "../option-names.ts";
import { shortList } from "../render/words.ts";
import type { ResourceId } from "../resource.ts";
import type { GlobalOptions } from "./options.ts";

export interface Targets {
  readonly only: readonly ComponentName[];
  readonly skip: readonly ComponentName[];
  /** The resources among the arguments; their components are in `only`, and are not named themselves. */
  readonly resources: readonly ResourceId[];
  /** The arguments that select the same: "all", "dns firewall", "stacks/chat". */
  readonly words: string;
  /** The command that does it, without "phoenix", where that is not a sync of these words. */
  readonly command?: string;
}

/** "sync dns": the command that does it, without "phoenix". */
export function commandOf({ words, command = `sync ${words}` }: Targets): string {
  return command;
}

/** @throws UsageError */
export async function targetsOf(
  args: readonly string[],
  options: Pick<GlobalOptions, "only" | "skip" | "site" | "lab">,
): Promise<Targets> {
  const { only, skip } = options;
  if (args.length > 0 && only.length > 0)
    throw new UsageError(`components are named twice: as arguments and by ${option.only}`, {
      hint: "name them once",
    });
  if (args.includes("all")) {
    if (args.length > 1)
      throw new UsageError(`"all" already includes the other components: ${args.join(" ")}`);
    return { only, skip, resources: [], words: "all" };
  }
  for (const word of args)
    if (!componentNames.includes(componentOf(word))) throw await unknownTarget(word, options);
  const selected = args.length > 0 ? [...new Set(args.map(componentOf))] : only;
  // A component that is named itself is meant as a whole.
  const words = args.filter((word) => !word.includes("/") || !args.includes(componentOf(word)));
  return {
    only: selected,
    skip,
    resources: words.filter((word) => word.includes("/")) as ResourceId[],
    words: [...(words.length > 0 ? new Set(words) : selected)].join(" ") || "all",
  };
}

/** "stacks" of "stacks/chat". */
function componentOf(target: string): string {
  return target.split("/", 1)[0] ?? "";
}

async function unknownTarget(
  word: string,
  options: Pick<GlobalOptions, "site" | "lab">,
): Promise<UsageError> {
  const name = componentOf(word);
  const stacks = (await stackIds(options)).map((id) => id.slice("stacks/".length));
  const stack = nearest(word, stacks);
  const hint =
    didYouMean(name, [...componentNames, "all"]) ??
    (stack === undefined
      ? `the components are ${componentNames.join(", ")}`
      : `did you mean stacks/${stack}?`);
  return new UsageError(`unknown component "${name}"`, { hint });
}

/** "stacks/chat": what lies in the site's directory for stacks, without reading any of it; empty when there is no such directory. */
export async function stackIds(options: Pick<GlobalOptions, "site" | "lab">): Promise<readonly string[]> {
  try {
    const { siteRoot } = await import("./site.ts");
    const entries = await readdir(join(await siteRoot(options), "stacks"), { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => `stacks/${name}`);
  } catch {
    return [];
  }
}

/** What the engine is to work on. */
export function choicesOf(
  { only, skip, resources }: Targets,
  { allow }: Pick<GlobalOptions, "allow">,
): Pick<Targets, "only" | "skip" | "resources"> & Pick<GlobalOptions, "allow"> {
  return { only, skip, resources, allow };
}

/** @throws UsageError for a component that is named and takes no part in the site */
export function refuseOff({ only }: Pick<Targets, "only">, off: readonly OffComponent[]): void {
  const named = off.filter(({ component }) => only.includes(component));
  if (named.length === 0) return;
  throw new UsageError(named.map(({ component, reason }) => `${component} is off: ${reason}`).join("; "), {
    hint: "docs/site.md lists what each component needs",
  });
}

/** @throws UsageError for a resource that the site does not declare, with the nearest one that it does */
export function refuseUnknownResources(
  resources: readonly string[],
  components: readonly Component[],
  site: Site,
): void {
  if (resources.length === 0) return;
  const ids = components.flatMap((component) => component.compile(site).map(({ id }) => String(id)));
  for (const resource of resources) {
    if (ids.includes(resource)) continue;
    const component = componentOf(resource);
    const siblings = ids.filter((id) => componentOf(id) === component);
    const near = nearest(resource, siblings) ?? siblings.find((id) => id.startsWith(`${resource}@`));
    throw new UsageError(`unknown resource "${resource}"`, {
      hint: near === undefined ? `${component} has ${shortList(siblings, 8)}` : `did you mean ${near}?`,
    });
  }
}
