/** Opens what a rollback leads to: a generation's kept sites with the present secrets, and the components made from them. */
import type { Component, ComponentName } from "../component.ts";
import { defined } from "../defined.ts";
import { SiteError } from "../errors.ts";
import type { FingerprintOf } from "../fingerprint.ts";
import { openFingerprints } from "../fingerprint.ts";
import type { Origin } from "../history/made-from.ts";
import { componentsAt } from "../history/target.ts";
import { Keeper } from "../journal/kept.ts";
import type { ObjectName } from "../journal/objects.ts";
import type { KeptState } from "../journal/run-record.ts";
import { option } from "../option-names.ts";
import type { Resource, ResourceId } from "../resource.ts";
import type { LoadedSite } from "../site/load.ts";
import type { FullRecord } from "./generations.ts";
import { apisOf, type Session } from "./session.ts";

export interface RollbackTarget {
  /** As the generation has left them. */
  readonly components: readonly Component[];
  readonly states: ReadonlyMap<ComponentName, KeptState>;
  /** The site that the generation was made from, with the present secrets. */
  readonly main: Origin;
  readonly loaded: LoadedSite;
  readonly keeper: Keeper;
  /** The kept site that declares a resource. */
  readonly siteOf: (resource: Resource) => ObjectName | undefined;
  /** Components of the present site that the generation knows nothing of. */
  readonly unknown: readonly ComponentName[];
}

interface OpenedSite {
  readonly origin: Origin;
  readonly loaded: LoadedSite;
  /** What the site's files do not tell: secrets that are others now, and mounted files that come back. */
  readonly notes: readonly Note[];
}

interface Note {
  readonly component: ComponentName;
  readonly text: string;
}

/** @throws SiteError when the generation's site needs a secret that is gone, or has errors today */
export async function openTarget(session: Session, record: FullRecord): Promise<RollbackTarget> {
  const { call, run, journal } = session;
  const [{ loadComponents }, { takingPart }] = await Promise.all([
    import("../components/index.ts"),
    import("../components/parts.ts"),
  ]);
  const components = await loadComponents();
  const fingerprintOf = await openFingerprints(journal);
  const states = new Map<ComponentName, KeptState>();
  for (const [component, name] of Object.entries(record.state))
    states.set(component, await journal.runs.state(name));
  const names = new Set([record.site, ...[...states.values()].flatMap(sitesIn)]);
  const main = await openSite(session, record.generation, record.site, fingerprintOf);
  const opened = new Map([[record.site, main]]);
  for (const name of names) {
    if (name === record.site) continue;
    try {
      opened.set(name, await openSite(session, record.generation, name, fingerprintOf));
    } catch (error) {
      // What only an earlier site declares is then left as it is, and named.
      if (!(error instanceof SiteError)) throw error;
      session.display.say(error.message);
    }
  }
  const origins = new Map([...opened].map(([name, { origin }]) => [name, origin]));
  const keeper = new Keeper((text) => call.terminal.redact(text), fingerprintOf);
  const present: Origin = { site: session.site, apis: run.apis };
  const rolled = componentsAt({
    generation: record.generation,
    ...{ components, states, origins, present, main: main.origin },
    takesPart: (component, { site }) => takingPart([component], site).length > 0,
    createdSince: await createdSince(session, record.generation),
    isSame: (resource, then) => keeper.isSame(resource, then),
    notes: notesOf([...opened.values()].flatMap(({ notes }) => notes)),
  });
  const siteOf = new Map(
    [...states.values()].flatMap(({ resources }) => resources.map(({ id, site }) => [id, site] as const)),
  );
  return {
    ...{ components: rolled, states, keeper, main: main.origin, loaded: main.loaded },
    siteOf: ({ id }) => siteOf.get(id),
    unknown: session.components.map(({ name }) => name).filter((name) => !states.has(name)),
  };
}

function sitesIn({ resources }: KeptState): readonly ObjectName[] {
  return resources.flatMap(({ site }) => site ?? []);
}

async function openSite(
  { call, root, files, run, journal }: Session,
  generation: number,
  name: ObjectName,
  fingerprintOf: FingerprintOf,
): Promise<OpenedSite> {
  const [{ filledSite, changedReferences }, { loadSite }, { rules }] = await Promise.all([
    import("../site/kept.ts"),
    import("../site/load.ts"),
    import("../fabric/rules.ts"),
  ]);
  const kept = await journal.runs.site(name);
  const { texts, changed, restored, missing } = filledSite(kept.files, files, fingerprintOf);
  if (missing.length > 0)
    throw new SiteError(
      `generation ${generation} needs secrets that the site does not have any more: ${missing.join(", ")}`,
      {
        hint: `put them back into these files; \`phoenix history show ${generation} ${option.files} DIR\` writes the kept ones without secrets`,
      },
    );
  const loaded = await loadSite(root, { runsCommands: true, kept: texts });
  call.terminal.conceal(loaded.secrets);
  const { site } = loaded;
  const found = [...loaded.problems, ...(site === undefined ? [] : rules.flatMap((rule) => rule(site)))];
  const [error] = found.filter(({ severity }) => severity === "error");
  if (site === undefined || error !== undefined) {
    const { at, message, hint } = error ?? { at: undefined, message: "it cannot be read", hint: undefined };
    const place = at === undefined ? "" : `${at.file}:${at.line}:${at.column}: `;
    throw new SiteError(
      `the site of generation ${generation} has errors today: ${place}${message}`,
      defined({ hint }),
    );
  }
  // The machines are those of today.
  const now = { ...site, ...defined({ cluster: run.site.cluster }) };
  return {
    origin: { name, site: now, apis: await apisOf(now, run.world) },
    loaded,
    notes: [
      ...[...changed, ...changedReferences(kept.references, loaded.references, fingerprintOf)].map(
        (clause): Note => ({
          component: clause.includes(" stacks/") ? "stacks" : "portainer",
          text: `${clause} is another one than in generation ${generation}: the present one is used`,
        }),
      ),
      ...restored.map(
        (file): Note => ({
          component: "stacks",
          text: `${file} is again as in generation ${generation}, with what secrets it had then`,
        }),
      ),
    ],
  };
}

/** Resources that later generations have created. */
async function createdSince({ journal }: Session, generation: number): Promise<ReadonlySet<ResourceId>> {
  const later = (await journal.runs.list()).filter((record) => record.generation > generation);
  const changes = later.flatMap(({ components }) => components.flatMap((component) => component.changes));
  return new Set(changes.filter(({ verb, inPlace }) => verb === "create" && inPlace).map(({ id }) => id));
}

/** Each once, by component. */
function notesOf(all: readonly Note[]): ReadonlyMap<ComponentName, readonly string[]> {
  const notes = new Map<ComponentName, readonly string[]>();
  for (const { component, text } of all)
    notes.set(component, [...new Set([...(notes.get(component) ?? []), text])]);
  return notes;
}
