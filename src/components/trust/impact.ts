/** What programs on the hypervisor, or on a node of its cluster, notice: a root that is replaced or no longer trusted. Pure. */
import type { Impact, Io } from "../../component.ts";
import { nodeOf, nodeTitle } from "../../fabric/nodes.ts";
import { noImpact } from "../../impact.ts";
import { type Change, subjectOf } from "../../resource.ts";

export async function impact(changes: readonly Change[], { site }: Pick<Io, "site">): Promise<Impact> {
  const notices = changes.flatMap((change) => {
    const title = nodeTitle(nodeOf(site, subjectOf(change).host));
    if (change.verb === "delete") return [`${title} no longer trusts the CA`];
    return change.verb === "update" ? [`${title} trusts another root in place of the present one`] : [];
  });
  return { ...noImpact, notices };
}
