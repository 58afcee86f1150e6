/** Which lines of the site the hypervisor's trust in the CA follows from. */
import { explained } from "../../fabric/explained.ts";
import { aboutGuest, addressOrigin, roleOrigins, settingOrigin } from "../../fabric/origins.ts";
import type { Site } from "../../model.ts";
import type { Explained, Origin } from "../../origin.ts";
import { trust } from "./index.ts";

export function explain(site: Site): readonly Explained[] {
  const { ca } = site.roles;
  if (ca === undefined) return [];
  const rootFile: Origin = {
    ...settingOrigin(site, "where the root certificate is", "step_ca/root_certificate_file"),
    optional: true,
  };
  const why = {
    origins: [...roleOrigins(site, "ca"), addressOrigin(ca), rootFile],
    about: [...aboutGuest(ca), `name:${site.ca?.hostname ?? ""}`] as const,
    note: "programs on the hypervisor accept what the site's CA signs",
  };
  return trust.compile(site).map((resource) => explained(resource, { why, unitAt: () => "the CA's root" }));
}
