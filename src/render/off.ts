/** The components that take no part in a site, on one line. */

import { hanging } from "./layout.ts";
import type { CheckDocument } from "./output-schemas.ts";
import type { View } from "./view.ts";

/** "off: trust, certificates (no CA is declared) · dns (no dns_server is declared)"; nothing when all take part. */
export function offLines(off: CheckDocument["off"], view: View): readonly string[] {
  if (off.length === 0) return [];
  const byReason = new Map<string, string[]>();
  for (const { component, reason } of off) {
    const same = byReason.get(reason);
    if (same === undefined) byReason.set(reason, [component]);
    else same.push(component);
  }
  const groups = [...byReason].map(([reason, names]) => `${names.join(", ")} (${reason})`);
  return hanging("off: ", groups.join(" · "), view.width);
}
