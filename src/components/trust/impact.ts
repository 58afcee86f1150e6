/** What programs on the hypervisor notice: a root that is replaced or no longer trusted. Pure. */
import type { Impact } from "../../component.ts";
import { noImpact } from "../../impact.ts";
import type { Change } from "../../resource.ts";

export async function impact(changes: readonly Change[]): Promise<Impact> {
  const notices = changes.flatMap((change) => {
    if (change.verb === "delete") return ["the hypervisor no longer trusts the CA"];
    return change.verb === "update" ? ["the hypervisor trusts another root in place of the present one"] : [];
  });
  return { ...noImpact, notices };
}
