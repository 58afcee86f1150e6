/**
 * What keeps a run that nobody watches from looking at all: the site has errors, the hypervisor does not answer, another run holds
 * the lock. It cannot be remembered on the hypervisor, so this machine does; it is told once, and so is its end.
 */
import { mkdir, readFile, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { defined } from "../defined.ts";
import {
  hintOf,
  InterruptedError,
  LockedError,
  messageOf,
  PhoenixError,
  TransportError,
  UsageError,
} from "../errors.ts";
import { isObject, parseJson } from "../formats/json/index.ts";
import type { Site } from "../model.ts";
import type { News, Notice, NoticeTarget } from "../notice.ts";
import type { Delivery } from "../notices/deliver.ts";
import type { Call } from "./command.ts";
import { siteRoot } from "./site.ts";
import { writeLines } from "./terminal.ts";

interface Trouble {
  readonly event: "error" | "unreachable";
  readonly sinceMs: number;
  /** Runs in a row that it kept from looking. */
  readonly runs: number;
  /** How often it was sent. */
  readonly attempts: number;
  /** The names of the targets that it has reached. */
  readonly told: readonly string[];
  /** Whether there are others that it should have reached. */
  readonly isOpen: boolean;
}

/** A run that is locked out may only have met a long one: the second in a row is news. */
const lockedRuns = 2;
const mostAttempts = 2;

/** Whether an error kept a run from looking. */
export function isTrouble(error: unknown): error is PhoenixError {
  return (
    error instanceof PhoenixError && !(error instanceof UsageError) && !(error instanceof InterruptedError)
  );
}

/** Tells of a run that could not look, once. It never fails. @param command without "phoenix": "unattended verify" */
export async function reportTrouble(
  call: Call,
  command: string,
  error: PhoenixError,
  verb = "cannot run",
): Promise<void> {
  const path = await pathOf(call, command);
  const before = await readTrouble(path);
  const event = error instanceof TransportError ? "unreachable" : "error";
  const same = before?.event === event ? before : undefined;
  const sinceMs = same?.sinceMs ?? Date.now();
  const runs = (same?.runs ?? 0) + 1;
  const { attempts = 0, told = [], isOpen = true } = same ?? {};
  const isNews = isOpen && attempts < mostAttempts && (!(error instanceof LockedError) || runs >= lockedRuns);
  const trouble = { event, sinceMs, runs, attempts: isNews ? attempts + 1 : attempts, told, isOpen } as const;
  await writeTrouble(path, trouble);
  if (!isNews) return;
  const { message, hint } = call.terminal.redact({ message: error.message, hint: hintOf(error) });
  const words =
    event === "unreachable"
      ? ({ event, subject: "the hypervisor", verb: "does not answer" } as const)
      : ({ event, subject: `phoenix ${command}`, verb } as const);
  const news = { ...words, reason: message, ...defined({ hint }) };
  const sent = await send(call, command, news, ({ name }) => !told.includes(name));
  await writeTrouble(path, { ...trouble, told: [...told, ...sent.told], isOpen: sent.isOpen });
}

/** Tells those who were told that runs could not look that they can again. It never fails. */
export async function endTrouble(call: Call, command: string): Promise<void> {
  const path = await pathOf(call, command);
  const before = await readTrouble(path);
  if (before === undefined) return;
  const was = before.event;
  const words =
    was === "unreachable"
      ? { subject: "the hypervisor", verb: "answers again" }
      : { subject: `phoenix ${command}`, verb: "runs again" };
  const { told } = before;
  const news = { event: "recovered", was, ...words } as const;
  if (told.length > 0) await send(call, command, news, ({ name }) => told.includes(name));
  await rm(path, { force: true });
}

type Sent = Pick<Trouble, "told" | "isOpen">;
const nobody: Sent = { told: [], isOpen: true };

/** @returns who was told */
async function send(
  call: Call,
  command: string,
  news: News,
  isMeant: (target: NoticeTarget) => boolean,
): Promise<Sent> {
  const say = (line: string): void => writeLines(call.terminal.stderr, [line]);
  try {
    const site = await whatIsUnderstood(call);
    if (site === undefined) {
      say("nobody is told: the notices of the site cannot be read");
      return nobody;
    }
    const atMs = Date.now();
    const notice = {
      id: new Date(atMs).toISOString(),
      atMs,
      site: site.domain || "phoenix",
      command,
      news: [news],
    };
    const deliveries = await sendNow(call, site, notice, isMeant);
    for (const { target, failure } of deliveries)
      if (failure !== undefined) say(`cannot send the notice to ${target.name}: ${failure}`);
    const told = deliveries.flatMap(({ target, failure }) => (failure === undefined ? target.name : []));
    return { told, isOpen: told.length < deliveries.length };
  } catch (error) {
    say(`cannot send notices: ${messageOf(error)}`);
    return nobody;
  }
}

async function sendNow(
  call: Call,
  site: Site,
  notice: Notice,
  isMeant: (target: NoticeTarget) => boolean,
): Promise<readonly Delivery[]> {
  const [{ openWorld }, { openDisplay }, { openOutlet }, { deliver }, { lettersOf, queued }] =
    await Promise.all([
      import("./world.ts"),
      import("./display.ts"),
      import("./outlet.ts"),
      import("../notices/deliver.ts"),
      import("../notices/letters.ts"),
    ]);
  const targets = (site.notices ?? []).filter(isMeant);
  const display = openDisplay(call.terminal, call.options, site);
  const world = await openWorld(call, {
    access: "change",
    display,
    signal: AbortSignal.timeout(10_000),
    site,
  });
  try {
    const outlet = openOutlet(site, world, call.options.lab !== undefined);
    return await deliver(lettersOf(queued([], notice, targets), targets), outlet);
  } finally {
    display.pause();
    await world.close();
  }
}

/** The site in spite of its errors: who is told seldom depends on them. */
async function whatIsUnderstood(call: Call): Promise<Site | undefined> {
  const { loadProven } = await import("./site.ts");
  return (await loadProven(call)).understood;
}

/** One file for each site, hypervisor and command; a lab keeps its own. */
async function pathOf(call: Call, command: string): Promise<string> {
  const { lab, host } = call.options;
  const name = command.replaceAll(" ", "-");
  if (lab !== undefined) return join(lab, "state", `${name}.json`);
  const { env } = call.terminal;
  const state = env.STATE_DIRECTORY || join(env.XDG_STATE_HOME || join(homedir(), ".local/state"), "phoenix");
  const { createHash } = process.getBuiltinModule("node:crypto");
  const of = `${resolve(await siteRoot(call.options))}\n${host ?? ""}`;
  return join(state, `${name}-${createHash("sha256").update(of).digest("hex").slice(0, 8)}.json`);
}

async function readTrouble(path: string): Promise<Trouble | undefined> {
  const value = parseJson(await readFile(path, "utf8").catch(() => ""));
  const isWhole = isObject(value) && typeof value.runs === "number" && Array.isArray(value.told);
  return isWhole ? (value as unknown as Trouble) : undefined;
}

/** What cannot be remembered is told again. */
async function writeTrouble(path: string, trouble: Trouble): Promise<void> {
  const { replaceFile } = await import("./json-file.ts");
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    .then(() => replaceFile(path, `${JSON.stringify({ version: 1, ...trouble })}\n`))
    .catch(() => {});
}
