/** The network as this machine sees it, or as the hypervisor does behind a tunnel. */
import { setMaxListeners } from "node:events";
import { TransportError } from "../errors.ts";
import { interrupted, seconds } from "./clock.ts";
import { reasonOf } from "./connection-error.ts";
import { deadline } from "./deadline.ts";
import { describeRequest } from "./decorators.ts";
import type { DnsAnswer, Endpoint, HandshakeResult, Network } from "./network.ts";

/** How long a DNS server may take for each of three tries. A busy machine needs its time. Milliseconds. */
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
  /** Ends requests under way; later ones fail. */
  close(): Promise<void>;
}

/** Requests under way, which end when their time is up, when the run is interrupted, or when the network is closed. */
class Requests {
  readonly #stops: readonly AbortSignal[];
  readonly #closed = new AbortController();
  readonly #underWay = new Set<AbortController>();

  constructor(signal: AbortSignal | undefined) {
    this.#stops = signal === undefined ? [this.#closed.signal] : [this.#closed.signal, signal];
    // Every request under way listens; Node takes more than ten listeners for a leak, and says so on standard error.
    setMaxListeners(0, ...this.#stops);
    const endAll = (): void => {
      for (const each of this.#underWay) each.abort();
    };
    this.#closed.signal.addEventListener("abort", endAll, { once: true });
    signal?.addEventListener("abort", endAll, { once: true, signal: this.#closed.signal });
  }

  close(): void {
    this.#closed.abort();
  }

  /** Nothing starts after the end, and what the end cut off is no result. */
  async whileOpen<T>(action: () => Promise<T>): Promise<T> {
    this.#refuseStopped();
    return action().finally(() => this.#refuseStopped());
  }

  /**
   * The timer keeps the signal alive: of AbortSignal.any([AbortSignal.timeout(ms)]) Node 20 may collect the inner signal,
   * which then never fires, and a dropped packet is waited for as long as the kernel does (127 s).
   */
  async within<T>(ms: number, action: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const own = new AbortController();
    const answered = deadline(ms, () => own.abort());
    this.#underWay.add(own);
    if (this.#isStopped()) own.abort();
    try {
      return await action(own.signal);
    } finally {
      answered();
      this.#underWay.delete(own);
    }
  }

  #isStopped(): boolean {
    return this.#stops.some(({ aborted }) => aborted);
  }

  #refuseStopped(): void {
    if (this.#isStopped()) throw interrupted();
  }
}

export function createNetwork(options: NetworkOptions = {}): RealNetwork {
  const requests = new Requests(options.signal);
  const route = options.route ?? (async (to: Endpoint) => to);
  return {
    route: (to) => requests.whileOpen(() => route(to)),

    query: (server, name, type) =>
      requests.whileOpen(async () => {
        const to = await route({ protocol: "udp", address: server, port: 53 });
        const { askDns } = await import("./dns-query.ts");
        const ask = (): Promise<DnsAnswer> => askDns(to, { name, type }, queryMs);
        return ask()
          .catch(ask)
          .catch(ask)
          .catch((error: unknown) => {
            const what = `asking ${server} for ${name} (${type})`;
            throw new TransportError(`dns ${server}`, `${what} failed: ${reasonOf(error)}`);
          });
      }),

    connect: (address, port, timeoutMs = connectMs) =>
      requests.whileOpen(async () => {
        if (options.connect !== undefined) return options.connect(address, port, timeoutMs);
        const { tryConnect } = await import("./sockets.ts");
        const to = await route({ protocol: "tcp", address, port });
        return requests.within(timeoutMs, (signal) => tryConnect(to, signal));
      }),

    handshake: (address, port, handshake) =>
      requests.whileOpen(async () => {
        const { tryHandshake } = await import("./sockets.ts");
        const to = await route({ protocol: "tcp", address, port });
        const ask = (): Promise<HandshakeResult> =>
          requests.within(handshakeMs, (signal) => tryHandshake(to, handshake, signal));
        const seen = await ask();
        // A machine that was busy for a moment gets a second chance: good changes would be rolled back otherwise.
        return !seen.ok && seen.reason === "timed out" ? ask() : seen;
      }),

    request: (asked) =>
      requests.whileOpen(async () => {
        const timeoutMs = asked.timeoutMs ?? defaultRequestMs;
        const { exchange } = await import("./http.ts");
        return requests.within(timeoutMs, (signal) =>
          exchange(asked, route, signal).catch((error: unknown) => {
            if (error instanceof TransportError) throw error;
            const reason = signal.aborted ? `no answer within ${seconds(timeoutMs)}` : reasonOf(error);
            const { origin } = new URL(asked.url);
            throw new TransportError(origin, `${describeRequest(asked)} failed: ${reason}`);
          }),
        );
      }),

    close: async () => requests.close(),
  };
}
