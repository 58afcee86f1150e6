/** Shows and renews certificates. */
import type { AllFacts } from "../components/certificates/facts.ts";
import { defined } from "../defined.ts";
import type { Plan, RunResult } from "../engine/plan.ts";
import { type ExitCode, exitCodes, UsageError } from "../errors.ts";
import { didYouMean } from "../formats/text/nearest.ts";
import { option } from "../option-names.ts";
import { certsDocument, certsLines, exitCodeOfCerts } from "../render/certs.ts";
import { shortList } from "../render/words.ts";
import type { ResourceId } from "../resource.ts";
import type { Call } from "./command.ts";
import { completeStepFirst, underLock } from "./locked.ts";
import { deliver } from "./output.ts";
import { cutBy, deliverResult } from "./run-result.ts";
import type { Session } from "./session.ts";

const only = { only: ["certificates"], skip: [] };

export async function runCerts(call: Call): Promise<ExitCode> {
  const { withSession } = await import("./session.ts");
  return withSession(call, "read", showCerts, only);
}

async function showCerts(session: Session): Promise<ExitCode> {
  const { call, off, root, run, site, display } = session;
  const why = off.find(({ component }) => component === "certificates")?.reason;
  const none: AllFacts = { certificates: [], authorities: [] };
  const found = why === undefined ? await factsIn(session) : none;
  display.pause();
  const facts = { site: root, nowMs: run.world.clock.now(), ...found, ...defined({ off: why }) };
  await deliver(call, facts, certsDocument, certsLines, site);
  return exitCodeOfCerts(facts);
}

async function factsIn({ components, run }: Session): Promise<AllFacts> {
  const [{ certificateFacts }, { Turn }] = await Promise.all([
    import("../components/certificates/facts.ts"),
    import("../engine/turn.ts"),
  ]);
  const component = components.find(({ name }) => name === "certificates");
  return component === undefined
    ? { certificates: [], authorities: [] }
    : certificateFacts(new Turn(run, component).io);
}

export async function runRenew(call: Call): Promise<ExitCode> {
  const isDue = call.own.due === true;
  if (isDue === call.args.length > 0)
    throw new UsageError(
      isDue ? `${option.due} and names exclude each other` : "name the certificates to renew",
      { hint: `\`phoenix certs\` lists them; ${option.due} renews those whose time has come` },
    );
  const { withSession } = await import("./session.ts");
  return withSession(call, "change", (session) => renew(session, isDue), only);
}

async function renew(session: Session, isDue: boolean): Promise<ExitCode> {
  const { off, components } = session;
  const why = off.find(({ component }) => component === "certificates")?.reason;
  if (why !== undefined && !isDue) throw new UsageError(`certificates are off: ${why}`);
  const component = components.find(({ name }) => name === "certificates");
  const ids = isDue ? await dueIn(session) : namedIn(session);
  if (component === undefined || ids.length === 0) return nothingDue(session);
  const words = isDue ? option.due : ids.map((id) => id.slice("certificates/".length)).join(" ");
  return underLock(session, { command: `certs renew ${words}` }, async (lost) => {
    // The run that held the lock may have renewed them.
    const still = isDue ? await dueIn(session) : ids;
    return still.length === 0 ? nothingDue(session) : renewThese(session, still, words, lost);
  });
}

async function nothingDue(session: Session): Promise<ExitCode> {
  const { call, display } = session;
  display.pause();
  const nothing: RunResult = { command: "sync", components: [], durationMs: 0 };
  if (call.options.output !== "text") await deliverResult(session, nothing, exitCodes.converged);
  else if (call.terminal.stdout.tty && !call.options.quiet) display.say("no renewal is due");
  return exitCodes.converged;
}

async function renewThese(
  session: Session,
  ids: readonly ResourceId[],
  words: string,
  lost: AbortSignal,
): Promise<ExitCode> {
  const { call, components, run } = session;
  const [{ sync }, { exitCodeOf }, { renewing }, { recordRun }] = await Promise.all([
    import("../engine/run.ts"),
    import("../engine/outcome.ts"),
    import("../components/certificates/renewal.ts"),
    import("./sync.ts"),
  ]);
  const startedMs = run.world.clock.now();
  let plan: Plan | undefined;
  const onStart = (planned: Plan): void => {
    plan = planned;
    completeStepFirst(session);
  };
  const asked = components.map((one) => (one.name === "certificates" ? renewing(one, ids) : one));
  const choices = { ...only, resources: ids, allow: call.options.allow, onStart };
  const result = await sync(asked, run, choices);
  // The journal is another run's now.
  if (lost.aborted) throw lost.reason;
  const { interruption } = call;
  const exitCode = interruption.reason === "signal" ? exitCodes.interrupted : exitCodeOf(result);
  const command = `certs renew ${words}`;
  await recordRun(session, command, startedMs, result, exitCode, plan);
  const { observeRun } = await import("./observed.ts");
  const isWatched = words !== option.due;
  await observeRun(session, { command, startedMs, exitCode, result, ...defined({ plan }), isWatched });
  await deliverResult(session, result, exitCode, defined({ cut: cutBy(interruption) }));
  return exitCode;
}

async function dueIn({ components, run }: Session): Promise<readonly ResourceId[]> {
  const [{ duePairs }, { Turn }] = await Promise.all([
    import("../components/certificates/renewal.ts"),
    import("../engine/turn.ts"),
  ]);
  const component = components.find(({ name }) => name === "certificates");
  return component === undefined ? [] : duePairs(new Turn(run, component).io);
}

/** By common name, or as the resource is called: "certificates/gateway.example.net". @throws UsageError */
function namedIn({ call, site }: Session): readonly ResourceId[] {
  const known = site.certificates.map(({ commonName }) => commonName);
  return [...new Set(call.args)].map((word): ResourceId => {
    const name = word.replace(/^certificates\//, "").toLowerCase();
    const found = site.certificates.find(({ commonName }) => commonName.toLowerCase() === name);
    if (found !== undefined) return `certificates/${found.commonName}`;
    const holder = site.certificates.find(({ names }) => names.includes(name));
    const hint =
      holder === undefined
        ? (didYouMean(name, known) ?? `the certificates are ${shortList(known, 8)}`)
        : `${name} is a name in ${holder.commonName}`;
    throw new UsageError(`unknown certificate "${word}"`, { hint });
  });
}
