/** The lab's network: addresses of the site lead to loopback ports, through the lab's firewall and its faults. */
import { TransportError } from "../src/errors.ts";
import type { ConnectResult, Endpoint, Network } from "../src/hosts/network.ts";
import { createNetwork, type RealNetwork } from "../src/hosts/real-network.ts";
import { type HostName, isGuestName } from "../src/resource.ts";
import { isConnected, nodesOf, nodeUnder } from "./cluster.ts";
import { slowness } from "./exec.ts";
import { guestBy } from "./facts.ts";
import { faultsOf } from "./faults.ts";
import { verdictOf } from "./firewall.ts";
import { guestState } from "./guests.ts";
import type { NodeHost } from "./nodes.ts";
import type { Lab } from "./parts.ts";
import { addressOf } from "./programs/basics.ts";
import { playerOn, type Servers } from "./servers.ts";
import { runDueTimers } from "./timers.ts";

/** A connection that ends in silence: dropped by a firewall, or to an address that nobody has. */
export class NoAnswerError extends TransportError {
  readonly reason: "timeout" | "unreachable";

  constructor({ address, port }: Endpoint, reason: "timeout" | "unreachable") {
    const words = reason === "timeout" ? "timed out" : "no route to host";
    super(`${address}:${port}`, `connecting to ${address}:${port} failed: ${words}`);
    this.reason = reason;
  }
}

/** Nothing has listened on this port of a loopback interface for decades (tcpmux): connecting is refused at once. */
const closedPort = 1;

const loopback = "127.0.0.1";

/** How long a test connection may take on loopback, in milliseconds. */
const connectMs = 3_000;

/** @throws NoAnswerError */
export async function routeTo(lab: Lab, servers: Servers, from: HostName, to: Endpoint): Promise<Endpoint> {
  await runDueTimers(lab);
  const host = hostAt(lab, from, to.address) ?? (await holderOf(lab, to.address));
  if (host === undefined) throw new NoAnswerError(to, "unreachable");
  if (isGuestName(host) && guestState(lab, host) !== "running") throw new NoAnswerError(to, "unreachable");
  if (!isConnected(lab, nodeUnder(lab, from), nodeUnder(lab, host)))
    throw new NoAnswerError(to, "unreachable");
  const refused: Endpoint = { protocol: to.protocol, address: loopback, port: closedPort };
  if (host !== from) {
    const verdict = await verdictOf(lab, { from, to: host, source: addressOf(lab, from), ...endpointOf(to) });
    if (verdict === "DROP") throw new NoAnswerError(to, "timeout");
    if (verdict === "REJECT") return refused;
  }
  const player = await playerOn(lab, from, host, to);
  // An agent, or the name server of another node, is one of several: what breaks another host does not break this one's.
  const isOneOfMany = player?.role === "agent" || (player?.role === "dns" && host !== "pve");
  const target = player === undefined || isOneOfMany ? host : player.role;
  await slowness(lab, target);
  const isRefused =
    lab.fault("refused", target) !== undefined ||
    (isOneOfMany &&
      faultsOf(lab.store).some((each) => each.fault === "refused" && each.target === player?.role));
  if (player === undefined || isRefused) return refused;
  return { protocol: to.protocol, address: loopback, port: await servers.portOf(player) };
}

/** The guest that keepalived gives an address to; the first to answer where several have it. */
async function holderOf(lab: Lab, address: string): Promise<HostName | undefined> {
  const { holdersOf } = await import("./keepalived/pair.ts");
  return (await holdersOf(lab, address))[0];
}

function endpointOf({ protocol, address, port }: Endpoint) {
  return { protocol, destination: address, port };
}

/** The machine that an address leads to; undefined for one that nobody has. */
export function hostAt(lab: Lab, from: HostName, address: string): HostName | undefined {
  if (address.startsWith("127.")) return from;
  const node = nodesOf(lab).find((each) => each.address === address);
  if (node !== undefined) return node.host;
  return guestBy(lab.facts, address)?.host;
}

/** The network as a node sees it. */
export function labNetwork(lab: Lab, entry: NodeHost): RealNetwork {
  const route = (to: Endpoint): Promise<Endpoint> => lab.route(entry, to);
  const connect = async (address: string, port: number): Promise<ConnectResult> => {
    try {
      const to = await route({ protocol: "tcp", address, port });
      const { tryConnect } = await import("../src/hosts/sockets.ts");
      return await tryConnect(to, AbortSignal.timeout(connectMs));
    } catch (error) {
      if (error instanceof NoAnswerError) return { ok: false, reason: error.reason };
      throw error;
    }
  };
  const network = createNetwork({ route, connect, signal: lab.signal });
  const handshake: Network["handshake"] = async (address, port, options) => {
    try {
      return await network.handshake(address, port, options);
    } catch (error) {
      if (!(error instanceof NoAnswerError)) throw error;
      return { ok: false, reason: error.reason === "timeout" ? "timed out" : "no route to host" };
    }
  };
  const request: Network["request"] = async ({ fingerprint, ...asked }) => {
    if (fingerprint === undefined) return network.request(asked);
    const { pinnedIn } = await import("./existing-portainer.ts");
    return network.request({ ...asked, fingerprint: pinnedIn(lab, fingerprint) });
  };
  return { ...network, handshake, request };
}
