/** `phoenix status`: the last run, each component's state, the guests. */
import { defined } from "../defined.ts";
import { type ExitCode, PhoenixError } from "../errors.ts";
import type { RecordedComponent } from "../journal/run-record.ts";
import type { Site } from "../model.ts";
import type { StatusFacts } from "../render/status.ts";
import type { Call, CommandDefinition } from "./command.ts";
import type { Session } from "./session.ts";
import { refuseOff, targetsOf } from "./targets.ts";

export const statusCommand: CommandDefinition = {
  name: "status",
  summary: "show the last run, each component's state and the guests",
  uses: ["only", "skip", "output", "timeout"],
  examples: [
    ["phoenix status", "everything at a glance"],
    ["phoenix status --output json", "the same for a dashboard"],
  ],
  exits: [
    ["converged", "everything is in sync"],
    ["error", "the site has errors, or a host or API could not be read"],
    ["pending", "changes are pending"],
    "usage",
    "interrupted",
  ],
  run: runStatus,
};

async function runStatus(call: Call): Promise<ExitCode> {
  const { options } = call;
  const targets = await targetsOf([], options);
  const { withSession } = await import("./session.ts");
  return withSession(
    call,
    "read",
    async (session) => {
      const { components, off, run, site, root, display, journal, warnings } = session;
      refuseOff(targets, off);
      const [{ plan }, { exitCodeOfPlan }, { statusDocument, statusLines }, { guestStates }, { deliver }] =
        await Promise.all([
          import("../engine/run.ts"),
          import("../engine/outcome.ts"),
          import("../render/status.ts"),
          import("./guest-state.ts"),
          import("./output.ts"),
        ]);
      const started = performance.now();
      const choices = { only: targets.only, skip: targets.skip, allow: options.allow };
      run.emit({ type: "run-started", command: "plan", components: [] });
      const [planned, guests, lastRun, soonest, undo, lock] = await Promise.all([
        plan(components, run, choices),
        guestStates(site, run.world),
        journal.runs.latest(),
        soonestCertificate(session),
        isUndoArmed(session),
        readHolderOf(run),
      ]);
      display.pause();
      const exitCode = exitCodeOfPlan(planned);
      const facts = {
        site: root,
        world: run.world.description,
        ...defined({
          lastRun: lastRun && { ...lastRun, failures: lastRun.components.flatMap(failureOf) },
          cluster: clusterFacts(site),
          lock,
          soonest,
          undo: undo ? (true as const) : undefined,
        }),
        warnings: warnings.length,
        plan: planned,
        off,
        guests,
        durationMs: Math.round(performance.now() - started),
        exitCode,
      };
      await deliver(
        call,
        facts,
        statusDocument,
        (shown, view) => statusLines(shown, run.world.clock.now(), view),
        site,
      );
      return exitCode;
    },
    targets,
  );
}

function failureOf({ component, outcome, reason }: RecordedComponent) {
  if (outcome !== "failed" && outcome !== "rolled-back") return [];
  return [{ component, outcome, ...defined({ reason }) }];
}

/** The run that works now; in a cluster also one that has entered by a node which takes itself for "pve". */
async function readHolderOf({ site, world }: Session["run"]): Promise<StatusFacts["lock"]> {
  const [{ readLiveRun }, { readClusterHolder }] = await Promise.all([
    import("../journal/live.ts"),
    import("../journal/cluster-lock.ts"),
  ]);
  const pve = world.host("pve");
  const live = await readLiveRun(pve, world.clock);
  return live ?? (site.cluster === undefined ? undefined : readClusterHolder(pve));
}

function clusterFacts(site: Site): StatusFacts["cluster"] {
  const { cluster } = site;
  if (cluster === undefined) return undefined;
  const { name, quorate } = cluster;
  const own = { host: "pve", name: cluster.own, address: site.hypervisor.address, online: true };
  return { name, quorate, nodes: [own, ...cluster.nodes] };
}

/** The certificate that ends first; undefined where there is none, or none could be read. */
async function soonestCertificate({ components, run }: Session): Promise<StatusFacts["soonest"]> {
  const component = components.find(({ name }) => name === "certificates");
  if (component === undefined) return undefined;
  const [{ pairEnds }, { Turn }] = await Promise.all([
    import("../components/certificates/facts.ts"),
    import("../engine/turn.ts"),
  ]);
  try {
    const ends = await pairEnds(new Turn(run, component).io);
    return [...ends].sort((a, b) => a.notAfterMs - b.notAfterMs)[0];
  } catch (error) {
    if (!(error instanceof PhoenixError)) throw error;
    return undefined;
  }
}

async function isUndoArmed({ components, run }: Session): Promise<boolean> {
  if (!components.some(({ name }) => name === "firewall")) return false;
  const [{ undoPaths }, { nodesOf }] = await Promise.all([
    import("../components/firewall/undo.ts"),
    import("../fabric/nodes.ts"),
  ]);
  const nodes = nodesOf(run.site).filter(({ online }) => online);
  const armed = nodes.map(async ({ host }) => {
    try {
      return (await run.world.host(host).readFiles([undoPaths.wantedAtBoot])).size > 0;
    } catch (error) {
      if (host === "pve" || !(error instanceof PhoenixError)) throw error;
      return false;
    }
  });
  return (await Promise.all(armed)).some(Boolean);
}
