/** The network as this machine sees it, or as the hypervisor does behind a tunnel. */
import { setMaxListeners } from "node:events";
import { TransportError } from "../errors.ts";
import { interrupted, seconds } from "./clock.ts";
import { reasonOf } from "./connection-error.ts";
import { describeRequest } from "./decorators.ts";
import type { DnsAnswer, Endpoint, HandshakeResult, Network } from "./network.ts";

/** How long a DNS server may take; it is asked three times. A busy machine needs its time. Milliseconds. */
const queryMs = 2_000;
/** Long enough for a retransmitted SYN (1 s), short enough to find a dropped packet's path. Milliseconds. */
const connectMs = 3_000;
const handshakeMs = 5_000;
const defaultRequestMs = 10_000;

export interface NetworkOptions {
  /** Where to connect instead; UDP may become TCP. Absent: straight there. */
  readonly route?: (to: Endpoint) => Promise<Endpoint>;
  /** Replaces the test connection where a tunnel would accept anything. */
  readonly connect?: Network["connect"];
  /** Aborted: requests end with InterruptedError. */
  readonly signal?: AbortSignal;
}

export interface RealNetwork extends Network {
  /** Ends requests that are under way; later ones fail. */
  close(): Promise<void>;
}

export function createNetwork(options: NetworkOptions = {}): RealNetwork {
  const closed = new AbortController();
  const stops = [closed.signal, ...(options.signal === undefined ? [] : [options.signal])];
  // Every request under way listens; Node takes more than ten listeners for a leak, and says so on standard error.
  setMaxListeners(0, ...stops);
  const underWay = new Set<AbortController>();
  const endAll = (): void => {
    for (const each of underWay) each.abort();
  };
  for (const stop of stops) stop.addEventListener("abort", endAll, { once: true });
  /**
   * Its signal is kept alive by the timer: of AbortSignal.any([AbortSignal.timeout(ms)]) Node 20 may collect the inner
   * signal, which then never fires, and a dropped packet is waited for as long as the kernel does (127 s).
   */
  const within = async <T>(ms: number, action: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const own = new AbortController();
    const timer = setTimeout(() => own.abort(), ms);
    underWay.add(own);
    if (stops.some(({ aborted }) => aborted)) own.abort();
    try {
      return await action(own.signal);
    } finally {
      clearTimeout(timer);
      underWay.delete(own);
    }
  };
  const refuseStopped = (): void => {
    if (stops.some(({ aborted }) => aborted)) throw interrupted();
  };
  /** Nothing starts after the end, and what the end cut off is no result. */
  const whileOpen = async <T>(action: () => Promise<T>): Promise<T> => {
    refuseStopped();
    return action().finally(refuseStopped);
  };
  const route = options.route ?? (async (to: Endpoint) => to);

  return {
    route: (to) => whileOpen(() => route(to)),

    query: (server, name, type) =>
      whileOpen(async () => {
        const to = await route({ protocol: "udp", address: server, port: 53 });
        const { askDns } = await import("./dns-query.ts");
        const ask = (): Promise<DnsAnswer> => askDns(to, { name, type }, queryMs);
        try {
          return await ask().catch(ask).catch(ask);
        } catch (error) {
          throw new TransportError(
            `dns ${server}`,
            `asking ${server} for ${name} (${type}) failed: ${reasonOf(error)}`,
          );
        }
      }),

    connect: (address, port, timeoutMs = connectMs) =>
      whileOpen(async () => {
        if (options.connect !== undefined) return options.connect(address, port, timeoutMs);
        const { tryConnect } = await import("./sockets.ts");
        const to = await route({ protocol: "tcp", address, port });
        return within(timeoutMs, (signal) => tryConnect(to, signal));
      }),

    handshake: (address, port, handshake) =>
      whileOpen(async () => {
        const { tryHandshake } = await import("./sockets.ts");
        const to = await route({ protocol: "tcp", address, port });
        const ask = (): Promise<HandshakeResult> =>
          within(handshakeMs, (signal) => tryHandshake(to, handshake, signal));
        const seen = await ask();
        // A machine that was busy for a moment gets a second chance: good changes are taken back on this word.
        return !seen.ok && seen.reason === "timed out" ? ask() : seen;
      }),

    request: (asked) =>
      whileOpen(async () => {
        const timeoutMs = asked.timeoutMs ?? defaultRequestMs;
        const { exchange } = await import("./http.ts");
        return within(timeoutMs, async (signal) => {
          try {
            return await exchange(asked, route, signal);
          } catch (error) {
            if (error instanceof TransportError) throw error;
            const reason = signal.aborted ? `no answer within ${seconds(timeoutMs)}` : reasonOf(error);
            throw new TransportError(
              new URL(asked.url).origin,
              `${describeRequest(asked)} failed: ${reason}`,
            );
          }
        });
      }),

    close: async () => {
      closed.abort();
      options.signal?.removeEventListener("abort", endAll);
    },
  };
}
