/** Who uses a certificate. */
import { pathSeenBy } from "../../fabric/guest-paths.ts";
import { guestOf } from "../../fabric/guests.ts";
import { hookEffect, parseHook } from "../../formats/shell/hook.ts";
import type { Certificate, Guest, Site } from "../../model.ts";

export interface Consumer {
  readonly guest: Guest;
  /** The key's path inside the guest. */
  readonly keyPath: string;
  /** The unit that reads the key, where that is known: "nginx". */
  readonly unit?: string;
}

/**
 * The guest that a certificate is for, if it sees the key: the one that serves it, the one that its post-renewal command names,
 * or else the first container that has the key below a mount point.
 */
export function consumerOf(site: Site, certificate: Certificate): Consumer | undefined {
  const { roles, portainer, guests, hypervisor } = site;
  const { serves, postRenewal, keyPath } = certificate;
  const hook = postRenewal === undefined ? undefined : parseHook(postRenewal.command);
  const named = hook === undefined || hook.host === "pve" ? undefined : guestOf(site, hook.host);
  const serving = serves === "gateway" ? roles.gateway : serves === "portainer" ? portainer?.guest : named;
  const containers = guests.filter(({ kind, template }) => kind === "lxc" && !template);
  for (const guest of serving === undefined ? containers : [serving]) {
    const seen = pathSeenBy(guest, keyPath, hypervisor);
    if (seen === undefined) continue;
    const unit =
      guest === roles.gateway ? "nginx" : hook?.host === guest.host ? unitOf(hook.argv) : undefined;
    return { guest, keyPath: seen, ...(unit === undefined ? {} : { unit }) };
  }
  return undefined;
}

function unitOf(argv: readonly string[]): string | undefined {
  const { unit, isUnit } = hookEffect(argv);
  return isUnit === true ? unit : undefined;
}
