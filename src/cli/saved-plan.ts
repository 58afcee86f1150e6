/** Saved plans: made by `plan -o`; `sync --plan` does exactly that, or refuses and names what moved. */
import type { Plan } from "../engine/plan.ts";
import { type Moved, movedSince, type SavedPart, savedParts } from "../engine/saved-plan.ts";
import { RefusedError, UsageError } from "../errors.ts";
import { type DigestOf, openDigests } from "../fingerprint.ts";
import { quoted } from "../formats/shell/quote.ts";
import { option } from "../option-names.ts";
import type { SavedPlanDocument } from "../render/output-saved-plan.ts";
import { span } from "../render/words.ts";
import { canonicalJson, type ResourceId } from "../resource.ts";
import type { Call } from "./command.ts";
import type { Session } from "./session.ts";
import type { Targets } from "./targets.ts";
import { version } from "./version.ts";

const machineId = "/etc/machine-id";

/** Most lines that one cause takes in a refusal. */
const mostNames = 10;

/** A plan as it is saved. @param text the plan as it is shown, redacted */
export async function savedPlan(
  session: Session,
  targets: Targets,
  plan: Plan,
  text: readonly string[],
): Promise<SavedPlanDocument> {
  const { call, root, run, journal } = session;
  const [digest, last, { ownIdentity }] = await Promise.all([
    openDigests(journal),
    journal.runs.latest(),
    import("../journal/process-identity.ts"),
  ]);
  const { who, host } = ownIdentity();
  const { words, only, skip, resources } = targets;
  const whole: Omit<SavedPlanDocument, "seal"> = {
    format: "phoenix.saved-plan/1",
    phoenix: version,
    created: new Date(run.world.clock.now()).toISOString(),
    by: `${who}@${host}`,
    host: { name: run.world.description, id: await hostId(session, digest) },
    generation: last?.generation ?? 0,
    site: root,
    ...siteDigests(session, digest),
    targets: { words, only, skip, resources, allow: [...call.options.allow].sort() },
    parts: savedParts(plan, digest),
    text,
  };
  return { ...whole, seal: sealOf(whole, digest) };
}

/** Keeps the journal's key, which the digests need, where there is none yet: all that saving a plan writes on the hypervisor. */
export async function keepKey({ call, run, display }: Session): Promise<void> {
  const [{ openWorld }, { openJournalOn }, { keepsSecret }, { keyName }] = await Promise.all([
    import("./world.ts"),
    import("./session.ts"),
    import("../journal/secrets.ts"),
    import("../fingerprint.ts"),
  ]);
  if (await keepsSecret(run.world.host("pve"), keyName)) return;
  const world = await openWorld(call, { access: "change", display, signal: run.signal, site: run.site });
  try {
    await (await openJournalOn(call, world.host("pve"), "change")).secret(keyName);
  } finally {
    await world.close();
  }
}

/** What a saved plan was made for. @throws UsageError where the command line says something else */
export function targetsIn({ targets }: SavedPlanDocument, { args, options }: Call): Targets {
  const isNamed = args.length > 0 || options.only.length > 0 || options.skip.length > 0;
  if (isNamed && [...args].join(" ") !== targets.words)
    throw new UsageError(`the saved plan is for: ${targets.words}`, {
      hint: `leave out what to sync; \`phoenix plan … ${option.out} FILE\` saves a plan for something else`,
    });
  const more = [...options.allow].filter((consent) => !targets.allow.includes(consent));
  if (more.length > 0)
    throw new UsageError(`the saved plan was made without ${option.allow} ${more.join(", ")}`, {
      hint: `consents belong to the plan: \`phoenix plan … ${option.allow} ${more[0]} ${option.out} FILE\``,
    });
  return { ...targets, resources: targets.resources as ResourceId[] };
}

/** The same call with the consents that the plan was made with. */
export function withConsents(call: Call, { targets }: SavedPlanDocument): Call {
  return { ...call, options: { ...call.options, allow: new Set(targets.allow) } };
}

/**
 * Judges whether a saved plan is still the plan: for this hypervisor, of these files, with no run since.
 * @returns what judges the present plan in the same way; it throws a RefusedError too
 * @throws RefusedError naming everything that moved
 */
export async function agreementOf(
  session: Session,
  path: string,
  saved: SavedPlanDocument,
): Promise<(plan: Plan) => void> {
  const { call, run, journal } = session;
  const { openJournalOn } = await import("./session.ts");
  // It must not make a key on a hypervisor that has none: there, nothing was ever planned.
  const reading = await openJournalOn(call, run.world.host("pve"), "read");
  const digest = await openDigests(reading);
  refuseForeign(path, saved, { name: run.world.description, id: await hostId(session, digest) }, digest);
  const now = run.world.clock.now();
  const age = span(now - Date.parse(saved.created));
  const refused = (moved: readonly string[]): RefusedError =>
    new RefusedError(
      [
        `refused: the plan that was saved ${age} ago is out of date`,
        ...shortened(moved).map((line) => `  ${line}`),
        "Nothing was changed.",
      ].join("\n"),
      { hint: `\`${planAgain(path, saved, call)}\` saves the present plan` },
    );
  const moved = [...movedFiles(saved, session, digest), ...(await runsSince(saved, journal, now))];
  if (moved.length > 0) throw refused(moved);
  return (plan) => {
    const found = movedSince(saved.parts as readonly SavedPart[], plan, digest).map(words);
    if (found.length === 0) return;
    const isOther = saved.phoenix !== version;
    throw refused(isOther ? [...found, `phoenix ${saved.phoenix} made the plan, this is ${version}`] : found);
  };
}

function planAgain(path: string, { targets }: SavedPlanDocument, { options }: Call): string {
  const what = targets.words === "all" ? "" : ` ${targets.words}`;
  const skip = targets.skip.length === 0 ? "" : ` ${option.skip} ${targets.skip.join(",")}`;
  const allow = targets.allow.map((consent) => ` ${option.allow} ${consent}`).join("");
  return `phoenix plan${what}${skip}${allow} ${option.out} ${quoted(path)}${options.repeat}`;
}

function shortened(lines: readonly string[]): readonly string[] {
  if (lines.length <= mostNames) return lines;
  return [...lines.slice(0, mostNames), `${lines.length - mostNames} more`];
}

function words({ id, how }: Moved): string {
  return `${id} ${how}`;
}

/** @throws RefusedError for a plan of another hypervisor, and for one that was edited */
function refuseForeign(
  path: string,
  saved: SavedPlanDocument,
  present: SavedPlanDocument["host"],
  digest: DigestOf,
): void {
  const { host, seal, ...rest } = saved;
  if (host.id !== present.id)
    throw new RefusedError(
      host.name === present.name
        ? `refused: ${path} was made for another ${present.name}, or before its journal was lost`
        : `refused: ${path} was made for ${host.name}; this is ${present.name}`,
      { hint: "save a plan of this host" },
    );
  if (seal !== sealOf({ ...rest, host }, digest))
    throw new RefusedError(`refused: ${path} was edited after phoenix saved it`, {
      hint: `a saved plan cannot be edited: \`phoenix plan ${option.out} FILE\` saves another one`,
    });
}

function sealOf(whole: Omit<SavedPlanDocument, "seal">, digest: DigestOf): string {
  return digest(["saved plan", canonicalJson(whole)]);
}

/** A copy of a host has the same key, and another machine id; a copy of a lab lies elsewhere. */
async function hostId({ call, run }: Session, digest: DigestOf): Promise<string> {
  const machine = (await run.world.host("pve").readFiles([machineId])).get(machineId)?.text ?? "";
  return digest(["host", machine.trim(), call.options.lab ?? ""]).slice(0, 16);
}

function siteDigests(
  { files, references }: Pick<Session, "files" | "references">,
  digest: DigestOf,
): Pick<SavedPlanDocument, "files" | "references"> {
  const led = references
    .map(({ at, value }) => ({ place: `${at.file}:${at.line}:${at.column}`, value }))
    .sort((a, b) => (a.place < b.place ? -1 : 1))
    .flatMap(({ place, value }) => [place, value]);
  return {
    files: files.map(({ name, text }) => ({ name, digest: digest([name, text]) })),
    references: digest(["references", ...led]),
  };
}

function movedFiles(saved: SavedPlanDocument, session: Session, digest: DigestOf): readonly string[] {
  const now = siteDigests(session, digest);
  const [before, after] = [saved.files, now.files].map(
    (files) => new Map(files.map((file) => [file.name, file.digest])),
  );
  const names = [...new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])])].sort();
  const moved = names.flatMap((name) => {
    const [was, is] = [before?.get(name), after?.get(name)];
    if (was === is) return [];
    return [`${name} ${was === undefined ? "is new" : is === undefined ? "is gone" : "changed"}`];
  });
  if (moved.length > 0 || saved.references === now.references) return moved;
  return ["a secret that the site's files refer to changed"];
}

/** The runs that came between, with what they changed. Unattended ones count where they changed something. */
async function runsSince(
  { generation }: SavedPlanDocument,
  { runs }: Session["journal"],
  nowMs: number,
): Promise<readonly string[]> {
  const between = (await runs.list()).filter((run) => run.generation > generation);
  return between.flatMap((run) => {
    const ids = run.components.flatMap(({ changes }) =>
      changes.filter(({ inPlace }) => inPlace).map(({ id }) => id),
    );
    if (ids.length === 0 && run.command.startsWith("unattended")) return [];
    const what = ids.length === 0 ? "nothing" : ids.slice(0, 5).join(", ");
    const more = ids.length > 5 ? ` and ${ids.length - 5} more` : "";
    const who = `${run.who}@${run.host}`;
    const ago = span(nowMs - run.startedMs);
    return [`run ${run.generation} (${run.command} by ${who}, ${ago} ago) changed ${what}${more}`];
  });
}
