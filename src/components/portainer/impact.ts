/** What users of Portainer notice: containers that are replaced. Pure. */

import type { Impact } from "../../component.ts";
import { agentContainer } from "../../fabric/portainer-server.ts";
import { mergedImpacts, noImpact } from "../../impact.ts";
import { type Change, subjectOf } from "../../resource.ts";
import { serverId } from "./compile.ts";

export async function impact(changes: readonly Change[]): Promise<Impact> {
  return mergedImpacts(changes.map(impactOf));
}

function impactOf(change: Change): Impact {
  const { id, host } = subjectOf(change);
  const isServer = id === serverId;
  const isContainer = isServer || id.startsWith("portainer/agent-");
  if (!isContainer || change.verb === "create") return noImpact;
  const what = isServer ? "Portainer" : `Portainer's agent on ${host}`;
  if (change.verb === "delete") return { ...noImpact, notices: [`${what} is removed`] };
  if (change.live.unread === true) return { ...noImpact, unknown: [`whether ${what} is replaced`] };
  const unit = isServer ? (change.live.units.container?.split(" ")[0] ?? "portainer_server") : agentContainer;
  return {
    ...noImpact,
    notices: [`${what} is away for a moment`],
    activations: [{ kind: "restart", unit, host }],
  };
}
