/** What clients of the mesh notice: routes that go or lead elsewhere. Pure. */
import type { Impact } from "../../component.ts";
import { noImpact } from "../../impact.ts";
import { type Change, diffUnits, subjectOf } from "../../resource.ts";

export async function impact(changes: readonly Change[]): Promise<Impact> {
  const routes = changes.filter((change) => subjectOf(change).id === "traefik/routes");
  const reloads = changes.filter((change) => subjectOf(change).id === "traefik/root");
  const notices = routes.flatMap(diffUnits).flatMap((unit) => {
    if (unit.verb === "create") return [];
    const [option] = /^(?:middleware|service) [^:]+(?=: )/.exec(unit.unit) ?? [];
    if (option !== undefined) return [`${option} works differently`];
    return [
      unit.verb === "delete"
        ? `the mesh no longer has the route ${unit.unit}`
        : `the route ${unit.unit} changes`,
    ];
  });
  return {
    ...noImpact,
    notices,
    activations: reloads
      .slice(0, 1)
      .map((change) => ({ kind: "reload", unit: "traefik", host: subjectOf(change).host })),
  };
}
