/** The readers: each is a line here, and its answer a member of `Found`. */

import type { Cluster } from "../../cluster.ts";
import { defined } from "../../defined.ts";
import type { World } from "../../hosts/world.ts";
import type { FoundCertificates } from "../found/web.ts";
import type { FoundGuest, ReadIo } from "../found.ts";
import { answering } from "./answering.ts";
import { readCertificates } from "./certificates.ts";
import { readDns } from "./dns.ts";
import { readDocker } from "./docker.ts";
import { readEngines } from "./engines.ts";
import { readFirewall } from "./firewall.ts";
import { readGuests } from "./guests.ts";
import { readNetwork } from "./network.ts";
import type { Reader } from "./reader.ts";
import { readShares } from "./shares.ts";
import { readSwarms } from "./swarms.ts";
import { readWeb } from "./web.ts";

/** What is read at once, after the guests are known. */
const readers = {
  network: readNetwork,
  shares: readShares,
  dns: readDns,
  firewall: readFirewall,
  web: readWeb,
  docker: readDocker,
  swarms: readSwarms,
} as const satisfies Record<string, Reader<unknown>>;

type Parts = { readonly [K in keyof typeof readers]: Awaited<ReturnType<(typeof readers)[K]>> };

/** Everything that was found. */
export type Found = {
  /** Absent on a single host. */
  readonly cluster?: Cluster;
  readonly guests: readonly FoundGuest[];
  /** Read last: they lie where guests mount directories. */
  readonly certificates: FoundCertificates;
} & Parts;

/** @param onProgress called when a reader begins and ends, with its name */
export async function readHost(
  io: ReadIo & Pick<World, "cluster">,
  onProgress: (reader: string, isDone: boolean) => void,
): Promise<Found> {
  const watched = async <T>(name: string, reading: () => Promise<T>): Promise<T> => {
    onProgress(name, false);
    const part = await reading();
    onProgress(name, true);
    return part;
  };
  const guests = await watched("guests", () => readGuests(io));
  const asked = await watched("answering guests", () => answering(io, guests));
  const engines = await watched("containers", () => readEngines(io, asked));
  const parts = await Promise.all(
    Object.entries<Reader<unknown>>(readers).map(
      async ([name, read]) => [name, await watched(name, () => read(io, asked, engines))] as const,
    ),
  );
  const known = {
    ...defined({ cluster: await io.cluster() }),
    guests,
    ...(Object.fromEntries(parts) as Parts),
  };
  return {
    ...known,
    certificates: await watched("certificates", () => readCertificates(io, { ...known, guests: asked })),
  };
}
