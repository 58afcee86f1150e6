/** What a rollback leads to: the components as a generation has left them, each resource from the kept site that declares it so. */
import type { Component, ComponentName } from "../component.ts";
import type { ObjectName } from "../journal/objects.ts";
import type { KeptResource, KeptState } from "../journal/run-record.ts";
import type { Resource, ResourceId } from "../resource.ts";
import { limitOf } from "./limits.ts";
import { madeFrom, type Origin } from "./made-from.ts";

export interface TargetOptions {
  readonly generation: number;
  /** Every component, in order. */
  readonly components: readonly Component[];
  readonly states: ReadonlyMap<ComponentName, KeptState>;
  /** Kept sites by their names; those that cannot be used any more are missing. */
  readonly origins: ReadonlyMap<ObjectName, Origin>;
  /** The kept site that the generation was made from. */
  readonly main: Origin;
  readonly present: Origin;
  /** Whether a component takes part in a site. */
  readonly takesPart: (component: Component, origin: Origin) => boolean;
  /** What later generations have created. */
  readonly createdSince: ReadonlySet<ResourceId>;
  /** Whether a resource says the same as then. */
  readonly isSame: (resource: Resource, then: KeptResource) => boolean;
  /** What cannot be as it was then, by component. */
  readonly notes: ReadonlyMap<ComponentName, readonly string[]>;
}

/** The components that the generation knows something of. */
export function componentsAt(options: TargetOptions): readonly Component[] {
  return options.components.flatMap((component) => {
    const state = options.states.get(component.name);
    return state === undefined ? [] : [componentAt(component, state, options)];
  });
}

function componentAt(component: Component, state: KeptState, options: TargetOptions): Component {
  const { main, present, takesPart, createdSince, generation } = options;
  const compiled = new Map<Origin, ReadonlyMap<ResourceId, Resource>>();
  const resourceOf = (origin: Origin, id: ResourceId): Resource | undefined => {
    const known = compiled.get(origin) ?? new Map(component.compile(origin.site).map((one) => [one.id, one]));
    compiled.set(origin, known);
    return known.get(id);
  };
  const of = new Map<ResourceId, Origin>();
  for (const { id, site } of state.resources) {
    const origin = site === undefined ? undefined : options.origins.get(site);
    if (origin !== undefined && takesPart(component, origin) && resourceOf(origin, id) !== undefined)
      of.set(id, origin);
  }
  const own = mainOf(of, main);
  const then = new Map(state.resources.map((resource) => [resource.id, resource]));
  const isLater = ({ id }: Resource): boolean =>
    !then.has(id) &&
    (createdSince.has(id) || (state.partial === undefined && component.findsDeclaredOnly === undefined));
  return madeFrom(
    component,
    { of, main: own, also: takesPart(component, present) ? [present] : [] },
    {
      prunes: isLater,
      onRead: (live, io) => {
        const desired = [...of].flatMap(([id, origin]) => resourceOf(origin, id) ?? []);
        for (const note of options.notes.get(component.name) ?? []) io.note(note);
        for (const note of deviations(then, of, desired, live, options)) io.note(note);
        const liveTexts = new Map(live.map(({ id, text }) => [id, text]));
        const changes = desired.some(({ id, text }) => liveTexts.get(id) !== text) || live.some(isLater);
        const limit = changes ? limitOf(component.name) : undefined;
        if (limit !== undefined) io.note(limit);
        const later = live.filter(isLater).map(({ id }) => id);
        if (later.length > 0)
          io.note(`created after generation ${generation} and deleted: ${later.join(", ")}`);
      },
    },
  );
}

/** The generation's own site where the component has anything from it, else the one that most comes from. */
function mainOf(of: ReadonlyMap<ResourceId, Origin>, main: Origin): Origin {
  const counts = new Map<Origin, number>();
  for (const origin of of.values()) counts.set(origin, (counts.get(origin) ?? 0) + 1);
  if (counts.size === 0 || counts.has(main)) return main;
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? main;
}

/** What will not be as it was, and why. */
function deviations(
  then: ReadonlyMap<ResourceId, KeptResource>,
  of: ReadonlyMap<ResourceId, Origin>,
  desired: readonly Resource[],
  live: readonly Resource[],
  { generation, isSame }: TargetOptions,
): readonly string[] {
  const differs = (resource: Resource): boolean => {
    const kept = then.get(resource.id);
    return kept !== undefined && !isSame(resource, kept);
  };
  const names = (all: readonly { readonly id: ResourceId }[]): string => all.map(({ id }) => id).join(", ");
  const liveIds = new Set(live.map(({ id }) => id));
  const undeclared = [...then.values()].filter(({ id }) => !of.has(id));
  const left = [
    ...live.filter(({ id }) => undeclared.some((one) => one.id === id)).filter(differs),
    ...undeclared.filter(({ id }) => !liveIds.has(id)),
  ];
  const other = desired.filter(differs);
  return [
    ...(left.length === 0
      ? []
      : [`no kept site declares ${names(left)} as in generation ${generation}: left as now`]),
    ...(other.length === 0
      ? []
      : [
          `${names(other)} will not be exactly as in generation ${generation}: a secret, or what this version of phoenix makes of the site, is different now`,
        ]),
  ];
}
