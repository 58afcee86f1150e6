/** What a site need not declare. A component that needs it is off where it is missing, so it may ask for it plainly. */
import { NotReadyError } from "../errors.ts";
import type { Firewall, RoleGuest, Roles, Site } from "../model.ts";

/** @throws NotReadyError when the site does not declare it */
export function declared<Key extends "ca" | "dns" | "firewall">(
  site: Site,
  key: Key,
): NonNullable<Site[Key]> {
  const part = site[key];
  if (part === undefined) throw new NotReadyError(`the site declares no ${titles[key]}`);
  return part;
}

/** @throws NotReadyError when no guest has the role */
export function roleOf({ roles }: Pick<Site, "roles">, role: keyof Roles): RoleGuest {
  const guest = roles[role];
  if (guest === undefined) throw new NotReadyError(`the site declares no ${titles[role]}`);
  return guest;
}

/** The hypervisor's firewall as far as the site knows: one that it does not declare filters nothing. */
export function hostFirewall({ firewall, hypervisor }: Pick<Site, "firewall" | "hypervisor">): Firewall {
  const { from } = hypervisor;
  return firewall ?? { enabled: false, inputPolicy: "ACCEPT", outputPolicy: "ACCEPT", rules: [], from };
}

const titles = {
  ca: "CA",
  dns: "DNS server",
  firewall: "firewall",
  gateway: "gateway",
  mesh: "mesh",
} as const;
