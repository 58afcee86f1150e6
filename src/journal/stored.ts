/** States and sites as they are stored in objects. */
import type { ComponentName } from "../component.ts";
import { defined } from "../defined.ts";
import { SiteError } from "../errors.ts";
import type { KeptFile, KeptReference, KeptSite } from "../kept-site.ts";
import type { Keeper } from "./kept.ts";
import type { ObjectName, Objects } from "./objects.ts";
import type { KeptState, RunRecord } from "./run-record.ts";
import type { Seal } from "./seal.ts";
import { documentText, parseDocument } from "./store.ts";

interface StoredFile extends Omit<KeptFile, "text" | "content"> {
  readonly object?: ObjectName;
  /** The sealed content. */
  readonly sealed?: ObjectName;
}

interface StoredSite {
  readonly files: readonly StoredFile[];
  readonly references: readonly KeptReference[];
}

/** Adds a site's files, and the list of them, whose name is returned. */
export function keepSite({ files, references }: KeptSite, keeper: Keeper, seal: Seal): ObjectName {
  const stored = files.map(
    ({ name, text, fingerprint, content }): StoredFile =>
      defined({
        ...{ name, fingerprint },
        object: text === undefined ? undefined : keeper.add(text),
        sealed: content && keeper.add(seal.close(content)),
      }),
  );
  return keeper.add(documentText({ files: stored, references }));
}

/** @throws SiteError when it, or one of its files, is gone or damaged */
export async function readSite(name: ObjectName, objects: Objects, seal: Seal): Promise<KeptSite> {
  const { files, references } = siteIn(await textOf(name, objects));
  const texts = await objects.get(files.flatMap(objectsOf));
  return {
    references,
    files: files.map((file) => {
      for (const object of objectsOf(file)) if (!texts.has(object)) throw gone(object);
      const sealed = file.sealed && texts.get(file.sealed);
      return defined({
        ...{ name: file.name, fingerprint: file.fingerprint },
        text: file.object && texts.get(file.object),
        content: sealed === undefined ? undefined : seal.open(sealed),
      });
    }),
  };
}

/** @throws SiteError when it is gone or damaged */
export async function readState(name: ObjectName, objects: Objects): Promise<KeptState> {
  return stateIn(await textOf(name, objects));
}

/** The states of a run by component; those that are gone or damaged are left out. */
export async function statesOf(
  record: RunRecord | undefined,
  objects: Objects,
): Promise<ReadonlyMap<ComponentName, KeptState>> {
  const names = Object.entries(record?.state ?? {});
  const texts = await objects.get(names.map(([, name]) => name));
  return new Map(
    names.flatMap(([component, name]) => {
      const text = texts.get(name);
      return text === undefined ? [] : [[component, stateIn(text)] as const];
    }),
  );
}

/** Names of the objects that a state names. */
export function namedByState(text: string): {
  readonly contents: readonly ObjectName[];
  readonly sites: readonly ObjectName[];
} {
  const { resources } = stateIn(text);
  return {
    contents: resources.map(({ content }) => content),
    sites: [...new Set(resources.flatMap(({ site }) => site ?? []))],
  };
}

/** Names of the objects that a site names. */
export function namedBySite(text: string): readonly ObjectName[] {
  return siteIn(text).files.flatMap(objectsOf);
}

function objectsOf({ object, sealed }: StoredFile): readonly ObjectName[] {
  return [object, sealed].filter((name) => name !== undefined);
}

async function textOf(name: ObjectName, objects: Objects): Promise<string> {
  const text = (await objects.get([name])).get(name);
  if (text === undefined) throw gone(name);
  return text;
}

/** Its content is what its name says: nobody but Phoenix has written it. */
function stateIn(text: string): KeptState {
  return parseDocument("state", text) as unknown as KeptState;
}

function siteIn(text: string): StoredSite {
  return parseDocument("site", text) as unknown as StoredSite;
}

function gone(name: ObjectName): SiteError {
  return new SiteError(`objects/${name} of the journal is missing or damaged`, {
    hint: "what needs it cannot be shown or rolled back to; other generations can",
  });
}
