/** Sends a test to the targets of the site's notices. */
import { type ExitCode, exitCodes, UsageError } from "../errors.ts";
import type { Notice } from "../notice.ts";
import type { NoticesDocument } from "../render/output-notices.ts";
import type { Call } from "./command.ts";
import type { Session } from "./session.ts";

export async function runNoticesTest(call: Call): Promise<ExitCode> {
  const { withSession } = await import("./session.ts");
  const opening = { only: [], skip: [], changesNothing: true as const };
  return withSession(call, "change", (session) => sendTests(session), opening);
}

async function sendTests({ call, site, run, display }: Session): Promise<ExitCode> {
  const targets = site.notices ?? [];
  if (targets.length === 0)
    throw new UsageError("the site declares no notices", {
      hint: 'add "notices" to etc/phoenix_hypervisor_config.json; docs/guides/monitoring.md shows how',
    });
  for (const name of call.args)
    if (!targets.some((target) => target.name === name))
      throw new UsageError(`unknown notice "${name}"`, {
        hint: `the site has ${targets.map((target) => target.name).join(", ")}`,
      });
  const [{ deliver }, { openOutlet }, { deliver: show }, { noticesLines }] = await Promise.all([
    import("../notices/deliver.ts"),
    import("./outlet.ts"),
    import("./output.ts"),
    import("../render/notices.ts"),
  ]);
  const wanted = targets.filter(({ name }) => call.args.length === 0 || call.args.includes(name));
  const notice = testNotice(site.domain, run.world.clock.now());
  const outlet = openOutlet(site, run.world, call.options.lab !== undefined);
  const deliveries = await deliver(
    wanted.map((target) => ({ target, notice })),
    outlet,
  );
  display.pause();
  const exitCode = deliveries.some(({ failure }) => failure !== undefined)
    ? exitCodes.error
    : exitCodes.converged;
  const facts = deliveries.map(({ target: { name, type }, failure, status, durationMs }) => ({
    name,
    type,
    arrived: failure === undefined,
    ...(failure === undefined ? {} : { failure }),
    ...(status === undefined ? {} : { status }),
    durationMs,
  }));
  await show(
    call,
    facts,
    (shown): NoticesDocument => ({ format: "phoenix.notices/1", targets: [...shown], exitCode }),
    (shown, view) => noticesLines(shown, view),
    site,
  );
  return exitCode;
}

function testNotice(domain: string, nowMs: number): Notice {
  const news = { event: "recovered", subject: "this", verb: "is a test" } as const;
  const reason = "phoenix can send its notices here";
  const id = `test-${new Date(nowMs).toISOString()}`;
  return { id, atMs: nowMs, site: domain || "phoenix", command: "notices test", news: [{ ...news, reason }] };
}
