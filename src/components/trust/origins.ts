/** Which lines of the site the trust of each node in the CA follows from. */
import { explained } from "../../fabric/explained.ts";
import { nodeOf, nodeTitle } from "../../fabric/nodes.ts";
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
  };
  return trust.compile(site).map((resource) => {
    const title = nodeTitle(nodeOf(site, resource.host));
    const note = `programs on ${title} accept what the site's CA signs`;
    return explained(resource, { why: { ...why, note }, unitAt: () => "the CA's root" });
  });
}
