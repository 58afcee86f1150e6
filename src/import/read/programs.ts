/** Which programs with a role in the fabric run in which guest: proxies and CAs, by their units and by who listens. */
import { isUnavailable, messageOf } from "../../errors.ts";
import { listListeners, parseListeners } from "../../formats/listeners/index.ts";
import type { FoundProgram } from "../found/web.ts";
import type { FoundGuest, ReadIo, Source } from "../found.ts";

/** Units by program, as packages and the usual instructions name them. */
const units: Readonly<Record<string, string>> = {
  nginx: "nginx",
  openresty: "nginx",
  traefik: "traefik",
  "step-ca": "step-ca",
  step_ca: "step-ca",
  caddy: "caddy",
  haproxy: "haproxy",
  apache2: "Apache",
  httpd: "Apache",
  lighttpd: "lighttpd",
  envoy: "Envoy",
};

/** Ports of HTTP, where whoever listens serves names. */
const webPorts: readonly number[] = [80, 443];

/** Programs that listen for containers, which are read with the containers. */
const forContainers = /^(?:docker-proxy|rootlessport|conmon)$/;

/** A guest's programs; those that listen on a port of HTTP are there without a known unit as well. */
export async function programsOf(io: ReadIo, guest: FoundGuest): Promise<readonly FoundProgram[]> {
  const { host, isRunning, source } = guest;
  if (!isRunning) return [];
  try {
    const names = Object.keys(units).map((name) => `${name}.service`);
    const properties = "--property=Id,LoadState,ActiveState";
    const [shown, listening] = await Promise.all([
      io.host(host).run({ argv: ["systemctl", "show", ...names, properties], effect: "read" }),
      io.host(host).run(listListeners),
    ]);
    return [...unitPrograms(guest, shown.stdout), ...listeners(guest, listening.stdout)].filter(
      ({ program }, at, all) => all.findIndex((other) => other.program === program) === at,
    );
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    io.left({ source, what: "the programs in it", reason: messageOf(error) });
    return [];
  }
}

/** The blocks of `systemctl show`, one a unit. */
function unitPrograms({ host }: FoundGuest, text: string): readonly FoundProgram[] {
  const found = text.split(/\n\n+/).flatMap((block): readonly FoundProgram[] => {
    const property = (name: string): string => new RegExp(`^${name}=(.*)$`, "m").exec(block)?.[1] ?? "";
    const id = property("Id");
    const program = units[id.replace(/\.service$/, "")];
    if (program === undefined || property("LoadState") !== "loaded") return [];
    const source: Source = { host, path: `systemctl show ${id}` };
    return [{ host, program, isRunning: property("ActiveState") === "active", source }];
  });
  // Of two units of one program, the one that runs.
  return found.toSorted((a, b) => Number(b.isRunning) - Number(a.isRunning));
}

function listeners({ host }: FoundGuest, text: string): readonly FoundProgram[] {
  const source: Source = { host, path: listListeners.argv.join(" ") };
  return parseListeners(text)
    .filter(({ port, protocol }) => protocol === "tcp" && webPorts.includes(port))
    .filter(({ program }) => program !== "unknown" && !forContainers.test(program))
    .map(({ program }) => ({ host, program: units[program] ?? program, isRunning: true, source }));
}
