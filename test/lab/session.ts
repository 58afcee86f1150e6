/** A run of the engine in a lab, as the command line makes it: a world, APIs, a journal, and everything that was told. */

import { openLab } from "../../lab/lab.ts";
import { openApis } from "../../src/apis/open-apis.ts";
import type { Component, ComponentName } from "../../src/component.ts";
import type { Hold } from "../../src/engine/hold.ts";
import type { Plan, RunResult } from "../../src/engine/plan.ts";
import { plan } from "../../src/engine/plan-run.ts";
import { type RunWorld, sync, verify } from "../../src/engine/run.ts";
import type { Event } from "../../src/event.ts";
import { findRoot } from "../../src/fabric/ca-files.ts";
import { knownPassword } from "../../src/fabric/portainer-files.ts";
import { readOnly } from "../../src/hosts/decorators.ts";
import type { Decorator } from "../../src/hosts/world.ts";
import { openJournal } from "../../src/journal/journal.ts";
import type { Site } from "../../src/model.ts";
import type { ResourceId } from "../../src/resource.ts";

export interface SessionOptions {
  readonly only?: readonly ComponentName[];
  readonly skip?: readonly ComponentName[];
  readonly resources?: readonly ResourceId[];
  readonly allow?: readonly string[];
  /** What a sync leaves for another time. */
  readonly hold?: Hold;
  readonly decorators?: readonly Decorator[];
  /** The address that the operator's session comes from. */
  readonly operator?: string;
}

export interface Told {
  readonly events: readonly Event[];
}

/** Syncs the site in the lab; the world is opened for it and closed after it. */
export function syncLab(
  directory: string,
  site: Site,
  components: readonly Component[],
  options: SessionOptions = {},
): Promise<RunResult & Told> {
  return session(directory, site, options, false, (run, runOptions) => sync(components, run, runOptions));
}

export function planLab(
  directory: string,
  site: Site,
  components: readonly Component[],
  options: SessionOptions = {},
): Promise<Plan & Told> {
  return session(directory, site, options, true, (run, runOptions) => plan(components, run, runOptions));
}

export function verifyLab(
  directory: string,
  site: Site,
  components: readonly Component[],
  options: SessionOptions = {},
): Promise<RunResult & Told> {
  return session(directory, site, options, true, (run, runOptions) => verify(components, run, runOptions));
}

type Use<T> = (
  run: RunWorld,
  options: {
    only?: readonly ComponentName[];
    skip?: readonly ComponentName[];
    resources?: readonly ResourceId[];
    allow: ReadonlySet<string>;
    hold?: Hold;
  },
) => Promise<T>;

async function session<T>(
  directory: string,
  site: Site,
  { only, skip, resources, allow = [], hold, decorators = [], operator }: SessionOptions,
  reading: boolean,
  use: Use<T>,
): Promise<T & Told> {
  const { signal } = new AbortController();
  const world = await openLab(directory, {
    signal,
    decorators: reading ? [...decorators, readOnly] : decorators,
  });
  const events: Event[] = [];
  try {
    const run: RunWorld = {
      site,
      world,
      apis: openApis(site, world.network, world.clock, {
        root: async () => (await findRoot(site.ca?.rootFiles ?? [], (name) => world.host(name))).pem,
        previousPassword: () => knownPassword(site, (name) => world.host(name)),
      }),
      journal: openJournal(world.host("pve"), { readOnly: reading }),
      emit: (event) => events.push(event),
      signal,
      ...(operator === undefined ? {} : { operator }),
    };
    const result = await use(run, {
      allow: new Set(allow),
      ...(hold === undefined ? {} : { hold }),
      ...(only === undefined ? {} : { only }),
      ...(skip === undefined ? {} : { skip }),
      ...(resources === undefined ? {} : { resources }),
    });
    return { ...result, events };
  } finally {
    await world.close();
  }
}
