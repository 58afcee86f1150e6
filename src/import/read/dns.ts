/** The DNS servers of the host and its guests, with the records and resolvers that people gave them. */
import { unitCommands, unitState } from "../../formats/systemd/index.ts";
import type { HostName } from "../../resource.ts";
import type { FoundDns, FoundDnsServer, Reader, ReadIo } from "../found.ts";
import { readAdguard } from "./adguard.ts";
import { readDnsmasq } from "./dnsmasq.ts";
import { outputOn } from "./files.ts";
import { readPihole } from "./pihole.ts";

export const readDns: Reader<FoundDns> = async (io, guests) => {
  const hosts: readonly HostName[] = [
    "pve",
    ...guests.filter(({ isRunning }) => isRunning).map(({ host }) => host),
  ];
  const servers = await Promise.all(hosts.map((host) => serversOn(io, host)));
  return { servers: servers.flat() };
};

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
