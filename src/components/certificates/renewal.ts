/** Renewing certificates on demand: before their time, or those alone whose time has come. */
import type { Component, Io } from "../../component.ts";
import { renewalDue } from "../../formats/x509/index.ts";
import { canonicalJson, type Resource, type ResourceId, subjectOf } from "../../resource.ts";
import { deploy, restoreKept } from "./apply.ts";
import { certificateOf, idOf, type PairState, valid } from "./compile.ts";
import { notNotified, readPairs } from "./read.ts";

const asked = "a renewal was asked for";

/**
 * The component for a renewal of these pairs: they count as due although they are valid, and a renewal that fails brings the
 * previous pair back.
 */
export function renewing(component: Component, ids: readonly ResourceId[]): Component {
  const due = new Set(ids);
  /** The live text of each pair that counts as due: what was kept of it is named so. */
  const live = new Map<ResourceId, string>();
  return {
    ...component,
    read: async (io) =>
      (await component.read(io)).map((resource) => {
        const { id, text, units } = resource;
        if (!due.has(id) || !(units.state === valid || units.state === notNotified)) return resource;
        live.set(id, text);
        return asDue(resource);
      }),
    apply: async (change, io) => {
      const { id } = subjectOf(change);
      const certificate = certificateOf(io.site, id);
      const text = live.get(id);
      if (certificate === undefined || text === undefined || change.verb !== "update")
        return component.apply(change, io);
      if (change.desired.units.state === asked) {
        await restoreKept(certificate, text, io);
        due.add(id);
      } else {
        await deploy(certificate, io, true);
        due.delete(id);
      }
    },
  };
}

function asDue(resource: Resource): Resource {
  const pair: PairState = { ...JSON.parse(resource.text), state: asked };
  return { ...resource, text: canonicalJson(pair), units: { ...resource.units, state: asked } };
}

/** The pairs whose renewal is due, and those that their consumers do not use yet. Changes nothing. */
export async function duePairs(io: Io): Promise<readonly ResourceId[]> {
  const pairs = await readPairs(io, io.site.certificates);
  return pairs.flatMap(({ certificate, chain: [leaf], pair }) => {
    const isDue = leaf !== undefined && renewalDue(leaf, io.clock.now());
    return isDue || pair.state === notNotified ? [idOf(certificate)] : [];
  });
}
