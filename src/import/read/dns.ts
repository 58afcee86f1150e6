/** The DNS servers of the host and its guests, with the records and resolvers that people gave them. */
import type { FoundDns, Reader, ReadIo } from "../found.ts";

import { readDnsmasq } from "./dnsmasq.ts";

export const readDns: Reader<FoundDns> = async (io: ReadIo) => {
  const own = await readDnsmasq(io, "pve");
  return { servers: own === undefined ? [] : [own] };
};
