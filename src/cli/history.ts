/** `phoenix history`: the runs that changed something or could have, and what one of them found, did and proved. */
import { defined } from "../defined.ts";
import { type ExitCode, exitCodes, UsageError } from "../errors.ts";
import { option } from "../option-names.ts";
import type { Call, CommandDefinition } from "./command.ts";
import { number } from "./options.ts";
import type { Session } from "./session.ts";

export const historyCommand: CommandDefinition = {
  name: "history",
  arguments: "[show] [generation]",
  summary: "list past runs, or show what one found, did and proved",
  description: [
    "Each sync and each rollback is a generation. It keeps what was in place before and after, what was proved, and the",
    "site's files without their secrets. The history lies on the hypervisor; nothing is changed there.",
  ],
  options: [
    { flags: `${option.limit} <n>`, description: "list this many runs, newest first (default: 20)" },
    {
      flags: `${option.files} <dir>`,
      description: "with show: write the kept files of the site into this directory, without secrets",
      completes: "directories",
    },
  ],
  uses: ["output", "jsonInto", "full"],
  examples: [
    ["phoenix history", "the last runs"],
    ["phoenix history show 12", "what run 12 changed, and what failed"],
    ["phoenix history show 12 --full", "everything that it created as well"],
  ],
  exits: [["converged", "printed"], "error", "usage", "interrupted"],
  completes: (position) => (position === 0 ? ["show"] : []),
  isPaged: true,
  run: runHistory,
};

const defaultLimit = 20;

async function runHistory(call: Call): Promise<ExitCode> {
  const { args, own } = call;
  const [verb, word, ...rest] = args;
  if ((verb !== undefined && verb !== "show") || rest.length > 0)
    throw new UsageError(`unknown word ${JSON.stringify(verb)}`, {
      hint: "`phoenix history` lists the runs, `phoenix history show 12` shows one",
    });
  const limit =
    number(typeof own.limit === "string" ? own.limit : undefined, option.limit, 1) ?? defaultLimit;
  if (verb === undefined && own.files !== undefined)
    throw new UsageError(`${option.files} needs a generation`, {
      hint: `\`phoenix history show 12 ${option.files} DIR\``,
    });
  const { generationIn } = await import("./generations.ts");
  const generation = verb === undefined ? undefined : generationIn(word);
  const { withSession } = await import("./session.ts");
  return withSession(call, "read", (session) =>
    generation === undefined ? list(session, limit) : show(session, generation),
  );
}

async function list({ call, journal, site, run, display }: Session, limit: number): Promise<ExitCode> {
  const [{ historyDocument, historyLines }, { deliver }] = await Promise.all([
    import("../render/text-history.ts"),
    import("./output.ts"),
  ]);
  const [runs, damaged] = await Promise.all([journal.runs.list(limit), journal.runs.damaged()]);
  display.pause();
  await deliver(
    call,
    { runs, damaged },
    historyDocument,
    (shown, view) => historyLines(shown, run.world.clock.now(), view),
    site,
  );
  return exitCodes.converged;
}

async function show(session: Session, generation: number): Promise<ExitCode> {
  const { call, journal, site, run, display } = session;
  const [{ generationDocument, generationLines }, { deliver }, { changeOf }, { isObjectName }, { recordIn }] =
    await Promise.all([
      import("../render/text-history.ts"),
      import("./output.ts"),
      import("../history/difference.ts"),
      import("../journal/objects.ts"),
      import("./generations.ts"),
    ]);
  const record = await recordIn(journal.runs, generation);
  const recorded = record.components.flatMap(({ changes }) => changes);
  const names = recorded.flatMap(({ before, after }) => [before, after]).filter(isObjectName);
  const contents = await journal.runs.contents(names);
  // Records of format 1 have the texts themselves.
  const contentOf = (text: string) => (isObjectName(text) ? contents.get(text) : { text, units: {} });
  const kept = record.site === undefined ? undefined : await journal.runs.site(record.site);
  const facts = {
    run: record,
    siteDigest: record.siteDigest,
    complete: record.state !== undefined,
    components: record.components.map(({ component, outcome, reason, hint, changes, checks }) => ({
      ...{ component, outcome, ...defined({ reason, hint, checks }) },
      changes: changes.filter(({ inPlace }) => inPlace).map((change) => changeOf(change, contentOf)),
      notInPlace: changes.filter(({ inPlace }) => !inPlace).map((change) => changeOf(change, contentOf)),
    })),
    files: kept?.files.map(({ name }) => name) ?? [],
  };
  display.pause();
  const { files } = call.own;
  if (typeof files === "string") {
    const { writeKeptFiles } = await import("./kept-files.ts");
    await writeKeptFiles(call, files, generation, kept?.files ?? []);
  }
  await deliver(
    call,
    facts,
    generationDocument,
    (shown, view) => generationLines(shown, run.world.clock.now(), view),
    site,
  );
  return exitCodes.converged;
}
