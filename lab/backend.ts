/** Services that guests and containers run: they answer 200 with their own name and what they were sent. */
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { createServer } from "node:net";
import type { HostName } from "../src/resource.ts";
import type { LabServer } from "./context.ts";
import { answerText, withoutHops } from "./http-forward.ts";
import { closedSockets, listening } from "./listen.ts";
import type { TlsPair } from "./x509.ts";

export interface BackendSettings {
  /** What it calls itself in its answers. */
  readonly name: string;
  readonly host: HostName;
  readonly port: number;
  /** Absent for plain HTTP. */
  readonly tls?: TlsPair;
}

export function startBackend({ name, host, port, tls }: BackendSettings): Promise<LabServer> {
  const listener: RequestListener = (request, response) => {
    const { method, url } = request;
    const text = `${JSON.stringify({ name, host, port, method, url, headers: withoutHops(request) }, null, 2)}\n`;
    request.resume();
    answerText(response, 200, text, { "content-type": "application/json" });
  };
  const server = tls === undefined ? createHttpServer(listener) : createHttpsServer(tls, listener);
  return listening(server, closedSockets(server));
}

/** Accepts connections and says what such a service says first: enough for whoever only asks whether it is there. */
export function startAcceptor(greeting: string): Promise<LabServer> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.resume();
    if (greeting !== "") socket.write(greeting);
  });
  return listening(server, closedSockets(server));
}
