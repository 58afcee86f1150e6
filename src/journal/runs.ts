/**
 * The history: one directory for each run that could change something, and the objects that they name. Objects are written first, and
 * the record last: a run that is killed meanwhile leaves objects that nothing names, which a later run removes.
 */
import { SiteError } from "../errors.ts";
import { fingerprintsBy } from "../fingerprint.ts";
import { parseJson } from "../formats/json/index.ts";
import type { Host } from "../hosts/host.ts";
import type { KeptSite } from "../kept-site.ts";
import type { Redact } from "../redaction.ts";
import type { Secret } from "../secret.ts";
import { Keeper } from "./kept.ts";
import { type ObjectName, type Objects, openObjects } from "./objects.ts";
import { type FinishedRun, recordFor } from "./recording.ts";
import { evicted, withReferences } from "./retention.ts";
import { type KeptContent, type KeptState, type RunRecord, recordOf, recordVersion } from "./run-record.ts";
import { sealBy } from "./seal.ts";
import { documentText, privateMode } from "./store.ts";
import { keepSite, readSite, readState, statesOf } from "./stored.ts";

/** Generations that are kept unless a run says otherwise. */
const defaultKeep = 50;

/** Objects that killed runs have left are looked for whenever a generation is removed, and every so many runs. */
const sweepEvery = 10;

/** "41-20261124T090400Z". */
const directoryName = /^(\d+)-\d{8}T\d{6}Z$/;

/** A generation that cannot be read. */
export interface DamagedRun {
  readonly generation: number;
  /** What is wrong, with its path. */
  readonly reason: string;
}

export interface Runs {
  /** Records a run and returns its generation. Requires the lock. */
  append(run: FinishedRun): Promise<number>;
  /** The latest runs, newest first; damaged ones are left out. */
  list(limit?: number): Promise<readonly RunRecord[]>;
  /** Those that `list` leaves out, newest first. */
  damaged(): Promise<readonly DamagedRun[]>;
  latest(): Promise<RunRecord | undefined>;
  /** @throws SiteError when it is damaged */
  read(generation: number): Promise<RunRecord | undefined>;
  /** What a component's state was. @throws SiteError when its object is gone or damaged */
  state(name: ObjectName): Promise<KeptState>;
  /** What resources said. Missing and damaged ones are left out. */
  contents(names: readonly ObjectName[]): Promise<ReadonlyMap<ObjectName, KeptContent>>;
  /** @throws SiteError when it, or one of its files, is gone or damaged */
  site(name: ObjectName): Promise<KeptSite>;
  /** The name that a site has, or would have, among the kept ones. */
  nameOf(site: NonNullable<FinishedRun["site"]>): Promise<ObjectName>;
}

/**
 * @param redact replaces the site's secrets; a text that it would alter is not stored at all
 * @param key asked for when a run is recorded, or its site is read
 */
export function openRuns(host: Host, journal: string, redact: Redact, key: () => Promise<Secret>): Runs {
  return new RunStore(host, journal, redact, key);
}

class RunStore implements Runs {
  readonly #host: Host;
  readonly #directory: string;
  readonly #objects: Objects;
  readonly #redact: Redact;
  readonly #key: () => Promise<Secret>;

  constructor(host: Host, journal: string, redact: Redact, key: () => Promise<Secret>) {
    this.#host = host;
    this.#directory = `${journal}/runs`;
    this.#objects = openObjects(host, journal);
    this.#redact = redact;
    this.#key = key;
  }

  async append(run: FinishedRun): Promise<number> {
    const [before, stored, key] = await Promise.all([this.#names(), this.#objects.names(), this.#key()]);
    const [last] = await this.#newest(before, 1);
    const states = await statesOf(last, this.#objects);
    const fingerprintOf = fingerprintsBy(key);
    const keeper = new Keeper(this.#redact, fingerprintOf, stored);
    const generation = generationOf(before[0] ?? "0-") + 1;
    const known = { last, states, keeper, redact: this.#redact, fingerprintOf, seal: sealBy(key) };
    const text = documentText({ generation, ...recordFor(run, known) }, recordVersion);
    const name = `${generation}-${stamp(run.startedMs)}`;
    // The record comes last: what it names is there when it is.
    await this.#objects.put(keeper.missing, { path: this.#pathOf(name), text, mode: privateMode });
    await this.#tidy([name, ...before], run.keep ?? defaultKeep, [...stored, ...keeper.missing.keys()]);
    return generation;
  }

  async list(limit?: number): Promise<readonly RunRecord[]> {
    return this.#newest(await this.#names(), limit);
  }

  async #newest(all: readonly string[], limit?: number): Promise<readonly RunRecord[]> {
    const step = Math.max(1, limit ?? all.length);
    const found: RunRecord[] = [];
    // No more are read than are asked for, unless one is damaged.
    for (let at = 0; at < all.length && found.length < step; at += step)
      found.push(...(await this.#load(all.slice(at, at + step))).filter(isReadable));
    return found.slice(0, limit);
  }

  async damaged(): Promise<readonly DamagedRun[]> {
    const all = await this.#load(await this.#names());
    return all.flatMap((run) => (isReadable(run) ? [] : [run]));
  }

  async latest(): Promise<RunRecord | undefined> {
    return (await this.list(1))[0];
  }

  async read(generation: number): Promise<RunRecord | undefined> {
    const wanted = (await this.#names()).filter((name) => generationOf(name) === generation);
    const [found] = await this.#load(wanted);
    if (found === undefined || isReadable(found)) return found;
    throw new SiteError(found.reason, { hint: "move it away: losing it costs history, never safety" });
  }

  state(name: ObjectName): Promise<KeptState> {
    return readState(name, this.#objects);
  }

  async contents(names: readonly ObjectName[]): Promise<ReadonlyMap<ObjectName, KeptContent>> {
    const texts = await this.#objects.get(names);
    return new Map([...texts].map(([name, text]) => [name, parseJson(text) as KeptContent]));
  }

  async site(name: ObjectName): Promise<KeptSite> {
    return readSite(name, this.#objects, sealBy(await this.#key()));
  }

  async nameOf(site: NonNullable<FinishedRun["site"]>): Promise<ObjectName> {
    const key = await this.#key();
    const fingerprintOf = fingerprintsBy(key);
    return keepSite(site(fingerprintOf), new Keeper(this.#redact, fingerprintOf), sealBy(key));
  }

  /** Names of the runs' directories, newest first. */
  async #names(): Promise<readonly string[]> {
    const found = (await this.#host.list(this.#directory)).filter((name) => directoryName.test(name));
    return found.sort((a, b) => generationOf(b) - generationOf(a));
  }

  #pathOf(name: string): string {
    return `${this.#directory}/${name}/run.json`;
  }

  /** A run that was killed while it was recorded has a directory without a document, and is left out. */
  async #load(names: readonly string[]): Promise<readonly (RunRecord | DamagedRun)[]> {
    const files = await this.#host.readFiles(names.map((name) => this.#pathOf(name)));
    return names.flatMap((name) => {
      const path = this.#pathOf(name);
      const text = files.get(path)?.text;
      return text === undefined ? [] : [readOrDamaged(path, text, generationOf(name))];
    });
  }

  /** Removes generations beyond the limits, and objects that no generation names any more. */
  async #tidy(all: readonly string[], keep: number, stored: readonly ObjectName[]): Promise<void> {
    if (all.length <= keep && generationOf(all[0] ?? "") % sweepEvery !== 0) return;
    const records = new Map((await this.#load(all)).map((run) => [run.generation, run]));
    const runs = await withReferences(
      all.map((name) => {
        const record = records.get(generationOf(name));
        return { name, ...(record !== undefined && isReadable(record) ? { record } : {}) };
      }),
      this.#objects,
    );
    const out = new Set(evicted(runs, keep));
    const gone = all.filter((name) => out.has(name)).map((name) => `${this.#directory}/${name}`);
    if (gone.length > 0) await this.#host.expect({ argv: ["rm", "-rf", "--", ...gone], effect: "change" });
    const named = new Set(runs.flatMap(({ name, objects }) => (out.has(name) ? [] : [...objects])));
    await this.#objects.remove(stored.filter((name) => !named.has(name)));
  }
}

function isReadable(run: RunRecord | DamagedRun): run is RunRecord {
  return !("reason" in run);
}

function readOrDamaged(path: string, text: string, generation: number): RunRecord | DamagedRun {
  try {
    return recordOf(path, text);
  } catch (error) {
    if (!(error instanceof SiteError)) throw error;
    return { generation, reason: error.message };
  }
}

function generationOf(name: string): number {
  return Number.parseInt(name, 10);
}

/** "20261124T090400Z". */
function stamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:]/g, "")}Z`;
}
