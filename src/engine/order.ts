/** What a run may do, which components it works on, and in which order. Pure. */
import type { Component, ComponentName } from "../component.ts";
import { UsageError } from "../errors.ts";

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
  only: readonly ComponentName[] = [],
  skip: readonly ComponentName[] = [],
): Selection {
  const selected = components.filter(
    ({ name }) => (only.length === 0 || only.includes(name)) && !skip.includes(name),
  );
  if (selected.length === 0) throw new UsageError("nothing to do: every component is skipped");
  const names = new Set(selected.map(({ name }) => name));
  const needed = new Set(selected.flatMap(({ after }) => after));
  return {
    selected,
    prerequisites: components.filter(({ name }) => needed.has(name) && !names.has(name)),
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
