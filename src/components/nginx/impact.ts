/** What clients of the gateway notice: names that go, and names that are treated differently. Pure. */
import type { Impact } from "../../component.ts";
import { noImpact } from "../../impact.ts";
import { type Change, diffUnits, subjectOf } from "../../resource.ts";

export async function impact(changes: readonly Change[]): Promise<Impact> {
  const configured = changes.filter((change) => subjectOf(change).id !== "nginx/service");
  const [first] = configured;
  return {
    ...noImpact,
    notices: configured.flatMap(noticesOf),
    activations: first === undefined ? [] : [{ kind: "reload", unit: "nginx", host: subjectOf(first).host }],
  };
}

function noticesOf(change: Change): readonly string[] {
  switch (subjectOf(change).id) {
    case "nginx/gateway":
      return diffUnits(change).flatMap((unit) => {
        if (unit.verb === "create") return [];
        if (unit.verb === "delete") return [`the gateway no longer serves ${unit.unit}`];
        return [`the gateway treats ${unit.unit} differently`];
      });
    case "nginx/enabled":
      return change.verb === "delete" ? ["the gateway's site is switched off"] : [];
    case "nginx/distribution-site":
      return change.verb === "update" ? ["the distribution's default site is switched off"] : [];
    default:
      return [];
  }
}
