/** Questions about guests that were found. Pure. */
import type { FoundGuest } from "./found.ts";

/** The first fixed address of a guest. */
export function addressOf({ nics }: FoundGuest): string | undefined {
  return nics.flatMap(({ ip }) => (ip === undefined || ip === "dhcp" ? [] : [ip.address]))[0];
}

/** Every fixed address of a guest. */
export function addressesOf({ nics }: FoundGuest): readonly string[] {
  return nics.flatMap(({ ip }) => (ip === undefined || ip === "dhcp" ? [] : [ip.address]));
}
