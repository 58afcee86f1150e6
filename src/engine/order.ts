/** What a run may do, which components it works on, and in which order. Pure. */
import type { Component, ComponentName, Io } from "../component.ts";
import { UsageError } from "../errors.ts";
import type { ResourceId } from "../resource.ts";
import type { RunOptions } from "./world.ts";

/** Lets `check` run the commands that a site's secrets come from. */
export const commandsConsent = "commands";

/** Every consent that `--allow` can name, given the components' names. */
export function consents(components: readonly ComponentName[]): readonly string[] {
  return ["prune", "lockout", "adopt", commandsConsent, ...components.map((name) => `${name}-shrink`)];
}

export interface Selection {
  /** Planned and applied, in the given order. */
  readonly selected: readonly Component[];
  /** Not selected, but something selected builds on them: verified first, never changed. */
  readonly prerequisites: readonly Component[];
}

export function select(
  components: readonly Component[],
  { only = [], skip = [], resources = [] }: Pick<RunOptions, "only" | "skip" | "resources">,
): Selection {
  const selected = components.filter(
    ({ name }) => (only.length === 0 || only.includes(name)) && !skip.includes(name),
  );
  if (selected.length === 0 && components.length > 0)
    throw new UsageError("nothing to do: every component is skipped");
  const names = new Set(selected.map(({ name }) => name));
  const needed = new Set(selected.flatMap(({ after }) => after));
  return {
    selected: selected.map((component) => narrowed(component, resources)),
    prerequisites: components.filter(({ name }) => needed.has(name) && !names.has(name)),
  };
}

/** The component with those of its resources alone that are named; whole when none is, or when they depend on each other. */
function narrowed(component: Component, resources: readonly ResourceId[]): Component {
  const only = new Set(resources.filter((id) => id.startsWith(`${component.name}/`)));
  if (component.independent !== true || only.size === 0) return component;
  return {
    ...component,
    only,
    compile: (site) => component.compile(site).filter(({ id }) => only.has(id)),
    read: async (io) => {
      const unread: Io["unread"] = (ids, error) => {
        const named = ids.filter((id) => only.has(id));
        if (named.length > 0) io.unread(named, error);
      };
      return (await component.read({ ...io, unread })).filter(({ id }) => only.has(id));
    },
    verify: async (io) => (await component.verify(io)).filter(({ resource }) => only.has(resource)),
  };
}

/** The given components, each after those of them that it builds on. */
export function inOrder(components: readonly Component[]): readonly Component[] {
  const ordered = new Set<Component>();
  const visit = (component: Component): void => {
    if (ordered.has(component)) return;
    for (const before of components) if (component.after.includes(before.name)) visit(before);
    ordered.add(component);
  };
  components.forEach(visit);
  return [...ordered];
}
