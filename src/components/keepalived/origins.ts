/** Which lines of the site the shared address, and who has it, follow from. */
import { explained, explainedFile } from "../../fabric/explained.ts";
import { aboutGuest, addressOrigin, roleOrigins } from "../../fabric/origins.ts";
import type { Site } from "../../model.ts";
import type { Explained, Reason } from "../../origin.ts";
import { compile, configurationPath } from "./compile.ts";

export function explain(site: Site): readonly Explained[] {
  const { gatewayPair, roles } = site;
  if (gatewayPair === undefined || roles.gateway === undefined) return [];
  const { address, standby, from } = gatewayPair;
  const why: Reason = {
    origins: [
      { at: from, says: `declares ${address}, the address of both gateways` },
      ...roleOrigins(site, "gateway"),
      addressOrigin(standby),
    ],
    about: [...aboutGuest(roles.gateway), ...aboutGuest(standby)],
    note: "keepalived keeps the address on a gateway that works",
  };
  return compile(site).map((resource) => {
    const texts = resource.id.startsWith("keepalived/configuration")
      ? { texts: [explainedFile(resource.host, configurationPath, resource.text, () => why)] }
      : {};
    return explained(resource, { why, ...texts });
  });
}
