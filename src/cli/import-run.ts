/** The steps of `phoenix import`: read the host, draft the site, write it, and plan it against the same host. */
import { defined } from "../defined.ts";
import { exitCodeOfPlan } from "../engine/outcome.ts";
import type { Plan } from "../engine/plan.ts";
import type { ExitCode } from "../errors.ts";
import { quoted } from "../formats/shell/quote.ts";
import { declared } from "../import/declared.ts";
import { type Left, sourceText } from "../import/found.ts";
import { originOfUnit } from "../import/origin.ts";
import { draftOf } from "../import/parts/index.ts";
import { type Found, readHost } from "../import/read/index.ts";
import { hasSite, writeNewSite } from "../import/save.ts";
import { filesOf } from "../import/write.ts";
import { type ImportFacts, importDocument, importLines } from "../render/text-import.ts";
import { Secret } from "../secret.ts";
import type { Call } from "./command.ts";
import { openDisplay } from "./display.ts";
import { portainerCredentials } from "./import-credentials.ts";
import { exitCodeOfMerge, mergeInto, refuseBroken, unedited } from "./import-merge.ts";
import { repeated } from "./options.ts";
import { deliver } from "./output.ts";
import { choicesOf, targetsOf } from "./targets.ts";
import { openWorld } from "./world.ts";

/** @throws SiteError when the directory holds something that is not a site, or the new site does not pass check */
export async function importInto(call: Call, directory: string): Promise<ExitCode> {
  const started = performance.now();
  const isAgain = await hasSite(directory);
  if (isAgain) await refuseBroken(call, directory);
  const { found, left, world } = await readAll(call);
  const { draft } = await draftOf(found, left);
  const files = filesOf(draft);
  call.terminal.conceal(draft.secrets.map(({ text }) => new Secret(text.replace(/\n$/, ""))));
  const merge = isAgain ? await mergeInto(directory, files, call.own.merge === true) : undefined;
  if (merge === undefined) await writeNewSite(directory, files);
  const { plan, exitCode } =
    merge?.isWritten === false
      ? { plan: undefined, exitCode: exitCodeOfMerge(merge) }
      : await planOf({
          ...call,
          options: {
            ...call.options,
            site: directory,
            repeat: `${repeated("site", directory)}${call.options.repeat}`,
          },
        });
  const facts: Omit<ImportFacts, "originOf"> = {
    site: directory,
    directory: quoted(directory),
    world,
    declared: declared(draft),
    files: files.map(({ path }) => path),
    opened: draft.opened.map(({ what }) => what),
    left: draft.left.map(({ source, what, reason }) => ({ place: sourceText(source), what, reason })),
    repeat: call.options.repeat,
    ...defined({ plan, merge }),
    durationMs: Math.round(performance.now() - started),
  };
  const origin: ImportFacts["originOf"] = (change, unit) => {
    const source = originOfUnit(merge === undefined ? files : unedited(files, merge), change, unit);
    return source && sourceText(source);
  };
  await deliver(
    call,
    facts,
    (shown) => importDocument({ ...shown, originOf: origin }, exitCode),
    (shown, view) => importLines({ ...shown, originOf: origin }, view),
  );
  return exitCode;
}

async function readAll(call: Call): Promise<{ found: Found; left: readonly Left[]; world: string }> {
  const { options, terminal, interruption } = call;
  const portainer = await portainerCredentials(call);
  const display = openDisplay(terminal, options, undefined);
  const world = await openWorld(call, { access: "read", display, signal: interruption.now, site: undefined });
  const left: Left[] = [];
  try {
    const io = {
      ...{ host: world.host, network: world.network, clock: world.clock },
      cluster: () => world.cluster(),
      left: (one: Left) => void left.push(one),
      ...defined({ portainer }),
    };
    display.say(`Reading ${world.description} …`);
    const found = await readHost(io, (reader, isDone) => {
      if (isDone) display.say(`  ${reader}`);
    });
    return { found, left, world: world.description };
  } finally {
    display.pause();
    await world.close();
  }
}

/** What a sync of the new site would do, against the host that it was read from. */
async function planOf(call: Call): Promise<{ plan: Plan; exitCode: ExitCode }> {
  const [{ withSession }, { plan }] = await Promise.all([import("./session.ts"), import("../engine/run.ts")]);
  const targets = await targetsOf([], call.options);
  let planned: Plan | undefined;
  const exitCode = await withSession(call, "read", async ({ components, run }) => {
    planned = await plan(components, run, choicesOf(targets, call.options));
    // A node that is off takes nothing from what was imported.
    const parts = planned.components.map((part) => ({ ...part, unreadResources: [] }));
    return exitCodeOfPlan({ ...planned, components: parts });
  });
  if (planned === undefined) throw new Error("a session ended without a plan");
  return { plan: planned, exitCode };
}
