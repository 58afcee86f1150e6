/** The DNS servers of the host and its guests, with the records and resolvers that people gave them. */
import { unitCommands, unitState } from "../../formats/systemd/index.ts";
import type { HostName } from "../../resource.ts";
import type { FoundDns, FoundDnsServer, ReadIo } from "../found.ts";
import { readAdguard } from "./adguard.ts";
import { type ContainedProgram, containedPrograms, pathOutside, titleOf } from "./contained.ts";
import { readDnsmasq } from "./dnsmasq.ts";
import { outputOn } from "./files.ts";
import { readPihole } from "./pihole.ts";
import type { Reader } from "./reader.ts";

export const readDns: Reader<FoundDns> = async (io, guests, engines) => {
  const hosts: readonly HostName[] = [
    "pve",
    ...guests.filter(({ isRunning }) => isRunning).map(({ host }) => host),
  ];
  const servers = await Promise.all([
    ...hosts.map((host) => serversOn(io, host)),
    ...containedPrograms(engines, ["AdGuard Home", "Pi-hole"]).map((each) => containedServer(io, each)),
  ]);
  return { servers: servers.flat() };
};

/** Where the images have what they know. */
const piholeInContainer = "/etc/pihole/custom.list";
const adguardInContainer = "/opt/adguardhome/conf/AdGuardHome.yaml";

async function containedServer(io: ReadIo, contained: ContainedProgram): Promise<readonly FoundDnsServer[]> {
  const { program, engine, container } = contained;
  const isActive = container.state === "running";
  const pathOf = (path: string): string | undefined => pathOutside(container, path);
  const isPihole = program === "Pi-hole";
  const file = pathOf(isPihole ? piholeInContainer : adguardInContainer);
  if (file === undefined) {
    const reason = "its lists are in the container alone, where import does not look: it stays as it is";
    io.left({ source: container.source, what: titleOf(contained), reason });
    return [];
  }
  const found = isPihole
    ? await readPihole(io, engine.host, isActive, pathOf)
    : await readAdguard(io, engine.host, isActive, [file]);
  return found === undefined ? [] : [found];
}

/** A guest that cannot be asked is told by who asks for its programs. */
async function serversOn(io: ReadIo, host: HostName): Promise<readonly FoundDnsServer[]> {
  const stateOf = async (unit: string) =>
    unitState((await outputOn(io, host, unitCommands(unit).show.argv, true)) ?? "");
  const [adguard, pihole] = await Promise.all([stateOf("AdGuardHome"), stateOf("pihole-FTL")]);
  const found = await Promise.all([
    // Pi-hole is a dnsmasq of its own: what lies in its directories is no other server's.
    pihole.installed ? undefined : readDnsmasq(io, host, host !== "pve"),
    adguard.installed ? readAdguard(io, host, adguard.active) : undefined,
    pihole.installed ? readPihole(io, host, pihole.active) : undefined,
  ]);
  return found.filter((server) => server !== undefined);
}
