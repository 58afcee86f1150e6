/** What a stack is reached by: the parts of other components that are there for it alone. Pure. */
import type { Site, Stack } from "../model.ts";
import type { Explained, Subject } from "../origin.ts";
import { type Change, diffUnits, type ResourceId } from "../resource.ts";

/** The resources among these changes whose difference is about the stack: its names, openings, routers. Other drift is none of its business. */
export function missingFor(
  stack: Stack,
  site: Site,
  explained: readonly Explained[],
  changes: readonly Change[],
): readonly ResourceId[] {
  const subjects = subjectsOf(stack, site);
  return changes.flatMap((change) => {
    if (change.verb === "delete") return [];
    const { id } = change.desired;
    const units = explained.find(({ resource }) => resource.id === id)?.units;
    const isMissing = diffUnits(change).some(({ unit }) =>
      units?.get(unit)?.about.some((subject) => subjects.has(subject)),
    );
    return isMissing ? [id] : [];
  });
}

/** Stacks of one name are told apart by the services behind them. */
function subjectsOf({ name, guest }: Stack, { stacks, services }: Site): ReadonlySet<Subject> {
  if (stacks.filter((each) => each.name === name).length === 1) return new Set<Subject>([`stack:${name}`]);
  const own = services.filter((each) => each.stack === name && each.guest.host === guest.host);
  return new Set(
    own.flatMap(({ id, backend }): Subject[] => [`service:${id}`, `port:${guest.host}:${backend.port}`]),
  );
}
