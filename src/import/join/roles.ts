/** Which guest has which role, by what runs in it: never by its name. Pure. */
import type { GuestName } from "../../resource.ts";
import type { FoundProgram, FoundWeb } from "../found/web.ts";
import type { FoundGuest, Left } from "../found.ts";

export interface JoinedRoles {
  readonly roles: ReadonlyMap<GuestName, readonly ("gateway" | "mesh")[]>;
  readonly left: readonly Left[];
}

interface Kind {
  readonly role: "gateway" | "mesh";
  readonly program: string;
  /** Whether a guest's program runs what Phoenix wrote. */
  readonly isOurs: (host: GuestName) => boolean;
  /** Whether it serves anything of somebody else. */
  readonly isUsed: (host: GuestName) => boolean;
}

/**
 * A role is a guest's whose proxy has the file that Phoenix writes: there Phoenix changes nothing of anybody else's. A proxy with
 * sites or routers that people made keeps them; the report tells how to hand it over.
 */
export function joinRoles(
  { programs, servers, traefiks }: FoundWeb,
  guests: readonly FoundGuest[],
): JoinedRoles {
  const kinds: readonly Kind[] = [
    {
      role: "gateway",
      program: "nginx",
      isOurs: (host) => servers.some((each) => each.host === host && each.isOurs),
      isUsed: (host) => servers.some((each) => each.host === host && each.name !== ""),
    },
    {
      role: "mesh",
      program: "traefik",
      isOurs: (host) => traefiks.some((each) => each.host === host && each.isOurs),
      isUsed: (host) => traefiks.some((each) => each.host === host && each.routers.length > 0),
    },
  ];
  const roles = new Map<GuestName, ("gateway" | "mesh")[]>();
  const left: Left[] = [];
  for (const kind of kinds) {
    const { role, program, isOurs } = kind;
    const found = programs.filter((each) => each.program === program);
    const ours = found.filter(({ host }) => isOurs(host) && isContainer(host, guests));
    const [only, ...more] = ours;
    if (only !== undefined && more.length === 0)
      roles.set(only.host, [...(roles.get(only.host) ?? []), role]);
    for (const each of found) {
      if (each === only && more.length === 0) continue;
      left.push({ source: each.source, what: titleOf(each), reason: reasonFor(kind, each, ours, guests) });
    }
  }
  return { roles, left };
}

function reasonFor(
  { role, isUsed }: Kind,
  { host }: FoundProgram,
  ours: readonly FoundProgram[],
  guests: readonly FoundGuest[],
): string {
  if (ours.length > 1 && ours.some((each) => each.host === host))
    return `${ours.map((each) => each.host).join(" and ")} both have a file of Phoenix: only one can be the ${role}`;
  if (ours.length > 0) return `${ours[0]?.host} is the ${role}`;
  if (!isContainer(host, guests)) return `the ${role} of a site is a container`;
  if (!isUsed(host))
    return `it serves nothing yet; "fabric_role": "${role}" in its entry makes Phoenix set it up`;
  return `what it serves was made by hand and stays as it is; "fabric_role": "${role}" in its entry makes Phoenix manage it`;
}

function isContainer(host: GuestName, guests: readonly FoundGuest[]): boolean {
  return guests.some((guest) => guest.host === host && guest.kind === "lxc");
}

function titleOf({ program, isRunning }: FoundProgram): string {
  return isRunning ? program : `${program}, which does not run`;
}
