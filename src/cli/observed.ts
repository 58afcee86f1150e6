/** What a run leaves for others: what it found, notices of what has changed, metrics. None of it can fail the run. */
import { defined } from "../defined.ts";
import type { ComponentResult, Plan, RunResult } from "../engine/plan.ts";
import { type ExitCode, messageOf, PhoenixError } from "../errors.ts";
import type { Host } from "../hosts/host.ts";
import type { Observation } from "../journal/observations.ts";
import type { Look } from "../journal/observe.ts";
import { DamagedError } from "../journal/store.ts";
import type { Notice } from "../notice.ts";
import type { Delivery } from "../notices/deliver.ts";
import type { Repair } from "../notices/news.ts";
import { type Change, subjectOf } from "../resource.ts";
import type { Session } from "./session.ts";

/** A run as it ended. */
export interface EndedRun {
  /** Without "phoenix": "unattended verify". */
  readonly command: string;
  readonly startedMs: number;
  readonly exitCode: ExitCode;
  readonly plan?: Plan;
  readonly result?: RunResult;
  /** A person sees it: guests are not asked, and what is not well is left for the next timer to tell. */
  readonly isWatched: boolean;
  /** Where the site was pulled from git: why that did not work, or nothing. */
  readonly source?: Look["source"];
}

/** Requires the lock. @returns why it cannot be remembered, and so nobody was told */
export async function observeRun(session: Session, ended: EndedRun): Promise<PhoenixError | undefined> {
  const { display, lastWords } = session;
  try {
    await lastWords((pve) => observeOn(pve, session, ended));
    return undefined;
  } catch (error) {
    if (!(error instanceof PhoenixError)) throw error;
    display.say(`cannot remember what the run found: ${messageOf(error)}`);
    return error;
  }
}

/**
 * The order makes a run that is killed lose no notice: what was found and what is to be sent are written in one step, then it is
 * sent, then what arrived is struck out. Killed in between, the next run sends again what may have arrived.
 */
async function observeOn(pve: Host, session: Session, ended: EndedRun): Promise<void> {
  const { call, site, run, display } = session;
  const [{ openJournalOn }, { observe }, { newsOf }, letters, { deliver }, { openOutlet }] =
    await Promise.all([
      import("./session.ts"),
      import("../journal/observe.ts"),
      import("../notices/news.ts"),
      import("../notices/letters.ts"),
      import("../notices/deliver.ts"),
      import("./outlet.ts"),
    ]);
  const { observations } = await openJournalOn(call, pve, "change");
  const [previous, look] = await Promise.all([
    observations.read().catch((error) => startAnew(error, display)),
    lookOf(pve, session, ended),
  ]);
  const seen = observe(previous, look);
  const { told: before = {}, undelivered = [] } = previous?.notices ?? {};
  const repairs = ended.isWatched ? [] : repairsOf(ended, previous, look);
  const { news, told } = newsOf(before, seen, site, { isWatched: ended.isWatched, repairs });
  const targets = site.notices ?? [];
  const queue = letters.queued(undelivered, noticeOf(news, seen, site.domain), targets);
  await observations.write({ ...seen, notices: { told, undelivered: queue } });
  if (queue.length === 0) return writeMetrics(pve, session, { ...seen, notices: { told, undelivered: [] } });
  const outlet = openOutlet(site, run.world, call.options.lab !== undefined, pve);
  const deliveries = await deliver(letters.lettersOf(queue, targets), outlet);
  const left = { ...seen, notices: { told, undelivered: letters.undeliveredOf(queue, deliveries) } };
  await Promise.all([observations.write(left), writeMetrics(pve, session, left)]);
  for (const line of failureLines(deliveries, (each) => letters.isTriedAgain(queue, each))) display.say(line);
}

/** Nobody would be told of anything again while what is remembered is damaged. What is not well then is told once more. */
function startAnew(error: unknown, display: Session["display"]): undefined {
  if (!(error instanceof DamagedError)) throw error;
  display.say(`${error.message}: what earlier runs found is forgotten`);
}

/** For node_exporter, which runs as another user and reads whatever ends in ".prom": whole files only. */
async function writeMetrics(pve: Host, { site, display }: Session, seen: Observation): Promise<void> {
  if (site.metrics === undefined) return;
  const { metricsFile, metricsText } = await import("../notices/metrics.ts");
  const { version } = await import("./version.ts");
  const path = `${site.metrics.directory}/${metricsFile}`;
  try {
    await pve.writeFiles([{ path, text: metricsText(seen, site, version), mode: "644" }]);
  } catch (error) {
    if (!(error instanceof PhoenixError)) throw error;
    display.say(`cannot write the metrics: ${messageOf(error)}`);
  }
}

function noticeOf(news: Notice["news"], { run }: Observation, domain: string): Notice {
  const id = new Date(run.endedMs).toISOString();
  return { id, atMs: run.endedMs, site: domain || "phoenix", command: run.command, news };
}

function failureLines(
  deliveries: readonly Delivery[],
  isTriedAgain: (delivery: Delivery) => boolean,
): readonly string[] {
  return deliveries.flatMap((delivery) => {
    if (delivery.failure === undefined) return [];
    const then = isTriedAgain(delivery) ? "the next run sends it again" : "it is not sent again";
    return [`cannot send the notice to ${delivery.target.name}: ${delivery.failure}; ${then}`];
  });
}

/** What the run found, with the certificates and the guests as they are now. */
async function lookOf(pve: Host, session: Session, ended: EndedRun): Promise<Look> {
  const { call, run, sources, off } = session;
  const isLost = run.signal.aborted;
  const [{ digestOf }, { isDueRenewal }, certificates, guests] = await Promise.all([
    import("./site.ts"),
    import("../components/certificates/compile.ts"),
    certificatesOn(pve, session),
    ended.isWatched || isLost ? undefined : guestsOf(session),
  ]);
  const { command, startedMs, exitCode, plan, result, source } = ended;
  const endedMs = run.world.clock.now();
  return {
    run: { command, startedMs, endedMs, exitCode, siteDigest: digestOf(sources) },
    ...defined({ plan, result, guests, source }),
    off: off.map(({ component }) => component),
    certificates,
    isRoutine: isDueRenewal,
    allowed: call.options.allow,
    redact: (text) => call.terminal.redact(text),
  };
}

async function certificatesOn(pve: Host, { site }: Session): Promise<Observation["certificates"]> {
  const { parseChain } = await import("../formats/x509/index.ts");
  const files = await pve.readFiles(site.certificates.map(({ certPath }) => certPath));
  return Object.fromEntries(
    site.certificates.flatMap(({ commonName, certPath }) => {
      const [leaf] = parseChain(files.get(certPath)?.text ?? "");
      if (leaf === undefined) return [];
      const { notBeforeMs, notAfterMs, names, issuer } = leaf;
      const plain = names.map((name) => name.replace(/^\w+:/, ""));
      return [[commonName, { notBeforeMs, notAfterMs, names: plain, issuer }]];
    }),
  );
}

async function guestsOf({ site, run }: Session): Promise<Look["guests"]> {
  const { guestStates } = await import("./guest-state.ts");
  const states = await guestStates(site, run.world);
  return Object.fromEntries(
    states.map(({ host, state, note }) => [
      host,
      state === "answers" ? { state } : ({ state: "no answer", reason: note } as const),
    ]),
  );
}

/** What the run changed although the site is the same: somebody had changed it by hand. */
function repairsOf(
  { result }: EndedRun,
  previous: Observation | undefined,
  { run, isRoutine = () => false }: Look,
): readonly Repair[] {
  if (result?.command !== "sync" || previous?.run.siteDigest !== run.siteDigest) return [];
  return result.components.flatMap(({ component, outcome, changes }: ComponentResult): Repair[] => {
    const made = changes.filter((change) => !isRoutine(change));
    const [first] = made;
    if (outcome !== "changed" || first === undefined) return [];
    return [{ component, what: `${words(first)}${made.length > 1 ? ` and ${made.length - 1} more` : ""}` }];
  });
}

function words(change: Change): string {
  return `${subjectOf(change).id} was ${change.verb}d`;
}
