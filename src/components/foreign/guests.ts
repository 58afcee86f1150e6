/** A guest that has the id of one of the site's and another name: most likely it is somebody else's. */
import { type Component, foreignHazard, type Hazard, type Io } from "../../component.ts";
import { configurationPath, hostLabel } from "../../fabric/guests.ts";
import { type Change, subjectOf } from "../../resource.ts";

/** The component with the names of the guests that its changes touch compared to those on the hypervisor. */
export function withGuestNames(component: Component): Component {
  return {
    ...component,
    hazards: async (changes, io) => {
      const found = await Promise.all([guestHazards(changes, io), component.hazards?.(changes, io) ?? []]);
      return found.flat();
    },
  };
}

async function guestHazards(changes: readonly Change[], io: Io): Promise<readonly Hazard[]> {
  const touched = new Set(changes.filter(({ verb }) => verb !== "delete").map(guestOf));
  const guests = io.site.guests.filter(({ host }) => touched.has(host));
  if (guests.length === 0) return [];
  const files = await io
    .host("pve")
    .readFiles(guests.map((guest) => configurationPath(guest, io.site.cluster)));
  return guests.flatMap((guest): Hazard[] => {
    const path = configurationPath(guest, io.site.cluster);
    const found = otherName(files.get(path)?.text ?? "", guest.name);
    if (found === undefined) return [];
    const message = `${path}:${found.line}: ${guest.host} is "${found.name}" on the hypervisor and "${guest.name}" in the site`;
    const foreign = {
      host: "pve",
      name: `${path}:${found.line}`,
      takeover: `"${found.name}" is configured as the site's "${guest.name}"`,
    } as const;
    return [{ ...foreignHazard(message, foreign), from: guest.from }];
  });
}

/** The guest that a change configures: where its resource is, or whose firewall it is. */
function guestOf(change: Change): string {
  const { id, host } = subjectOf(change);
  return /^firewall\/(?:group|guest)-((?:lxc|vm)[/-]\d+)$/.exec(id)?.[1]?.replace("-", "/") ?? host;
}

/** The name in a guest's configuration with its line, where it is another one than the declared one. */
export function otherName(
  config: string,
  declared: string,
): { readonly name: string; readonly line: number } | undefined {
  const found = nameIn(config);
  return found === undefined || isSame(found.name, declared) ? undefined : found;
}

/** Case and signs aside, and with a domain or without: a dot may stand in either name. */
function isSame(live: string, declared: string): boolean {
  const spellings = (name: string): readonly string[] =>
    [name, name.split(".", 1)[0] ?? ""].map((each) => hostLabel(each));
  return spellings(live).some((name) => spellings(declared).includes(name));
}

/** The name in a guest's present configuration; its snapshots follow it, in sections. */
function nameIn(text: string): { readonly name: string; readonly line: number } | undefined {
  for (const [at, raw] of text.split("\n").entries()) {
    if (raw.startsWith("[")) return undefined;
    const name = /^(?:hostname|name):\s*(\S+)/.exec(raw)?.[1];
    if (name !== undefined) return { name, line: at + 1 };
  }
  return undefined;
}
