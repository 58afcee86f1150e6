/** Which node of a cluster is "pve": the one that has the address that the site declares, whatever it is called. */
import { isUnavailable, NotReadyError } from "../errors.ts";
import { isWithin } from "../formats/ipv4/index.ts";
import { objectsOf, parseJson, textOf } from "../formats/json/index.ts";
import type { Exec } from "./host.ts";
import type { Members } from "./members.ts";

/** How the site's files declare the node that is "pve": its address, and the network on its bridge (CIDR). */
export interface Declared {
  readonly address: string;
  readonly network: string;
}

export interface Whereabouts {
  /** The name of the node that is "pve" in the cluster. */
  readonly pve: string;
  /** The address of each node on the site's network, where it has one there that is known. */
  readonly onNetwork: ReadonlyMap<string, string>;
}

/**
 * Where corosync has a network of its own, asks each online node for its addresses; otherwise asks nobody.
 * @throws NotReadyError when a node that does not answer may be the one
 */
export async function whichIsPve(
  { asked = "", nodes }: Members,
  on: (name: string) => Exec,
  declared: Declared | undefined,
): Promise<Whereabouts> {
  if (declared === undefined) return { pve: asked, onNetwork: new Map() };
  const known = await Promise.all(
    [...nodes].map(async ([name, { address = "", online }]) => {
      if (isWithin(declared.network, address)) return { name, addresses: [address] };
      return { name, addresses: online ? await addressesOf(on(name)) : undefined };
    }),
  );
  const onNetwork = new Map(
    known.flatMap(({ name, addresses = [] }) => {
      const own = addresses.includes(declared.address) ? declared.address : undefined;
      const address = own ?? addresses.find((each) => isWithin(declared.network, each));
      return address === undefined ? [] : [[name, address] as const];
    }),
  );
  const pve = [...onNetwork].find(([, address]) => address === declared.address)?.[0];
  const unseen = known.flatMap(({ name, addresses }) => (addresses === undefined ? [name] : []));
  if (pve === undefined && unseen.length > 0)
    throw new NotReadyError(
      `no node that answers has the site's address ${declared.address}; ${unseen.join(", ")} may have it`,
      { hint: "the journal and the certificates are on that node: start it" },
    );
  return { pve: pve ?? asked, onNetwork };
}

/** Undefined when the node does not answer. */
async function addressesOf(exec: Exec): Promise<readonly string[] | undefined> {
  try {
    const { stdout } = await exec({ argv: ["ip", "-j", "-4", "addr", "show"], effect: "read" });
    return objectsOf(parseJson(stdout)).flatMap(({ addr_info }) =>
      objectsOf(addr_info).map((each) => textOf(each, "local")),
    );
  } catch (error) {
    if (isUnavailable(error)) return undefined;
    throw error;
  }
}
