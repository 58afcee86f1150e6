/** What users of a Swarm's stack notice: which services' tasks are replaced, and whether one of them stays meanwhile. Pure. */
import type { Impact } from "../../../component.ts";
import { replacesAllAtOnce } from "../../../formats/compose/swarm/rollout.ts";
import { type SwarmServiceSpec, swarmServices } from "../../../formats/compose/swarm/services.ts";
import { noImpact } from "../../../impact.ts";
import type { Change, Resource } from "../../../resource.ts";
import type { SwarmFacts } from "./facts.ts";
import type { ObjectFacts } from "./live.ts";

/** Whether a resource is a stack of a Swarm, or a config or secret of one. */
export function isOfSwarm({ text }: Resource): boolean {
  const facts = text.startsWith("{") ? (JSON.parse(text) as Partial<SwarmFacts & ObjectFacts>) : {};
  return facts.swarm !== undefined || facts.object !== undefined;
}

export function swarmImpact(change: Change, name: string): Impact {
  if (change.verb === "create") return noImpact;
  const before = JSON.parse(change.live.text) as Partial<SwarmFacts & ObjectFacts>;
  if (change.verb === "delete")
    return before.object === undefined ? { ...noImpact, notices: [`${name} is taken down`] } : noImpact;
  const after = JSON.parse(change.desired.text) as SwarmFacts;
  const [old, wanted] = [servicesOf(before as SwarmFacts), servicesOf(after)];
  if (old === undefined || wanted === undefined)
    return { ...noImpact, unknown: [`which tasks of ${name} are replaced`] };
  const replaced = wanted.filter((spec) => isReplaced(spec, old, before as SwarmFacts, after));
  const away = replaced.filter(({ replicas, rollout }) => replacesAllAtOnce(replicas, rollout));
  const rolling = replaced.filter((spec) => !away.includes(spec));
  const gone = old.filter(({ name: each }) => !wanted.some((spec) => spec.name === each));
  const listed = (specs: readonly SwarmServiceSpec[]): string => specs.map((spec) => spec.name).join(", ");
  const are = (specs: readonly SwarmServiceSpec[]): string => (specs.length === 1 ? "is" : "are");
  return {
    ...noImpact,
    notices: [
      ...(rolling.length === 0
        ? []
        : [`${listed(rolling)} of ${name} ${are(rolling)} restarted task by task, while other tasks serve`]),
      ...(away.length === 0 ? [] : [`${listed(away)} of ${name} ${are(away)} restarted`]),
      ...(gone.length === 0 ? [] : [`${listed(gone)} of ${name} ${are(gone)} removed`]),
    ],
    blinks: away.map((spec) => `${name}/${spec.name}`),
  };
}

/** Secret variables are filled in by their fingerprints: other values make other texts. */
function servicesOf({ compose, variables, project }: SwarmFacts): readonly SwarmServiceSpec[] | undefined {
  return swarmServices(compose, new Map(Object.entries(variables)), project);
}

/** Swarm replaces the tasks of a service whose template or ports change; labels and the number of replicas restart none. */
function isReplaced(
  spec: SwarmServiceSpec,
  old: readonly SwarmServiceSpec[],
  before: SwarmFacts,
  after: SwarmFacts,
): boolean {
  const was = old.find(({ name }) => name === spec.name);
  if (was === undefined) return false;
  if (was.template !== spec.template) return true;
  const [seen, wanted] = [before.services[spec.name], after.services[spec.name]];
  const aspects = ["image", "ports", "configs", "secrets", "environment", "container"] as const;
  return seen !== undefined && wanted !== undefined && aspects.some((each) => seen[each] !== wanted[each]);
}
