/** What serves names: the proxies of all guests, and the CA. */

import type { FoundProgram, FoundWeb } from "../found/web.ts";
import type { FoundGuest, Reader, ReadIo } from "../found.ts";
import { readNginx } from "./nginx.ts";
import { programsOf } from "./programs.ts";
import { readTraefik } from "./traefik.ts";

export const readWeb: Reader<FoundWeb> = async (io, guests) => {
  const programs = (await Promise.all(guests.map((guest) => programsOf(io, guest)))).flat();
  const running = (program: string): readonly FoundGuest[] =>
    guests.filter(({ host }) => programs.some((each) => each.host === host && each.program === program));
  const [servers, traefiks] = await Promise.all([
    Promise.all(running("nginx").map(({ host }) => readNginx(io, host))),
    Promise.all(running("traefik").map((guest) => readTraefik(io, guest))),
  ]);
  for (const program of programs) tellForeign(io, program);
  return { programs, servers: servers.flat(), traefiks };
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
