/** The copies that the guard made, for the undo and for a rollback. */
import type { Io } from "../../component.ts";
import type { SiteNode } from "../../fabric/nodes.ts";
import { sha256 } from "../../formats/text/digest.ts";
import type { FileState, FileWrite, Host } from "../../hosts/host.ts";
import type { Change } from "../../resource.ts";
import { fileChanges, parsed, stepsOf, withParts } from "./files.ts";
import { readInstalled } from "./read.ts";
import { absentDigest, manifestSteps, type SharedUndo, undoPaths } from "./undo.ts";

export interface Copies {
  /** Every file of the undo; one without a copy did not exist. */
  readonly paths: readonly string[];
  readonly files: ReadonlyMap<string, FileState>;
  /** In a cluster: the digests of what the undo may replace. */
  readonly known: SharedUndo["known"];
  /** In a cluster: the number of the change. */
  readonly number: number;
  /** The undo stops the daemon, which did not run before. */
  readonly stops: boolean;
}

/** The copies on a node; undefined when there are none. */
export async function readCopies(host: Host): Promise<Copies | undefined> {
  const manifest = (await host.readFiles([undoPaths.manifest])).get(undoPaths.manifest);
  if (manifest === undefined) return undefined;
  const steps = manifestSteps(manifest.text);
  const copies = await host.readFiles(steps.flatMap(({ copy }) => copy ?? []));
  const files = steps.flatMap(({ path, copy }) => {
    const file = copy === undefined ? undefined : copies.get(copy);
    return path === undefined || file === undefined ? [] : [[path, file] as const];
  });
  return {
    paths: steps.flatMap(({ path }) => path ?? []),
    files: new Map(files),
    known: new Map(steps.flatMap(({ path, known = [] }) => (path === undefined ? [] : [[path, known]]))),
    number: steps.find(({ cluster }) => cluster !== undefined)?.cluster ?? 0,
    stops: steps.some(({ path, cluster }) => path === undefined && cluster === undefined),
  };
}

/**
 * What armed undos would restore, those of several nodes together; undefined without any. In a cluster one that another node has confirmed
 * restores nothing.
 */
export async function keptCopies(armed: readonly SiteNode[], io: Io): Promise<Copies | undefined> {
  if (armed.length === 0) return undefined;
  const confirmed = io.site.cluster === undefined ? -1 : await confirmedNumber(io);
  const found = await Promise.all(armed.map(({ host }) => readCopies(io.host(host))));
  return found
    .filter((copies) => copies !== undefined)
    .filter(({ number }) => number > confirmed)
    .reduce<Copies | undefined>((all, one) => (all === undefined ? one : together(all, one)), undefined);
}

/** Of a file in both, the first has the copy. */
function together(all: Copies, one: Copies): Copies {
  const fresh = one.paths.filter((path) => !all.paths.includes(path));
  const knownOf = (path: string) => [...(all.known.get(path) ?? []), ...(one.known.get(path) ?? [])];
  return {
    paths: [...all.paths, ...fresh],
    files: new Map([...[...one.files].filter(([path]) => fresh.includes(path)), ...all.files]),
    known: new Map([...all.known.keys(), ...fresh].map((path) => [path, knownOf(path)])),
    number: Math.max(all.number, one.number),
    stops: all.stops || one.stops,
  };
}

async function confirmedNumber(io: Io): Promise<number> {
  const files = await io.host("pve").readFiles([undoPaths.confirmed]);
  return Number.parseInt(files.get(undoPaths.confirmed)?.text ?? "0", 10) || 0;
}

/** The copies for a new undo: of the files as they are, where there are none of an undo that never ran. */
export async function copiesFor(
  touched: readonly string[],
  changes: readonly Change[],
  kept: Copies | undefined,
  io: Io,
): Promise<Copies> {
  const fresh = touched.filter((path) => kept?.paths.includes(path) !== true);
  const files = new Map([...(kept?.files ?? []), ...(await io.host("pve").readFiles(fresh))]);
  const all = [...(kept?.paths ?? []), ...fresh];
  const copies = { paths: all, files, known: new Map(), number: 0, stops: kept?.stops === true };
  if (io.site.cluster === undefined) return copies;
  const candidates = await candidateDigests(changes, io);
  const known = all.map((path) => {
    const before = files.get(path)?.text;
    const digests = [
      before === undefined ? absentDigest : sha256(before),
      ...(kept?.known.get(path) ?? []),
      ...(candidates.get(path) ?? []),
    ];
    return [path, [...new Set(digests)]] as const;
  });
  const number = Math.max(kept?.number ?? 0, await confirmedNumber(io)) + 1;
  return { ...copies, known: new Map(known), number };
}

/** The digests of each file at every step of the changes, as `apply` makes them: the first writes all that is declared. */
async function candidateDigests(
  changes: readonly Change[],
  io: Io,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>();
  let files = parsed(await readInstalled(io));
  for (const parts of stepsOf(io.site, changes)) {
    const after = withParts(io.site, files, parts);
    const { writes, removes } = fileChanges(files, after);
    const seen = [
      ...writes.map(({ path, text }) => [path, sha256(text)] as const),
      ...removes.map((path) => [path, absentDigest] as const),
    ];
    for (const [path, digest] of seen) found.set(path, [...(found.get(path) ?? []), digest]);
    files = after;
  }
  return found;
}

/** Restores every file byte for byte, in one write. @returns false when there are no copies */
export async function restoreCopies(io: Io): Promise<boolean> {
  const host = io.host("pve");
  const copies = await readCopies(host);
  if (copies === undefined) return false;
  const now = await host.readFiles(copies.paths);
  const writes = copies.paths.flatMap((path): readonly FileWrite[] => {
    const text = copies.files.get(path)?.text;
    return text === undefined || now.get(path)?.text === text ? [] : [{ path, text }];
  });
  await host.writeFiles(writes);
  await host.remove(copies.paths.filter((path) => !copies.files.has(path) && now.has(path)));
  return true;
}
