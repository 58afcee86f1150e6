/** What the dashboard sees when it looks: a plan, a verification, the guests, certificates and the journal. Changes nothing. */
import type { CertificateFile } from "../dashboard/certificates.ts";
import type { Look } from "../dashboard/view-model.ts";
import { defined } from "../defined.ts";
import { PhoenixError } from "../errors.ts";
import { describeHost } from "../fabric/guests.ts";
import type { DashboardDocument } from "../render/output-dashboard.ts";
import { plainView } from "../render/view.ts";
import type { Session } from "./session.ts";
import { version } from "./version.ts";

/** Runs that are shown. */
const mostRuns = 20;
/** The columns that plans are wrapped to. */
const planWidth = 100;

/** The page as it is after a look. */
export async function lookAndDescribe(session: Session): Promise<DashboardDocument> {
  return describe(session, await lookAt(session));
}

/** @param look absent before the first one */
export async function describe(session: Session, look: Look | undefined): Promise<DashboardDocument> {
  const { call, site, root, off, run, journal } = session;
  const [{ dashboardDocument }, certificates, observation, runs] = await Promise.all([
    import("../dashboard/view-model.ts"),
    certificateFiles(session),
    unless(journal.observations.read()),
    unless(journal.runs.list(mostRuns)),
  ]);
  const document = dashboardDocument({
    phoenix: version,
    root,
    world: run.world.description,
    nowMs: run.world.clock.now(),
    site,
    off,
    certificates,
    runs: runs ?? [],
    ...defined({ look, observation }),
  });
  return call.terminal.redact(document);
}

/** What the journal cannot say is left out: losing it costs history, never safety. */
async function unless<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof PhoenixError) return undefined;
    throw error;
  }
}

async function lookAt({ components, run, site, root, off, call }: Session): Promise<Look> {
  const [{ plan, verify }, { planLines }, { guestStates }] = await Promise.all([
    import("../engine/run.ts"),
    import("../render/text-plan.ts"),
    import("./guest-state.ts"),
  ]);
  const started = performance.now();
  const choices = { only: [], skip: [], allow: new Set<string>() };
  const [planned, guests] = await Promise.all([plan(components, run, choices), guestStates(site, run.world)]);
  const verified = await verify(components, run, choices);
  const durationMs = Math.round(performance.now() - started);
  const facts = {
    ...{ site: root, world: run.world.description, off, durationMs },
    apply: `phoenix sync all${call.options.repeat}`,
  };
  const view = {
    ...plainView,
    width: planWidth,
    hostName: (host: Parameters<typeof describeHost>[1]) => describeHost(site, host),
    redact: call.terminal.redact,
  };
  const lines = planLines(call.terminal.redact(planned), facts, view);
  return { endedMs: run.world.clock.now(), durationMs, plan: planned, planLines: lines, verified, guests };
}

async function certificateFiles({ site, run }: Session): Promise<readonly CertificateFile[]> {
  const paths = site.certificates.map(({ certPath }) => certPath);
  if (paths.length === 0) return [];
  const files = await unless(run.world.host("pve").readFiles(paths));
  return files === undefined ? [] : paths.map((path) => ({ path, text: files.get(path)?.text }));
}
