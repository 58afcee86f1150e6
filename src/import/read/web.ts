/** What serves names: the proxies of all guests, and the CA. */

import type { FoundProgram, FoundWeb } from "../found/web.ts";
import type { FoundGuest, Reader, ReadIo } from "../found.ts";
import { readAuthority } from "./authority.ts";
import { readNginx } from "./nginx.ts";
import { programsOf } from "./programs.ts";
import { readTraefik } from "./traefik.ts";

export const readWeb: Reader<FoundWeb> = async (io, guests) => {
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
  const [servers, traefiks, authorities] = await Promise.all([
    each("nginx", ({ host }) => readNginx(io, host)),
    each("traefik", (guest) => readTraefik(io, guest)),
    each("step-ca", (guest, found) => readAuthority(io, guest, found)),
  ]);
  for (const program of programs) tellForeign(io, program);
  return { programs, servers: servers.flat(), traefiks, authorities };
};

/** Proxies that Phoenix does not know. */
const foreign = ["caddy", "haproxy", "Apache", "lighttpd", "Envoy"];

function tellForeign(io: ReadIo, { program, source, isRunning }: FoundProgram): void {
  if (!foreign.includes(program)) return;
  const state = isRunning ? "" : ", which does not run";
  io.left({
    source,
    what: `${program}${state}`,
    reason: "Phoenix does not read its configuration: the names that it serves are not in the site",
  });
}
