/** `--accept COMPONENT/RESOURCE`: writes what a host has into the site's files, and proves that the plan is empty then. */
import { accepted, type FileChange, isSameMeaning, unsaid } from "../accept/index.ts";
import { notAcceptable } from "../accept/refusal.ts";
import { defined } from "../defined.ts";
import type { Plan } from "../engine/plan.ts";
import { plan } from "../engine/run.ts";
import { type ExitCode, exitCodes, RefusedError, SiteError, UsageError } from "../errors.ts";
import { rules } from "../fabric/rules.ts";
import type { Site } from "../model.ts";
import { option } from "../option-names.ts";
import { type AcceptFacts, acceptDocument, acceptLines } from "../render/text-accept.ts";
import { type Change, type ResourceId, subjectOf } from "../resource.ts";
import { secretsIn } from "../secret-spans.ts";
import { type LoadedSite, loadSite } from "../site/load.ts";
import { putBack, writeAccepted } from "./accept-files.ts";
import type { Call } from "./command.ts";
import { isConfirmed } from "./locked.ts";
import { deliver, viewOf } from "./output.ts";
import { type Session, withSession } from "./session.ts";
import { refuseUnknownResources } from "./targets.ts";
import { writeLines } from "./terminal.ts";

/** What accepting some drift means. */
interface Acceptance {
  readonly ids: readonly ResourceId[];
  readonly files: readonly FileChange[];
  /** Accepted resources whose text still has another form; a sync gives them theirs. */
  readonly reformed: readonly ResourceId[];
  /** Other resources that the changed site makes differ. */
  readonly follow: readonly ResourceId[];
  readonly live: readonly Change[];
  /** What a sync of those in another form changes, where that is nothing but what was accepted and what follows from it. */
  readonly toSync: readonly ResourceId[];
}

/** Shows what accepting drift would write; with `writes`, asks and writes it. @returns the resources that are left to be synced too */
export async function acceptDrift(
  call: Call,
  names: readonly string[],
  writes: boolean,
): Promise<{ exitCode: ExitCode; reformed: readonly ResourceId[]; toSync: readonly ResourceId[] }> {
  const { options, terminal, args } = call;
  const wrong = names.find((name) => !/^[^/]+\/./.test(name));
  if (wrong !== undefined)
    throw new UsageError(`${option.accept} needs a resource, not "${wrong}"`, {
      hint: "COMPONENT/RESOURCE, as `phoenix plan` shows them: dns/records, firewall/group-vm-1002, stacks/wiki",
    });
  if (args.length > 0 || options.only.length > 0 || options.skip.length > 0)
    throw new UsageError(`${option.accept} names what it works on itself`, {
      hint: "leave out the components; sync them afterwards",
    });
  if (writes && !options.yes && !terminal.stdin.tty)
    throw new UsageError(`${option.accept} asks before it writes, and needs a terminal`, {
      hint: `${option.yes} writes without a question; \`phoenix plan ${option.accept} …\` shows what`,
    });
  let done: Pick<Acceptance, "reformed" | "toSync"> = { reformed: [], toSync: [] };
  const ids = [...new Set(names)] as ResourceId[];
  const exitCode = await withSession(call, "read", async (session) => {
    const acceptance = await acceptanceOf(session, ids);
    const isWritten = writes && acceptance.files.length > 0 && (await write(session, acceptance));
    if (isWritten) done = acceptance;
    return show(session, acceptance, isWritten);
  });
  return { exitCode, reformed: done.reformed, toSync: done.toSync };
}

async function acceptanceOf(session: Session, ids: readonly ResourceId[]): Promise<Acceptance> {
  const { components, run, site, files, root, display } = session;
  refuseUnknownResources(ids, components, site);
  const choices = { allow: new Set<string>() };
  const names = components.map(({ name }) => name);
  run.emit({ type: "run-started", command: "plan", components: names });
  const before = await plan(components, run, choices);
  const changes = ids.flatMap((id) => changeOf(before, id) ?? []);
  const changed = accepted(changes, site, files);
  const candidate = await loadSite(root, { runsCommands: true, kept: withChanges(files, changed) });
  session.call.terminal.conceal(candidate.secrets);
  refuseSecrets(session, changed);
  const after = await plan(components, { ...run, site: provenSite(candidate, site) }, choices);
  display.pause();
  const left = ids.flatMap((id) => {
    const change = changeOf(after, id);
    return change === undefined ? [] : [change];
  });
  for (const change of left)
    if (change.verb !== "update" || !isSameMeaning(change.desired, change.live))
      throw notAcceptable(subjectOf(change).id, `the site cannot say: ${unsaid(change)}`);
  const known = new Set(before.components.flatMap((part) => part.changes.map((one) => subjectOf(one).id)));
  const now = after.components.flatMap((part) => part.changes.map((one) => subjectOf(one).id));
  const reformed = left.map((one) => subjectOf(one).id);
  const follow = now.filter((id) => !known.has(id));
  return {
    ids: changes.map((one) => subjectOf(one).id),
    files: changed,
    reformed,
    follow,
    live: changes,
    toSync: toSync(session, reformed, follow, now),
  };
}

/** None where a component that must be synced as a whole has other drift. */
function toSync(
  { components }: Session,
  reformed: readonly ResourceId[],
  follow: readonly ResourceId[],
  now: readonly ResourceId[],
): readonly ResourceId[] {
  const whole = components.filter(
    ({ name, independent }) => independent !== true && reformed.some((id) => id.startsWith(`${name}/`)),
  );
  const touched = now.filter((id) => whole.some(({ name }) => id.startsWith(`${name}/`)));
  const agreed = [...reformed, ...follow];
  return touched.every((id) => agreed.includes(id)) ? [...new Set([...reformed, ...touched])] : [];
}

/** @throws SiteError when the resource could not be read */
function changeOf({ components }: Plan, id: ResourceId): Change | undefined {
  const part = components.find(({ component }) => id.startsWith(`${component}/`));
  const unread = part?.unread ?? part?.unreadResources.find(({ ids }) => ids.includes(id));
  if (unread !== undefined)
    throw new SiteError(`cannot accept ${id}: ${unread.reason}`, { hint: unread.hint });
  return part?.changes.find((change) => subjectOf(change).id === id);
}

function withChanges(files: Session["files"], changes: readonly FileChange[]): ReadonlyMap<string, string> {
  const changed = new Map(changes.map(({ name, after }) => [name, after]));
  return new Map(files.map(({ name, text }) => [name, changed.get(name) ?? text]));
}

/** @throws RefusedError where what the host has is no valid site @param cluster as it is at the moment */
function provenSite({ site, problems }: LoadedSite, { cluster }: Pick<Site, "cluster">): Site {
  const found = site === undefined ? problems : rules.flatMap((rule) => rule(site));
  const [error] = found.filter(({ severity }) => severity === "error");
  if (site !== undefined && error === undefined) return { ...site, ...defined({ cluster }) };
  const place = error === undefined ? "" : ` (${error.at.file}:${error.at.line}: ${error.code})`;
  throw new RefusedError(
    `cannot accept it: the site would have an error: ${error?.message ?? "unknown"}${place}`,
    {
      ...(error?.hint === undefined ? {} : { hint: error.hint }),
    },
  );
}

/** @throws RefusedError where a value would be written that is a secret; it names the key */
function refuseSecrets({ call: { terminal } }: Session, changes: readonly FileChange[]): void {
  for (const { name, before, after } of changes) {
    const known = new Set(before.split("\n"));
    const secrets = new Set(secretsIn(before));
    const fresh = new Set(secretsIn(after).filter((secret) => !secrets.has(secret)));
    const line = after
      .split("\n")
      .find(
        (each) =>
          !known.has(each) &&
          (terminal.redact(each) !== each || [...fresh].some((one) => each.includes(one))),
      );
    if (line === undefined) continue;
    const key = /([\w.-]+)"?\s*[:=]/.exec(line)?.[1] ?? "a line";
    throw new RefusedError(
      `cannot accept it: ${key} in ${name} is a secret, which is never written in clear`,
      {
        hint: "write a reference there by hand: env:NAME, file:PATH, age:PATH#KEY",
      },
    );
  }
}

/** @returns false when the answer was no */
async function write(session: Session, acceptance: Acceptance): Promise<boolean> {
  const { call, root, site } = session;
  const { terminal, options } = call;
  if (!options.yes) {
    const view = viewOf(terminal.stderr, terminal, options, site);
    writeLines(
      terminal.stderr,
      acceptLines(terminal.redact(factsOf(session, acceptance, false)), view).slice(0, -1),
    );
    if (!(await isConfirmed(session, "Write it?"))) return false;
  }
  await writeAccepted(root, acceptance.files);
  try {
    // As the next command reads it.
    const written = provenSite(await loadSite(root), site);
    const desired = session.components.flatMap((component) => component.compile(written));
    for (const change of acceptance.live) {
      const now = desired.find(({ id }) => id === subjectOf(change).id);
      if (change.verb !== "update" || now === undefined || !isSameMeaning(now, change.live))
        throw new SiteError(`the site does not say what ${subjectOf(change).id} is: its files are as before`);
    }
  } catch (error) {
    await putBack(root, acceptance.files);
    throw error;
  }
  return true;
}

function factsOf(
  { root, call }: Session,
  { ids, files, reformed, follow, toSync }: Acceptance,
  isWritten: boolean,
): AcceptFacts {
  const words = ids.map((id) => ` ${option.accept} ${id}`).join("");
  return {
    site: root,
    ids,
    files,
    reformed,
    isReformed: reformed.length === 0 || toSync.length > 0,
    follow: follow.filter((id) => !toSync.includes(id)),
    isWritten,
    apply: `phoenix sync${words}${call.options.repeat}`,
  };
}

async function show(session: Session, acceptance: Acceptance, isWritten: boolean): Promise<ExitCode> {
  const { call, site } = session;
  const exitCode = isWritten || acceptance.files.length === 0 ? exitCodes.converged : exitCodes.pending;
  await deliver(
    call,
    factsOf(session, acceptance, isWritten),
    (shown) => acceptDocument(shown, exitCode),
    (shown, view) => acceptLines(shown, view),
    site,
  );
  return exitCode;
}
