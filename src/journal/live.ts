/**
 * What a run in progress is doing, for those who look from elsewhere: one small file that the run replaces as it goes. It
 * counts only while its run holds the lock, so a run that was killed leaves nothing that has to be removed.
 */
import type { Clock } from "../component.ts";
import { PhoenixError } from "../errors.ts";
import { isObject, type JsonObject } from "../formats/json/index.ts";
import type { Host } from "../hosts/host.ts";
import { readHolder } from "./lock-holder.ts";
import { isAlive, ownIdentity, type ProcessIdentity } from "./process-identity.ts";
import { documentText, journalDirectory, parseDocument, privateMode } from "./store.ts";

/** A run that holds the lock. */
export interface LiveRun {
  readonly command: string;
  readonly who: string;
  /** The machine that Phoenix runs on. */
  readonly host: string;
  readonly startedMs: number;
  /** What it is doing; absent in its first moments. */
  readonly told?: JsonObject;
  /** By the clock of the run's machine. */
  readonly toldMs?: number;
}

/** Short runs are over before anybody could look: only longer ones tell what they do. Milliseconds. */
const firstMs = 1_500;
const pauseMs = 1_000;

/**
 * Tells of this process's run, once in a while, until it is stopped. What cannot be told is not: a run never fails by it.
 * @param told what to tell, without secrets; undefined while there is nothing new
 * @returns what stops it, and waits for what is being written
 */
export function tellOfRun(
  host: Host,
  told: () => JsonObject | undefined,
  directory = journalDirectory,
): () => Promise<void> {
  const path = `${directory}/live.json`;
  let writing: Promise<void> = Promise.resolve();
  let isBusy = false;
  const write = async (): Promise<void> => {
    const news = isBusy ? undefined : told();
    if (news === undefined) return;
    isBusy = true;
    const text = documentText({ ...ownIdentity(), toldMs: Date.now(), told: news });
    writing = host
      .writeFiles([{ path, text, mode: privateMode }])
      .catch((error: unknown) => {
        if (!(error instanceof PhoenixError)) throw error;
      })
      .finally(() => {
        isBusy = false;
      });
    await writing;
  };
  let again: NodeJS.Timeout | undefined;
  const first = setTimeout(() => {
    again = setInterval(() => void write(), pauseMs).unref();
    void write();
  }, firstMs).unref();
  return async () => {
    clearTimeout(first);
    clearInterval(again);
    await writing;
  };
}

/** The run in progress, if any: one round trip. What cannot be understood is as if it was not there. */
export async function readLiveRun(
  host: Host,
  clock: Pick<Clock, "now">,
  directory = journalDirectory,
): Promise<LiveRun | undefined> {
  const [lock, live] = [`${directory}/lock`, `${directory}/live.json`];
  const files = await host.readFiles([lock, live]);
  const holder = readHolder(lock, files.get(lock)?.text);
  if (holder === undefined || isAlive(holder) === false) return undefined;
  const { command, who, host: machine, startedMs } = holder;
  const run = { command, who, host: machine, startedMs: startedMs - clock.now() + Date.now() };
  const document = documentOf(live, files.get(live)?.text);
  if (document === undefined || !isSame(holder, document)) return run;
  return { ...run, told: document.told, toldMs: Number(document.toldMs) };
}

interface LiveDocument extends JsonObject {
  readonly told: JsonObject;
}

function documentOf(path: string, text: string | undefined): LiveDocument | undefined {
  if (text === undefined) return undefined;
  try {
    const document = parseDocument(path, text);
    return isObject(document.told) ? { ...document, told: document.told } : undefined;
  } catch (error) {
    if (error instanceof PhoenixError) return undefined;
    throw error;
  }
}

function isSame(holder: ProcessIdentity, document: JsonObject): boolean {
  return (["host", "pid", "boot", "start"] as const).every((key) => holder[key] === document[key]);
}
