/** What a command works with, opened before it and closed after it: site, machines, APIs, journal, display. */

import type { Apis } from "../apis/apis.ts";
import type { Clock, Component } from "../component.ts";
import type { OffComponent } from "../components/parts.ts";
import { defined } from "../defined.ts";
import type { RunWorld } from "../engine/run.ts";
import { type ExitCode, NotReadyError, RefusedError, SiteError } from "../errors.ts";
import type { Emit, Event } from "../event.ts";
import { declared } from "../fabric/declared.ts";
import type { Step } from "../hosts/decorators.ts";
import type { Host } from "../hosts/host.ts";
import type { World } from "../hosts/world.ts";
import type { Journal } from "../journal/journal.ts";
import type { ObjectName } from "../journal/objects.ts";
import type { Site } from "../model.ts";
import { problemsLines } from "../render/problems.ts";
import { count } from "../render/words.ts";
import type { Resource } from "../resource.ts";
import type { Call } from "./command.ts";
import { type Display, openDisplay } from "./display.ts";
import { viewOf } from "./output.ts";
import { loadProven, type ProvenSite } from "./site.ts";
import type { Targets } from "./targets.ts";
import { writeLines } from "./terminal.ts";
import { type Access, openWorld, operatorAddress, waitedFor } from "./world.ts";

export interface Session {
  readonly call: Call;
  readonly root: string;
  readonly site: Site;
  readonly sources: ProvenSite["sources"];
  readonly files: ProvenSite["files"];
  readonly references: ProvenSite["references"];
  /** The site's warnings; it has no errors. */
  readonly warnings: ProvenSite["problems"];
  /** Those that take part in the site. */
  readonly components: readonly Component[];
  readonly off: readonly OffComponent[];
  readonly run: RunWorld;
  readonly journal: Journal;
  /** Of a run that is made from kept sites: the one that declares a resource. */
  readonly keptSiteOf?: (resource: Resource) => ObjectName | undefined;
  readonly display: Display;
  /** The same run over machines and APIs that refuse changes, with a journal that is not written. */
  readOnly(): Promise<RunWorld>;
  /** Calls `see` for every event from now on. Returns what ends that. */
  watch(see: Emit): () => void;
  /** Ends every command and request in progress, for this reason. */
  abort(reason: unknown): void;
  /**
   * Passes the hypervisor to `use` for the last words of a run, also after everything was ended; then through a connection
   * of its own, which has little time.
   */
  lastWords(use: (host: Host) => Promise<void>): Promise<void>;
}

/** How long the last words may take once everything was ended: less than the process has left. Milliseconds. */
const lastWordsMs = 4_000;

/**
 * Opens a session, passes it to `use`, and closes it in any case. With access "read" every host and API refuses changes.
 * @throws SiteError when the site has errors; they are shown before
 */
export async function withSession(
  call: Call,
  access: Access,
  use: (session: Session) => Promise<ExitCode>,
  opening: Opening = { only: [], skip: [] },
): Promise<ExitCode> {
  const { options, interruption, terminal } = call;
  const proven = await loadProven(call);
  const declaredSite = await refuseBroken(call, proven, opening);
  const display = openDisplay(terminal, options, declaredSite);
  const watched = watchable(display.emit);
  const lost = new AbortController();
  const signal = AbortSignal.any([interruption.now, lost.signal]);
  const unfinished = new Set<Step>();
  const onTimeout = (): void => interruption.interrupt("timeout", waitedFor(unfinished, declaredSite));
  const timer = options.timeoutMs === undefined ? undefined : setTimeout(onTimeout, options.timeoutMs);
  const worldOptions = { access, display, site: declaredSite };
  const world = await openWorld(call, { ...worldOptions, signal, unfinished });
  const emit: RunWorld["emit"] = (event) => watched.emit(onWallClock(event, world.clock));
  try {
    const site = await toldWhenSilent(call, display, world, () =>
      withCluster(declaredSite, world, access, opening),
    );
    if (site.cluster !== undefined) await refuseInCluster(call, proven, site, opening);
    await judgeStorage(call, site, world, access, opening);
    const [{ loadComponents }, { componentsOff, takingPart }, journal, run] = await Promise.all([
      import("../components/index.ts"),
      import("../components/parts.ts"),
      openJournalOn(call, world.host("pve"), access),
      openRun(call, site, world),
    ]);
    return await use({
      call,
      root: proven.root,
      site,
      sources: proven.sources,
      files: proven.files,
      references: proven.references,
      warnings: proven.problems,
      components: takingPart(await loadComponents(), site),
      // Of a site with errors, nobody knows.
      off: proven.site === undefined ? [] : componentsOff(site),
      run: { ...run, journal, emit, signal },
      journal,
      readOnly: async () => ({ ...(await stillRun(call, site, world)), emit, signal }),
      display,
      watch: watched.watch,
      abort: (reason) => lost.abort(reason),
      lastWords: async (say) => {
        if (!signal.aborted) return say(world.host("pve"));
        const other = await openWorld(call, { ...worldOptions, signal: AbortSignal.timeout(lastWordsMs) });
        await say(other.host("pve")).finally(() => other.close());
      },
    });
  } finally {
    clearTimeout(timer);
    display.pause();
    await world.close();
  }
}

/** How long the hypervisor may take to answer at all before that is told. Milliseconds. */
const silenceMs = 3_000;

/** The first command on the host: until it answers there is nothing else to show. */
async function toldWhenSilent<T>(
  { options }: Call,
  display: Display,
  { description }: World,
  ask: () => Promise<T>,
): Promise<T> {
  const slow = setTimeout(() => {
    if (!options.quiet) display.say(`${description} has not answered yet`);
  }, silenceMs);
  return ask().finally(() => clearTimeout(slow));
}

/** A run over machines that refuse changes, with a journal that is not written. */
async function stillRun(call: Call, site: Site, world: World): Promise<Omit<RunWorld, "emit" | "signal">> {
  const { readOnlyWorld } = await import("../hosts/read-only.ts");
  const still = readOnlyWorld(world);
  const journal = await openJournalOn(call, still.host("pve"), "read");
  return { ...(await openRun(call, site, still)), journal };
}

/**
 * The site with the cluster as it is now; the same site on a single host.
 * @throws RefusedError where something is to be changed and the cluster cannot bear it; NotReadyError
 */
async function withCluster(
  site: Site,
  world: World,
  access: Access,
  { changesNothing, evenUnmounted }: Opening,
): Promise<Site> {
  const changes = access === "change" && changesNothing !== true;
  try {
    const cluster = await world.cluster();
    if (changes && cluster?.quorate === false)
      throw new RefusedError(
        `the cluster ${cluster.name} has no quorum: nothing can be changed, and nothing was`,
        {
          hint: "`pvecm status` on a node shows which are missing; `phoenix status` still looks",
        },
      );
    return { ...site, ...defined({ cluster }) };
  } catch (error) {
    if (!(error instanceof NotReadyError)) throw error;
    if (evenUnmounted === true) return site;
    throw changes ? new RefusedError(`${error.message}: nothing was changed`, { hint: error.hint }) : error;
  }
}

/** @throws RefusedError where something is to be changed that containers on other nodes would not see */
async function judgeStorage(
  { definition, options, terminal }: Call,
  site: Site,
  world: World,
  access: Access,
  { changesNothing }: Opening,
): Promise<void> {
  const changes = access === "change" && changesNothing !== true;
  if (site.cluster === undefined || !(changes || definition.name === "plan")) return;
  const [{ storageFaults }, { describeHost }, { placeOf }] = await Promise.all([
    import("../doctor/node-storage.ts"),
    import("../fabric/guests.ts"),
    import("../render/text-changes.ts"),
  ]);
  const faults = (await storageFaults(site, world)).map(
    ({ guest, message: fault }) => `${placeOf(guest.from)}: ${describeHost(site, guest.host)} ${fault}`,
  );
  if (faults.length === 0) return;
  const hint = "put the directory on a storage that both nodes have, or move the guest";
  const message = `refused: ${faults.join("; ")}`;
  if (changes) throw new RefusedError(`${message}; nothing was changed`, { hint });
  if (!options.quiet && options.output === "text")
    writeLines(terminal.stderr, [`a sync would be ${message}`, `  hint: ${hint}`]);
}

/** Events for one that sees all of them, and for those who watch a while. */
function watchable(first: Emit): { readonly emit: Emit; readonly watch: Session["watch"] } {
  const watchers = new Set([first]);
  return {
    emit: (event) => {
      for (const see of watchers) see(event);
    },
    watch: (see) => {
      watchers.add(see);
      return () => watchers.delete(see);
    },
  };
}

/** The journal of this call's site on the hypervisor. */
export async function openJournalOn({ terminal }: Call, host: Host, access: Access): Promise<Journal> {
  const { openJournal } = await import("../journal/journal.ts");
  return openJournal(host, { readOnly: access === "read", redact: (text) => terminal.redact(text) });
}

async function openRun(
  call: Call,
  site: Site,
  world: World,
): Promise<Omit<RunWorld, "journal" | "emit" | "signal">> {
  return {
    site,
    world,
    apis: await apisOf(site, world),
    stop: call.interruption.stop,
    ...defined({ operator: await operatorAddress(call, world) }),
  };
}

/** The APIs as a site declares them. */
export async function apisOf(site: Site, world: World): Promise<Apis> {
  const [{ openApis }, { findRoot }, { knownPassword }] = await Promise.all([
    import("../apis/open-apis.ts"),
    import("../fabric/ca-files.ts"),
    import("../fabric/portainer-files.ts"),
  ]);
  let found: string | undefined;
  // Looks for the root until it is found; then it is known for the rest of the run.
  const root = async (): Promise<string> =>
    (found ??= (await findRoot(declared(site, "ca").rootFiles, (name) => world.host(name))).pem);
  return openApis(site, world.network, world.clock, {
    root,
    previousPassword: () => knownPassword(site, (name) => world.host(name)),
  });
}

/** A lab's clock may be ahead of the real one, by which people wait. */
function onWallClock(event: Event, clock: Clock): Event {
  return event.type === "waiting" ? { ...event, untilMs: event.untilMs - clock.now() + Date.now() } : event;
}

/** The components that a call names. */
type Selected = Pick<Targets, "only" | "skip">;

export interface Opening extends Selected {
  /** It has access to change what is Phoenix's own, and leaves the site's machines as they are: a cluster needs no quorum for it. */
  readonly changesNothing?: true;
  /** It says itself what keeps /etc/pve from being read. */
  readonly evenUnmounted?: true;
}

/** The site in spite of its errors, where none of them concerns what was named, nor what that builds on. */
async function inSpiteOfErrors(
  { understood, problems }: ProvenSite,
  { only, skip }: Selected,
): Promise<Site | undefined> {
  if (understood === undefined || (only.length === 0 && skip.length === 0)) return undefined;
  const [{ loadComponents }, { select }, { problemsOf }, { rules }] = await Promise.all([
    import("../components/index.ts"),
    import("../engine/order.ts"),
    import("./concerns.ts"),
    import("../fabric/rules.ts"),
  ]);
  const { selected, prerequisites } = select(await loadComponents(), { only, skip });
  const names = [...selected, ...prerequisites].map(({ name }) => name);
  const isBroken = (found: ProvenSite["problems"]): boolean =>
    problemsOf(found, { only: names, skip: [] }).some(({ severity }) => severity === "error");
  if (isBroken(problems)) return undefined;
  return isBroken(rules.flatMap((rule) => rule(understood))) ? undefined : understood;
}

/** @throws SiteError when errors concern what was selected; they are shown before */
async function refuseBroken(call: Call, proven: ProvenSite, selection: Selected): Promise<Site> {
  const { terminal, options } = call;
  const { site, problems, sources } = proven;
  const errors = problems.filter(({ severity }) => severity === "error");
  const usable = errors.length === 0 ? undefined : await inSpiteOfErrors(proven, selection);
  if (usable !== undefined) {
    const what = `${count(errors.length, "error")} in the site, about other components`;
    if (!options.quiet && options.output === "text")
      writeLines(terminal.stderr, [`${what}: \`phoenix check${options.repeat}\` shows them`]);
    return usable;
  }
  if (site !== undefined && errors.length === 0) {
    if (problems.length > 0 && !options.quiet && options.output === "text")
      writeLines(terminal.stderr, [
        `${count(problems.length, "warning")} in the site: \`phoenix check${options.repeat}\` shows them`,
      ]);
    return site;
  }
  throw siteError(call, errors, sources, site, "check");
}

/** @throws SiteError when the site does not fit the cluster, in what was selected; the errors are shown before */
async function refuseInCluster(
  call: Call,
  { sources }: ProvenSite,
  site: Site,
  { only, skip }: Selected,
): Promise<void> {
  const [{ clusterRules }, { problemsOf }] = await Promise.all([
    import("../fabric/rules.ts"),
    import("./concerns.ts"),
  ]);
  const found = problemsOf(
    clusterRules.flatMap((rule) => rule(site)),
    { only, skip },
  );
  const errors = found.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw siteError(call, errors, sources, site, "plan");
}

/** Shows the errors. @param check the command that finds them @returns what ends the command */
function siteError(
  { terminal, options }: Call,
  errors: ProvenSite["problems"],
  sources: ProvenSite["sources"],
  site: Site | undefined,
  check: "check" | "plan",
): SiteError {
  const view = viewOf(terminal.stderr, terminal, options, site);
  if (options.output === "text")
    writeLines(terminal.stderr, [...problemsLines(terminal.redact(errors), sources, view), ""]);
  return new SiteError(`the site has ${count(errors.length, "error")}; nothing was changed`, {
    hint: `correct the site; \`phoenix ${check}${options.repeat}\` checks it without changing anything`,
  });
}
