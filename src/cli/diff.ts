/** `phoenix diff`: what differs between what two generations have left, or between one and the live systems. */
import type { ComponentName } from "../component.ts";
import { type ExitCode, exitCodes } from "../errors.ts";
import type { ComponentDifference } from "../history/difference.ts";
import type { KeptState } from "../journal/run-record.ts";
import { option } from "../option-names.ts";
import type { Call, CommandDefinition } from "./command.ts";
import { type FullRecord, fullRecordIn, generationIn } from "./generations.ts";
import type { Session } from "./session.ts";

export const diffCommand: CommandDefinition = {
  name: "diff",
  arguments: "<generation> [generation|now]",
  summary: "show what differs between two generations, or between one and now",
  description: [
    "Compares what each has left in place, as it was read and proved then; with `now`, the default, the live systems are",
    "read. Secrets are compared by fingerprints. Nothing is changed.",
  ],
  uses: ["only", "skip", "full", "output", "jsonInto", "timeout"],
  examples: [
    ["phoenix diff 12", "what changed since generation 12, by whomever"],
    ["phoenix diff 11 12", "what run 12 changed"],
    [`phoenix diff 12 now ${option.only} dns`, "one component"],
  ],
  exits: [
    ["converged", "they are equal"],
    ["error", "the site has errors, or a host or API could not be read"],
    ["pending", "they differ"],
    "usage",
    "interrupted",
  ],
  isPaged: true,
  run: runDiff,
};

async function runDiff(call: Call): Promise<ExitCode> {
  const [first, second = "now"] = call.args;
  const from = generationIn(first);
  const to = second === "now" ? undefined : generationIn(second);
  const { withSession } = await import("./session.ts");
  return withSession(call, "read", (session) => compare(session, from, to));
}

async function compare(session: Session, from: number, to: number | undefined): Promise<ExitCode> {
  const { call, journal, site, display } = session;
  const [{ diffDocument, diffLines }, { deliver }] = await Promise.all([
    import("../render/text-history.ts"),
    import("./output.ts"),
  ]);
  const record = await fullRecordIn(journal.runs, from);
  const components =
    to === undefined
      ? await withLive(session, record)
      : await withOther(session, record, await fullRecordIn(journal.runs, to));
  display.pause();
  const isUnread = components.some(({ unread }) => unread !== undefined);
  const isEqual = components.every(({ changes }) => changes.length === 0);
  const exitCode = isUnread ? exitCodes.error : isEqual ? exitCodes.converged : exitCodes.pending;
  const facts = { from, ...(to === undefined ? {} : { to }), components, exitCode };
  await deliver(call, facts, diffDocument, diffLines, site);
  return exitCode;
}

function selected({ call: { options } }: Session, names: readonly ComponentName[]): readonly ComponentName[] {
  const { only, skip } = options;
  return names.filter((name) => (only.length === 0 || only.includes(name)) && !skip.includes(name));
}

/** Components that only one of them knows something of are not compared. */
async function withOther(
  session: Session,
  first: FullRecord,
  second: FullRecord,
): Promise<readonly ComponentDifference[]> {
  const { runs } = session.journal;
  const { differenceOf } = await import("../history/difference.ts");
  const differences: ComponentDifference[] = [];
  for (const name of selected(session, Object.keys(first.state))) {
    const [was, is] = [first.state[name], second.state[name]];
    if (was === undefined || is === undefined) continue;
    const [before, after] = [await runs.state(was), await runs.state(is)];
    const names = [...before.resources, ...after.resources].map(({ content }) => content);
    differences.push(differenceOf(name, before, after, await runs.contents(names)));
  }
  return differences;
}

async function withLive(session: Session, record: FullRecord): Promise<readonly ComponentDifference[]> {
  const { runs } = session.journal;
  const [{ openTarget }, { differenceOf }, { foundBy }, { plan }] = await Promise.all([
    import("./rollback-target.ts"),
    import("../history/difference.ts"),
    import("../journal/generation.ts"),
    import("../engine/run.ts"),
  ]);
  const { components, states, main, keeper } = await openTarget(session, record);
  const only = selected(
    session,
    components.map(({ name }) => name),
  );
  session.run.emit({ type: "run-started", command: "plan", components: only });
  const run = { ...session.run, site: main.site, apis: main.apis };
  const planned = await plan(
    components.filter(({ name }) => only.includes(name)),
    run,
    { allow: new Set() },
  );
  const differences: ComponentDifference[] = [];
  for (const part of planned.components) {
    const { component, unread, unreadResources } = part;
    const state: KeptState = states.get(component) ?? { resources: [] };
    const found = foundBy(part);
    const reason = unread?.reason ?? unreadResources[0]?.reason ?? part.waitsFor;
    if (found === undefined) {
      differences.push({ component, resources: 0, changes: [], unread: reason ?? "unknown" });
      continue;
    }
    const now = keeper.live(found, state);
    const contents = await runs.contents([...state.resources].map(({ content }) => content));
    const all = new Map([...contents, ...keeper.contents]);
    differences.push({
      ...differenceOf(component, state, now, all),
      ...(reason === undefined ? {} : { unread: reason }),
    });
  }
  return differences;
}
