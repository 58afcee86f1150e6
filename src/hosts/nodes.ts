/** The nodes of a Proxmox cluster, and how commands get to each. A single host is its own only node. */
import pLimit from "p-limit";
import type { Cluster, ClusterNode } from "../cluster.ts";
import type { Clock } from "../component.ts";
import { NotReadyError, TransportError } from "../errors.ts";
import type { GuestName } from "../resource.ts";
import type { Exec } from "./host.ts";
import { type Members, readMembers } from "./members.ts";
import { nodeWays } from "./node-ways.ts";
import { type Declared, type Whereabouts, whichIsPve } from "./which-node.ts";

export interface NodesOptions {
  /** Runs commands on the node that Phoenix entered by. */
  readonly entry: Exec;
  readonly clock: Clock;
  /** Absent where there is no site yet: then the entry node is "pve". */
  readonly declared?: Declared | undefined;
  /** Commands at a time on each node. */
  readonly parallel?: number | undefined;
}

export interface Nodes {
  /** The cluster's members as they were seen last; looked at when they are first asked for. */
  members(): Promise<Members>;
  /** Whoever asks next looks again. @param old what turned out to be out of date, if nobody looked again since */
  lookAgain(old: Members): Promise<void>;
  /** Runs commands on "pve". */
  readonly pve: Exec;
  /** Runs commands on the node with this name in the cluster; they throw a TransportError when it is no member, or offline. */
  on(name: string): Exec;
  /**
   * The cluster as a session adds it to the site; undefined on a single host.
   * @throws NotReadyError when /etc/pve is not mounted, or the node that is "pve" is not there; TransportError
   */
  cluster(): Promise<Cluster | undefined>;
  /** Ends the shared connections, by commands of `entry`. */
  close(entry: Exec): Promise<void>;
}

/** The default of `parallel`: each command is a process on its node, a guest's a Perl program. */
const defaultParallel = 8;

export function openNodes({ entry, clock, declared, parallel = defaultParallel }: NodesOptions): Nodes {
  const members = remembered(() => readMembers(entry));
  const ways = nodeWays(entry, clock, parallel);
  // Guests mostly wait, so the hypervisor's own commands have a queue of their own.
  const [own, guests] = [pLimit(parallel), pLimit(parallel)];
  const on =
    (name: string): Exec =>
    async (command) => {
      const known = await members.get();
      const { asked, nodes } = known;
      if (asked === undefined || name === asked) return guests(() => entry(command));
      const node = nodes.get(name);
      if (node === undefined)
        throw new TransportError(`node ${name}`, `the cluster has no node ${name} (/etc/pve/.members)`);
      if (!node.online) throw offline(name);
      if (node.address === undefined)
        throw new TransportError(`node ${name}`, `/etc/pve/.members has no address for node ${name}`);
      const way = await ways.to(name, node.address, [...nodes.keys()]);
      try {
        return await way.exec(command);
      } catch (error) {
        // It may have gone, and its guests to another.
        if (error instanceof TransportError) await members.forget(known);
        throw error;
      }
    };
  const whereabouts = remembered(async () => whichIsPve(await members.get(), on, declared));
  /** Undefined for the entry node. */
  const pveElsewhere = async (): Promise<string | undefined> => {
    if (declared === undefined) return undefined;
    const { asked, cluster } = await members.get().catch(unlessUnmounted);
    if (cluster === undefined) return undefined;
    const { pve } = await whereabouts.get();
    return pve === asked ? undefined : pve;
  };
  return {
    members: members.get,
    lookAgain: members.forget,
    on,
    pve: async (command) => {
      const elsewhere = await pveElsewhere();
      return elsewhere === undefined ? own(() => entry(command)) : on(elsewhere)(command);
    },
    cluster: async () => {
      const known = await members.get();
      return known.cluster === undefined
        ? undefined
        : clusterOf(known, await whereabouts.get(), known.cluster);
    },
    close: ways.close,
  };
}

/** Where nothing is mounted nobody can be told apart, and the entry node is where that is put right. */
function unlessUnmounted(error: unknown): Pick<Members, "asked" | "cluster"> {
  if (error instanceof NotReadyError) return { asked: undefined, cluster: undefined };
  throw error;
}

function offline(name: string): TransportError {
  return new TransportError(`node ${name}`, `node ${name} is offline`, {
    hint: "start it, or move its guests",
  });
}

function clusterOf(
  { asked, nodes, guests = new Map() }: Members,
  { pve, onNetwork }: Whereabouts,
  { name, quorate }: NonNullable<Members["cluster"]>,
): Cluster {
  if (pve !== asked && nodes.get(pve)?.online === false)
    throw new NotReadyError(
      `${pve} (${onNetwork.get(pve)}), which has the journal and the certificates, is offline`,
      {
        hint: `start it; or give its address to another node, with /var/lib/phoenix`,
      },
    );
  const others = [...nodes].filter(([each]) => each !== pve);
  const list = others.map(
    ([each, { address = "", online }]): ClusterNode => ({
      host: `node/${each}`,
      name: each,
      address: onNetwork.get(each) ?? address,
      online,
    }),
  );
  return {
    name,
    own: pve,
    entry: asked === undefined || asked === pve ? "pve" : `node/${asked}`,
    quorate,
    nodes: list.sort((a, b) => (a.name < b.name ? -1 : 1)),
    placement: new Map(
      [...guests].map(([id, { kind, node }]): [GuestName, string] => [`${kind}/${id}`, node]),
    ),
  };
}

/** Something that is looked at once for all who ask, and again after a failure. */
function remembered<T>(look: () => Promise<T>): { get(): Promise<T>; forget(old: T): Promise<void> } {
  let seen: Promise<T> | undefined;
  return {
    get: () => {
      if (seen !== undefined) return seen;
      const looking = look();
      seen = looking;
      looking.catch(() => {
        if (seen === looking) seen = undefined;
      });
      return looking;
    },
    forget: async (old) => {
      const looked = seen;
      if ((await looked?.catch(() => undefined)) === old && seen === looked) seen = undefined;
    },
  };
}
