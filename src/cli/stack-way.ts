/** What stacks that are worked on alone need from the other components, and what of it is not in place. */
import type { ComponentName } from "../component.ts";
import { explainSite } from "../components/origins.ts";
import { targetsOf as stackTargets } from "../components/stacks/compile.ts";
import type { Plan, RunResult } from "../engine/plan.ts";
import { plan } from "../engine/run.ts";
import { PhoenixError } from "../errors.ts";
import { nameOf } from "../render/text-changes.ts";
import { plainView } from "../render/view.ts";
import { list } from "../render/words.ts";
import { type ResourceId, subjectOf } from "../resource.ts";
import { missingFor } from "../why/way.ts";
import type { Session } from "./session.ts";
import type { Targets } from "./targets.ts";

/**
 * Notes for each stack that was named and is not reached by all its ways: what differs, and the command that brings it. What else failed
 * for an external cause is laid to those components alone.
 */
export async function withMissingWays<Seen extends Plan | RunResult>(
  session: Session,
  targets: Targets,
  seen: Seen,
): Promise<Seen> {
  const ways = await missingWays(session, targets);
  if (ways.length === 0) return seen;
  const notes = ways.map(({ note }) => note);
  const apart = [...new Set(ways.flatMap(({ missing }) => missing))];
  const components = seen.components.map((part) =>
    part.component === "stacks" ? { ...part, notes: [...part.notes, ...notes] } : part,
  );
  return { ...seen, components, ...("apart" in seen ? { apart } : {}) };
}

interface MissingWays {
  readonly note: string;
  readonly missing: readonly ComponentName[];
}

/** Nothing where the other components cannot be read: the run itself was not about them. */
async function missingWays(session: Session, { only, resources }: Targets): Promise<readonly MissingWays[]> {
  const { components, site, call } = session;
  const named = stackTargets(site).filter(({ id }) => resources.includes(id));
  const others = components.filter(({ name }) => !only.includes(name));
  if (named.length === 0 || others.length === 0 || session.run.signal.aborted) return [];
  try {
    const run = { ...(await session.readOnly()), emit: () => {} };
    const [planned, explained] = await Promise.all([
      plan(others, run, { allow: new Set() }),
      explainSite(site),
    ]);
    const changes = planned.components.flatMap((part) => part.changes);
    return named.flatMap(({ id, stack }) => {
      const missing = missingFor(stack, site, explained, changes);
      if (missing.length === 0) return [];
      const names = changes.map(subjectOf).filter((one) => missing.includes(one.id));
      const what = list(names.map((one) => `${componentOf(one.id)} (${nameOf(one, plainView)})`));
      const them = [...new Set(missing.map(componentOf))];
      const note = `${id} needs what is not in place yet: ${what}; \`phoenix sync ${them.join(" ")}${call.options.repeat}\` brings it`;
      return [{ note, missing: them }];
    });
  } catch (error) {
    if (!(error instanceof PhoenixError)) throw error;
    return [];
  }
}

function componentOf(id: ResourceId): ComponentName {
  return id.split("/", 1)[0] ?? "";
}
