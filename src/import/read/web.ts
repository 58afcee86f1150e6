/** What serves names: the proxies of all guests, and the CA. */

import type { FoundProgram, FoundWeb } from "../found/web.ts";
import type { FoundGuest } from "../found.ts";
import { readAuthority } from "./authority.ts";
import { readContainedProxies } from "./contained-proxies.ts";
import { tellForeign } from "./foreign-proxies.ts";
import { readNginx } from "./nginx.ts";
import { programsOf } from "./programs.ts";
import type { Reader } from "./reader.ts";
import { readTraefik } from "./traefik.ts";

export const readWeb: Reader<FoundWeb> = async (io, guests, engines) => {
  const programs = (await Promise.all(guests.map((guest) => programsOf(io, guest)))).flat();
  const each = <T>(
    program: string,
    read: (guest: FoundGuest, found: FoundProgram) => Promise<T>,
  ): Promise<T[]> =>
    Promise.all(
      guests.flatMap((guest) =>
        programs
          .filter((found) => found.host === guest.host && found.program === program)
          .map((found) => read(guest, found)),
      ),
    );
  const [servers, traefiks, authorities, contained] = await Promise.all([
    each("nginx", ({ host }) => readNginx(io, host)),
    each("traefik", (guest) => readTraefik(io, guest)),
    each("step-ca", (guest, found) => readAuthority(io, guest, found)),
    readContainedProxies(io, guests, engines),
  ]);
  await Promise.all(programs.map((program) => tellForeign(io, program)));
  return {
    programs,
    servers: [...servers.flat(), ...contained.servers],
    traefiks: [...traefiks, ...contained.traefiks],
    authorities,
  };
};
