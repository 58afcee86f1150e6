/** Everything a command works with, opened for it and closed after it: site, machines, APIs, journal, display. */
import type { Clock, Component } from "../component.ts";
import type { RunWorld } from "../engine/run.ts";
import { type ExitCode, SiteError } from "../errors.ts";
import type { Event } from "../event.ts";
import type { Decorator, World } from "../hosts/world.ts";
import type { Journal } from "../journal/journal.ts";
import type { Site } from "../model.ts";
import { problemsLines } from "../render/problems.ts";
import { count } from "../render/words.ts";
import type { Call } from "./command.ts";
import { type Display, openDisplay } from "./display.ts";
import { loadLab } from "./lab-package.ts";
import { viewOf } from "./output.ts";
import { loadProven, type ProvenSite } from "./site.ts";
import { writeLines } from "./terminal.ts";

export interface Session {
  readonly call: Call;
  readonly root: string;
  readonly site: Site;
  readonly sources: ProvenSite["sources"];
  readonly components: readonly Component[];
  readonly run: RunWorld;
  readonly journal: Journal;
  readonly display: Display;
  /** Ends every command and request under way, with this as the reason. */
  abort(reason: unknown): void;
}

/**
 * Opens a session, hands it to `use`, and closes it whatever happens. With access "read" nothing can be changed: every
 * host and API refuses.
 * @throws SiteError when the site has errors; they are shown before
 */
export async function withSession(
  call: Call,
  access: "read" | "change",
  use: (session: Session) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { options, interruption, terminal } = call;
  const proven = await loadProven(call);
  const site = refuseBroken(call, proven);
  const display = openDisplay(terminal, options, site);
  const lost = new AbortController();
  const signal = AbortSignal.any([interruption.now, lost.signal]);
  const timer =
    options.timeoutMs === undefined
      ? undefined
      : setTimeout(() => interruption.interrupt("timeout"), options.timeoutMs);
  const world = await openWorld(call, signal, await decoratorsOf(call, access, display));
  try {
    const [components, { openApis }, { findRoot }, { openJournal }] = await Promise.all([
      import("../components/index.ts").then(({ loadComponents }) => loadComponents()),
      import("../apis/open-apis.ts"),
      import("../hosts/ca-files.ts"),
      import("../journal/journal.ts"),
    ]);
    const journal = openJournal(world.host("pve"), {
      readOnly: access === "read",
      redact: (text) => terminal.redact(text),
    });
    const operator = await operatorAddress(call, world);
    const run: RunWorld = {
      site,
      world,
      apis: openApis(site, world.network, world.clock, {
        root: rootOnce(async () => (await findRoot(site, (name) => world.host(name))).pem),
      }),
      journal,
      emit: (event) => display.emit(onWallClock(event, world.clock)),
      signal,
      stop: interruption.stop,
      ...(operator === undefined ? {} : { operator }),
    };
    const { root, sources } = proven;
    const abort = (reason: unknown): void => lost.abort(reason);
    return await use({ call, root, site, sources, components, run, journal, display, abort });
  } finally {
    clearTimeout(timer);
    display.pause();
    await world.close();
  }
}

/** The root is looked for until it is found, and then known for the rest of the run. */
function rootOnce(find: () => Promise<string>): () => Promise<string> {
  let found: string | undefined;
  return async () => {
    found ??= await find();
    return found;
  };
}

/** A lab's clock can be ahead of the one on the wall, which is the one that people wait by. */
function onWallClock(event: Event, clock: Clock): Event {
  return event.type === "waiting" ? { ...event, untilMs: event.untilMs - clock.now() + Date.now() } : event;
}

function refuseBroken({ terminal, options }: Call, { site, problems, sources }: ProvenSite): Site {
  const errors = problems.filter(({ severity }) => severity === "error");
  const view = viewOf(terminal.stderr, terminal, options, site);
  if (site !== undefined && errors.length === 0) {
    if (problems.length > 0 && !options.quiet && options.output === "text")
      writeLines(terminal.stderr, [
        `${count(problems.length, "warning")} in the site: \`phoenix check${options.repeat}\` tells more`,
      ]);
    return site;
  }
  if (options.output === "text") writeLines(terminal.stderr, [...problemsLines(errors, sources, view), ""]);
  throw new SiteError(
    `the site has ${errors.length === 1 ? "an error" : `${errors.length} errors`}; nothing was changed`,
    {
      hint: `correct what is shown; \`phoenix check${options.repeat}\` proves it without touching anything`,
    },
  );
}

async function openWorld(
  { options }: Call,
  signal: AbortSignal,
  decorators: readonly Decorator[],
): Promise<World> {
  const parallel = options.parallel === undefined ? {} : { parallel: options.parallel };
  if (options.lab !== undefined) {
    const { openLab } = await loadLab();
    return openLab(options.lab, { signal, decorators, ...parallel });
  }
  const { openRealWorld } = await import("../hosts/open.ts");
  const hypervisor = options.host === undefined ? {} : { hypervisor: options.host };
  return openRealWorld({ ...hypervisor, signal, decorators, ...parallel });
}

async function decoratorsOf(
  { options }: Call,
  access: "read" | "change",
  display: Display,
): Promise<readonly Decorator[]> {
  const { readOnly, traced } = await import("../hosts/decorators.ts");
  return [
    ...(options.verbose
      ? [
          traced(({ host, what, result, durationMs }) =>
            display.say(`${host}: ${what}: ${result} (${durationMs} ms)`),
          ),
        ]
      : []),
    ...(access === "read" ? [readOnly] : []),
  ];
}

/** The address that the operator's session comes from, as the hypervisor sees it; undefined on its own console. */
async function operatorAddress({ options, terminal }: Call, world: World): Promise<string | undefined> {
  if (options.lab !== undefined) return undefined;
  if (options.host === undefined)
    return (terminal.env.SSH_CONNECTION ?? terminal.env.SSH_CLIENT)?.split(" ")[0];
  const { stdout } = await world.host("pve").run({ argv: ["printenv", "SSH_CONNECTION"], effect: "read" });
  return stdout.trim().split(" ")[0] || undefined;
}
