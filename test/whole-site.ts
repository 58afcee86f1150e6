/** Sites that declare every part of the fabric: what most tests work with. */
import type { CertificateAuthority, Dns, Firewall, Roles, Site } from "../src/model.ts";

export interface WholeSite extends Site {
  readonly roles: Required<Roles>;
  readonly dns: Dns;
  readonly firewall: Firewall;
  readonly ca: CertificateAuthority;
}

/** @throws Error when a part is missing */
export function whole(site: Site): WholeSite {
  const { roles, dns, firewall, ca } = site;
  const { gateway, mesh, ca: authority } = roles;
  if (!(gateway && mesh && authority && dns && firewall && ca)) throw new Error("the site lacks a part");
  return { ...site, roles: { gateway, mesh, ca: authority }, dns, firewall, ca };
}
