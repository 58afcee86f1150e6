/** What the page shows, from the site and from what was seen of it. Pure. */
import type { Check } from "../component.ts";
import { defined } from "../defined.ts";
import type { ComponentPlan, Plan, RunResult } from "../engine/plan.ts";
import { isConverged } from "../engine/plan.ts";
import type { Observation } from "../journal/observations.ts";
import type { Runs } from "../journal/runs.ts";
import type { Site } from "../model.ts";
import type { DashboardDocument } from "../render/output-dashboard.ts";
import { endWords, type GuestState, noteOf, stateOf } from "../render/status.ts";
import { planTally } from "../render/text-plan.ts";
import { plainView } from "../render/view.ts";
import { type CertificateFile, shownCertificates } from "./certificates.ts";
import { evidenceOf, type SeenCheck } from "./proofs.ts";
import { iso, shownWays } from "./ways.ts";

/** A look of the dashboard's own: a plan and a verification, side by side with what the journal remembers. */
export interface Look {
  readonly endedMs: number;
  readonly durationMs: number;
  readonly plan: Plan;
  /** As `phoenix plan` prints it. */
  readonly planLines: readonly string[];
  readonly verified: RunResult;
  readonly guests: readonly GuestState[];
}

export interface Facts {
  readonly phoenix: string;
  readonly root: string;
  readonly world: string;
  readonly nowMs: number;
  readonly site: Site;
  readonly off: DashboardDocument["off"];
  /** Absent before the first one has ended. */
  readonly look?: Look;
  readonly certificates: readonly CertificateFile[];
  /** What the last run found; undefined before the first. */
  readonly observation?: Observation;
  /** Newest first. */
  readonly runs: Awaited<ReturnType<Runs["list"]>>;
}

/** The page without a run in progress and without a fault, which come and go between two looks. */
export function dashboardDocument(facts: Facts): DashboardDocument {
  const { look, site, observation } = facts;
  const checks = checksOf(look, observation);
  const evidence = evidenceOf(site, checks, look?.plan.components.flatMap(({ changes }) => changes) ?? []);
  const guests = new Map((look?.guests ?? []).map((guest) => [guest.host, guest] as const));
  const ways = shownWays(site, evidence, guests, look?.endedMs);
  return {
    format: "phoenix.dashboard/1",
    phoenix: facts.phoenix,
    site: facts.root,
    domain: site.domain,
    world: facts.world,
    made: new Date(facts.nowMs).toISOString(),
    ...defined({ looked: iso(look?.endedMs), lookMs: look?.durationMs }),
    machines: machinesOf(site, look),
    ways,
    components: componentsOf(facts, checks),
    off: facts.off,
    failures: evidence.unclaimed().map(({ component, claim, observed, hint }) => ({
      ...{ component, claim, seen: observed ?? "" },
      ...defined({ hint }),
    })),
    ...defined({ plan: look && planOf(look) }),
    certificates: shownCertificates(site, facts.certificates, facts.nowMs),
    runs: facts.runs.map((run) => ({
      generation: run.generation,
      command: run.command,
      who: run.who,
      host: run.host,
      started: new Date(run.startedMs).toISOString(),
      durationMs: run.durationMs,
      exitCode: run.exitCode,
      outcome: endWords[run.exitCode] ?? "failed",
      changes: run.components.flatMap(({ changes }) => changes).filter(({ inPlace }) => inPlace).length,
    })),
  };
}

/** Of the look where it has ended, else of the last run; when each last passed, the journal may know better. */
function checksOf(look: Look | undefined, observation: Observation | undefined): readonly SeenCheck[] {
  if (look === undefined) return observation?.checks ?? [];
  const passed = new Map(observation?.checks.map(({ claim, passedMs }) => [claim, passedMs]));
  const seen = (component: string, check: Check): SeenCheck => ({
    component,
    ...check,
    ...defined({ passedMs: check.status === "pass" ? look.endedMs : passed.get(check.claim) }),
  });
  return look.verified.components.flatMap(({ component, checks }) =>
    checks.map((check) => seen(component, check)),
  );
}

function machinesOf({ guests, hypervisor }: Site, look: Look | undefined): DashboardDocument["machines"] {
  const states = new Map((look?.guests ?? []).map((guest) => [guest.host, guest]));
  const pve = {
    host: "pve",
    name: "the hypervisor",
    address: hypervisor.address,
    roles: [],
    state: "answers",
    note: "",
  } as const;
  return [
    pve,
    ...guests
      .filter(({ template }) => !template)
      .map(({ host, name, address }): DashboardDocument["machines"][number] => {
        const asked = states.get(host);
        const state = asked === undefined || asked.state === "template" ? "unknown" : asked.state;
        return {
          host,
          name,
          ...defined({ address }),
          roles: asked?.roles ?? [],
          state,
          note: asked?.note ?? "",
        };
      }),
  ];
}

function componentsOf({ look }: Facts, checks: readonly SeenCheck[]): DashboardDocument["components"] {
  return (look?.plan.components ?? []).map((part) => {
    const own = checks.filter(({ component }) => component === part.component);
    const failed = own.filter(({ status }) => status === "fail");
    return {
      component: part.component,
      state: failed.length > 0 ? "failed" : stateOf(part),
      resources: part.desired.length,
      changes: part.changes.length,
      checksPassed: own.filter(({ status }) => status === "pass").length,
      checksFailed: failed.length,
      note: wordsAbout(part, failed),
    };
  });
}

function wordsAbout(part: ComponentPlan, failed: readonly SeenCheck[]): string {
  const [first] = failed;
  return first === undefined ? noteOf(part, plainView) : `${first.claim}: ${first.observed ?? "no"}`;
}

function planOf({ plan, planLines }: Look): NonNullable<DashboardDocument["plan"]> {
  const { create, update, remove } = planTally(plan);
  return { converged: isConverged(plan), create, update, delete: remove, lines: planLines };
}
