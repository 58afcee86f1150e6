/** What users of a stack notice: services whose containers are recreated, ports and services that go. Pure. */

import { parseDocument } from "yaml";
import type { Impact } from "../../component.ts";
import { readCompose } from "../../formats/compose/index.ts";
import { isObject, member } from "../../formats/json/index.ts";
import { mergedImpacts, noImpact } from "../../impact.ts";
import { type Change, canonicalJson, diffUnits, type Resource, subjectOf } from "../../resource.ts";
import type { StackFacts } from "./facts.ts";
import { isOfSwarm, swarmImpact } from "./swarm/impact.ts";

export async function impact(changes: readonly Change[]): Promise<Impact> {
  return mergedImpacts(changes.map(impactOf));
}

function impactOf(change: Change): Impact {
  const name = subjectOf(change).id.slice("stacks/".length);
  if (isOfSwarm(subjectOf(change))) return swarmImpact(change, name);
  if (change.verb === "create") return noImpact;
  if (change.verb === "delete") return { ...noImpact, notices: [`${name} is taken down`] };
  const [before, after] = [factsOf(change.live), factsOf(change.desired)];
  const [old, wanted] = [servicesOf(before), servicesOf(after)];
  if (old === undefined || wanted === undefined)
    return { ...noImpact, unknown: [`which containers of ${name} are recreated`] };
  const gone = [...old.keys()].filter((service) => !wanted.has(service));
  const isAll = mayConcernAll(change);
  const recreated = recreatedServices(change);
  const idle = [...wanted.keys()].filter(
    (service) => !recreated.includes(service) && before.containers[service] !== after.containers[service],
  );
  const may = isAll ? "may be" : recreated.length === 1 ? "is" : "are";
  return {
    ...noImpact,
    notices: [
      ...(recreated.length === 0 ? [] : [`${recreated.join(", ")} of ${name} ${may} recreated`]),
      ...(gone.length === 0
        ? []
        : [`${gone.join(", ")} of ${name} ${gone.length === 1 ? "is" : "are"} removed`]),
      ...portNotices(name, before, after),
    ],
    ...(idle.length === 0
      ? {}
      : { starts: [`${idle.join(", ")} of ${name} ${idle.length === 1 ? "is" : "are"} started`] }),
    blinks: recreated.map((service) => `${name}/${service}`),
  };
}

/** Compose resolves variables and environment files itself: any service may use a changed one. */
function mayConcernAll(change: Change): boolean {
  return diffUnits(change).some(({ unit }) => /^(variable|file) (?!docker-compose\.yml$)/.test(unit));
}

/** The services of both versions whose containers are recreated, or may be. None while a version cannot be read. */
export function recreatedServices(change: Change): readonly string[] {
  if (change.verb !== "update") return [];
  const wanted = servicesOf(factsOf(change.desired));
  const isAll = mayConcernAll(change);
  return [...(servicesOf(factsOf(change.live)) ?? [])].flatMap(([service, text]) =>
    wanted?.has(service) && (isAll || wanted.get(service) !== text) ? [service] : [],
  );
}

function factsOf({ text }: Resource): Omit<StackFacts, "id" | "host" | "sensitive"> {
  return JSON.parse(text);
}

/** What each service is made from, as a text; undefined when the file cannot be read. */
function servicesOf({ compose }: Pick<StackFacts, "compose">): ReadonlyMap<string, string> | undefined {
  const document = parseDocument(compose, { merge: true });
  if (document.errors.length > 0) return undefined;
  const services = member(document.toJS(), "services");
  if (!isObject(services)) return undefined;
  return new Map(Object.entries(services).map(([name, service]) => [name, canonicalJson(service)]));
}

/** Ports of the machine that the stack had and gives up. */
function portNotices(
  name: string,
  before: Pick<StackFacts, "compose" | "variables">,
  after: Pick<StackFacts, "compose" | "variables">,
): readonly string[] {
  const kept = new Set(portsOf(after));
  const left = portsOf(before).filter((port) => !kept.has(port));
  return left.length === 0 ? [] : [`${name} leaves port ${[...new Set(left)].join(", ")}`];
}

function portsOf({ compose, variables }: Pick<StackFacts, "compose" | "variables">): readonly string[] {
  const read = readCompose(compose, new Map(Object.entries(variables)));
  return (read.compose?.services ?? []).flatMap(({ ports }) =>
    ports.map(({ published, protocol }) => `${published}/${protocol}`),
  );
}
