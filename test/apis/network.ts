/** A network for clients' tests: every address leads to one loopback port, and what was asked is kept. */
import type { HttpRequest, HttpResponse, Network } from "../../src/hosts/network.ts";
import { createNetwork } from "../../src/hosts/real-network.ts";

export interface RecordingNetwork extends Network {
  /** "POST /api/auth", in order. */
  readonly asked: string[];
  readonly requests: HttpRequest[];
  /** Replaces the answer, or throws, where it returns something; called before the request is sent. */
  intercept: (
    request: HttpRequest,
    send: () => Promise<HttpResponse>,
  ) => HttpResponse | Promise<HttpResponse> | undefined;
}

/** @param port of the server, looked up for each request */
export function recordingNetwork(port: () => number): RecordingNetwork {
  const real = createNetwork({ route: async (to) => ({ ...to, address: "127.0.0.1", port: port() }) });
  const network: RecordingNetwork = {
    route: real.route,
    query: real.query,
    connect: real.connect,
    handshake: real.handshake,
    asked: [],
    requests: [],
    intercept: () => undefined,
    request: async (request) => {
      network.requests.push(request);
      network.asked.push(`${request.method} ${new URL(request.url).pathname}`);
      const send = (): Promise<HttpResponse> => real.request(request);
      return network.intercept(request, send) ?? send();
    },
  };
  return network;
}
