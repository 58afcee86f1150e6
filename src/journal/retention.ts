/** Which generations stay, and which objects they name. */
import { isObjectName, type ObjectName, type Objects, sizeOf } from "./objects.ts";
import { isQuiet, type RunRecord } from "./run-record.ts";
import { namedBySite, namedByState } from "./stored.ts";

/** All objects together: 64 MiB. The newest generation stays even if it alone is larger. */
const mostBytes = 64 * 1024 * 1024;

export interface StoredRun {
  /** Of its directory. */
  readonly name: string;
  /** Absent when it is damaged. */
  readonly record?: RunRecord;
}

interface ReferringRun extends StoredRun {
  readonly objects: ReadonlySet<ObjectName>;
}

/** Adds every object that a generation names, itself or through other objects. */
export async function withReferences(
  runs: readonly StoredRun[],
  objects: Objects,
): Promise<readonly ReferringRun[]> {
  const direct = new Map(runs.map(({ name, record }) => [name, namesIn(record)]));
  const states = await objects.get([...direct.values()].flatMap((names) => names.states));
  const inState = new Map([...states].map(([name, text]) => [name, namedByState(text)]));
  const sitesOf = ({ states: own, sites }: RecordNames): readonly ObjectName[] => [
    ...sites,
    ...own.flatMap((name) => inState.get(name)?.sites ?? []),
  ];
  const manifests = await objects.get([...direct.values()].flatMap(sitesOf));
  const inSite = new Map([...manifests].map(([name, text]) => [name, namedBySite(text)]));
  return runs.map((run) => {
    const names = direct.get(run.name) ?? namesIn(undefined);
    const sites = sitesOf(names);
    const contents = names.states.flatMap((name) => inState.get(name)?.contents ?? []);
    const files = sites.flatMap((name) => inSite.get(name) ?? []);
    return {
      ...run,
      objects: new Set([...names.states, ...names.contents, ...contents, ...sites, ...files]),
    };
  });
}

interface RecordNames {
  readonly states: readonly ObjectName[];
  readonly sites: readonly ObjectName[];
  readonly contents: readonly ObjectName[];
}

function namesIn(record: RunRecord | undefined): RecordNames {
  const components = record?.components ?? [];
  const changes = components.flatMap((component) => component.changes);
  return {
    states: [...Object.values(record?.state ?? {}), ...components.flatMap(({ found }) => found ?? [])],
    sites: record?.site === undefined ? [] : [record.site],
    contents: changes.flatMap(({ before, after }) => [before, after].filter(isObjectName)),
  };
}

/**
 * Names of the runs to remove: beyond `keep` first the oldest of those that changed nothing, then the oldest; then the oldest until
 * all objects are within their limit.
 * @param runs newest first; the newest stays in any case
 */
export function evicted(runs: readonly ReferringRun[], keep: number): readonly string[] {
  const kept = [...runs];
  const remove = (at: number): string => kept.splice(at, 1)[0]?.name ?? "";
  const out: string[] = [];
  while (kept.length > Math.max(1, keep)) {
    const quiet = kept.findLastIndex(({ record }, at) => at > 0 && record !== undefined && isQuiet(record));
    out.push(remove(quiet < 0 ? kept.length - 1 : quiet));
  }
  while (kept.length > 1 && bytesOf(kept) > mostBytes) out.push(remove(kept.length - 1));
  return out;
}

function bytesOf(runs: readonly ReferringRun[]): number {
  const all = new Set(runs.flatMap(({ objects }) => [...objects]));
  return [...all].reduce((sum, name) => sum + sizeOf(name), 0);
}
