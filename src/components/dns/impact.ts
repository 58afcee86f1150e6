/** What clients of the name server notice: asked of the server itself, whatever file its present answers come from. */
import type { Impact, Io } from "../../component.ts";
import { TransportError } from "../../errors.ts";
import { baseId, dnsNodes, nodeTitle, type SiteNode } from "../../fabric/nodes.ts";
import { mergedImpacts, noImpact } from "../../impact.ts";
import { type Change, subjectOf } from "../../resource.ts";
import { nodesTouched } from "../nodes.ts";

const recordIds = new Set(["dns/records", "dns/wildcards"]);
const restartIds = new Set(["dns/configuration", "dns/wildcards"]);

export async function impact(changes: readonly Change[], io: Io): Promise<Impact> {
  const isOneOf = (ids: ReadonlySet<string>) => (change: Change) => ids.has(baseId(subjectOf(change)));
  const records = changes.filter(isOneOf(recordIds));
  const each = nodesTouched(io, records).map((node) =>
    impactOnNode(
      node,
      records.filter((change) => subjectOf(change).host === node.host),
      io,
    ),
  );
  const restarted = nodesTouched(io, changes.filter(isOneOf(restartIds)));
  const activations = restarted.map(({ host }) => ({ kind: "restart" as const, unit: "dnsmasq", host }));
  return mergedImpacts([...(await Promise.all(each)), { ...noImpact, activations }]);
}

async function impactOnNode(node: SiteNode, records: readonly Change[], io: Io): Promise<Impact> {
  const serving = dnsNodes(io.site);
  if (serving.length > 0 && !serving.includes(node))
    return { ...noImpact, notices: [`${nodeTitle(node)} no longer answers for the site's names`] };
  const before = addresses(records, (change) => (change.verb === "create" ? undefined : change.live));
  const after = addresses(records, (change) => (change.verb === "delete" ? undefined : change.desired));
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  return mergedImpacts(
    await Promise.all(names.map((name) => impactOn(name, before.get(name), after.get(name), node, io))),
  );
}

async function impactOn(
  name: string,
  before: string | undefined,
  after: string | undefined,
  node: SiteNode,
  io: Io,
): Promise<Impact> {
  if (before === after) return noImpact;
  if (after === undefined) return { ...noImpact, notices: [`${name} is no longer answered`] };
  const now = before ?? (await answered(name, node, io));
  if (now === after) return noImpact;
  if (now === undefined) return { ...noImpact, added: [name] };
  return { ...noImpact, notices: [`${name} moves from ${now} to ${after}`] };
}

/** What the server answers now, in the order of a record; undefined for nothing, also when no server runs yet. */
async function answered(name: string, { address }: SiteNode, io: Io): Promise<string | undefined> {
  try {
    const question = name.replace("*", "phoenix-probe");
    const { answers } = await io.network.query(address, question, "A");
    return answers.length === 0 ? undefined : answers.join(", ");
  } catch (error) {
    if (error instanceof TransportError) return undefined;
    throw error;
  }
}

/** Addresses by name, of all files together: a name may go from one to the other. */
function addresses(
  changes: readonly Change[],
  stateOf: (change: Change) => { readonly units: Readonly<Record<string, string>> } | undefined,
): ReadonlyMap<string, string> {
  return new Map(changes.flatMap((change) => Object.entries(stateOf(change)?.units ?? {})));
}
