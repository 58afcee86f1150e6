/** What clients of the name server notice: asked of the server itself, whatever file its present answers come from. */
import type { Impact, Io } from "../../component.ts";
import { TransportError } from "../../errors.ts";
import { mergedImpacts, noImpact } from "../../impact.ts";
import { type Change, subjectOf } from "../../resource.ts";

const recordIds = new Set(["dns/records", "dns/wildcards"]);

export async function impact(changes: readonly Change[], io: Io): Promise<Impact> {
  const records = changes.filter((change) => recordIds.has(subjectOf(change).id));
  const before = addresses(records, (change) => (change.verb === "create" ? undefined : change.live));
  const after = addresses(records, (change) => (change.verb === "delete" ? undefined : change.desired));
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  const each = await Promise.all(names.map((name) => impactOn(name, before.get(name), after.get(name), io)));
  const restarts = changes.some((change) =>
    ["dns/configuration", "dns/wildcards"].includes(subjectOf(change).id),
  );
  const restart: Impact = {
    ...noImpact,
    activations: [{ kind: "restart", unit: "dnsmasq", host: "pve" }],
  };
  return mergedImpacts(restarts ? [...each, restart] : each);
}

async function impactOn(
  name: string,
  before: string | undefined,
  after: string | undefined,
  io: Io,
): Promise<Impact> {
  if (before === after) return noImpact;
  if (after === undefined) return { ...noImpact, notices: [`${name} is no longer answered`] };
  const now = before ?? (await answered(name, io));
  if (now === after) return noImpact;
  if (now === undefined) return { ...noImpact, added: [name] };
  return { ...noImpact, notices: [`${name} moves from ${now} to ${after}`] };
}

/** What the server answers now, in the order of a record; undefined for nothing, also when no server runs yet. */
async function answered(name: string, io: Io): Promise<string | undefined> {
  try {
    const question = name.replace("*", "phoenix-probe");
    const { answers } = await io.network.query(io.site.hypervisor.address, question, "A");
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
