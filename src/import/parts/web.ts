/** The fabric: its roles, the CA and its certificates. Pure. */
import type { GuestName } from "../../resource.ts";
import type { DraftPart } from "../draft.ts";
import { joinAuthority } from "../join/authority.ts";
import { joinCertificates } from "../join/certificates.ts";
import { joinRoles } from "../join/roles.ts";
import type { DraftObject, DraftValue } from "../json.ts";
import type { Found } from "../read/index.ts";
import { domainOf } from "./machines.ts";

export function webPart(found: Found): DraftPart {
  const { guests, dns, web } = found;
  const domain = domainOf(found)?.name;
  const records = dns.servers.flatMap((server) => server.records);
  const roles = joinRoles(web, guests);
  const ca = joinAuthority(web.authorities, guests, records, domain);
  const certificates = joinCertificates(found.certificates, web, ca.authority?.authority.root);
  const rolesOf = (host: GuestName): readonly string[] => [
    ...(roles.roles.get(host) ?? []),
    ...(ca.authority?.guest.host === host ? ["ca"] : []),
  ];
  return {
    config: ca.authority === undefined ? {} : { step_ca: ca.authority.settings },
    guests: new Map(
      guests.flatMap(({ host }): readonly (readonly [GuestName, DraftObject])[] => {
        const [role, ...more] = rolesOf(host);
        if (role === undefined) return [];
        const fabric_role: DraftValue = more.length === 0 ? role : [role, ...more];
        return [[host, { fabric_role }]];
      }),
    ),
    certificates: certificates.entries,
    left: [...roles.left, ...ca.left, ...certificates.left],
  };
}
