/** The fabric's roles, and the services that the proxies were found to serve. */
import type { GuestName } from "../../resource.ts";
import type { DraftPart } from "../draft.ts";
import { joinNames } from "../join/names.ts";
import { joinRoles } from "../join/roles.ts";
import { serviceEntries } from "../join/services.ts";
import type { DraftObject, DraftValue } from "../json.ts";
import type { Found } from "../read/index.ts";
import { domainOf } from "./machines.ts";

export function webPart(found: Found): DraftPart {
  const { guests, network, dns, web } = found;
  const domain = domainOf(found)?.name;
  const names = joinNames(web, { guests, network, dns, domain }, new Set());
  const { roles, left } = joinRoles(web, guests);
  const services = serviceEntries(names.joined, domain);
  const hosts = [...new Set<GuestName>([...roles.keys(), ...services.keys()])];
  return {
    guests: new Map(
      hosts.map((host): [GuestName, DraftObject] => {
        const [role, ...more] = roles.get(host) ?? [];
        return [
          host,
          {
            fabric_role: more.length === 0 ? role : [role as DraftValue, ...more],
            traefik_service: services.get(host),
          },
        ];
      }),
    ),
    left: [...left, ...names.left],
  };
}
