/** Passing an HTTP request on to another lab machine, body and all, as gateway and mesh do. */
import { request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { request as httpsRequest } from "node:https";
import { checkServerIdentity } from "node:tls";
import { TransportError } from "../src/errors.ts";
import type { Endpoint } from "../src/hosts/network.ts";
import type { HostName } from "../src/resource.ts";
import type { Lab } from "./parts.ts";
import { codeOf } from "./store.ts";

export interface ForwardTarget {
  /** The machine that passes the request on. */
  readonly from: HostName;
  readonly address: string;
  readonly port: number;
  /** Present for https: how the backend's certificate is judged. */
  readonly tls?: {
    readonly servername?: string;
    readonly roots?: readonly string[];
    readonly insecure: boolean;
  };
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Headers of the answer that are set; undefined takes one away. */
  readonly responseHeaders?: Readonly<Record<string, string | undefined>>;
}

/** How passing on ended: with an answer, or why there was none. */
export type Forwarded = "answered" | "refused" | "timeout" | "untrusted";

/** Headers that concern one connection only (RFC 9110, 7.6.1). */
const hopByHop = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

export async function forward(
  lab: Pick<Lab, "route">,
  incoming: IncomingMessage,
  response: ServerResponse,
  target: ForwardTarget,
): Promise<Forwarded> {
  let endpoint: Endpoint;
  try {
    endpoint = await lab.route(target.from, { protocol: "tcp", address: target.address, port: target.port });
  } catch (error) {
    if (error instanceof TransportError) return "timeout";
    throw error;
  }
  return new Promise((resolve) => {
    const options = {
      host: endpoint.address,
      port: endpoint.port,
      method: incoming.method ?? "GET",
      path: target.path,
      headers: { ...target.headers, connection: "close" },
      agent: false as const,
    };
    const { tls } = target;
    const outgoing =
      tls === undefined
        ? httpRequest(options)
        : httpsRequest({
            ...options,
            rejectUnauthorized: !tls.insecure,
            ...(tls.roots === undefined ? {} : { ca: [...tls.roots] }),
            servername: tls.servername ?? "",
            // What is checked is the configured name, or the address that was meant: never the loopback one.
            checkServerIdentity: (_, certificate) =>
              tls.insecure ? undefined : checkServerIdentity(tls.servername ?? target.address, certificate),
          });
    outgoing.on("response", (answer) => {
      response.writeHead(answer.statusCode ?? 502, { ...withoutHops(answer), ...target.responseHeaders });
      answer.pipe(response);
      answer.on("end", () => resolve("answered"));
      answer.on("error", () => {
        response.destroy();
        resolve("answered");
      });
    });
    outgoing.on("error", (error) => {
      if (response.headersSent) response.destroy();
      resolve(codeOf(error) === "ECONNREFUSED" || codeOf(error) === "ECONNRESET" ? "refused" : "untrusted");
    });
    incoming.pipe(outgoing);
  });
}

/** A message's headers, one value each, without those of the connection. */
export function withoutHops(message: IncomingMessage): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(message.headers).flatMap(([name, value]) =>
      value === undefined || hopByHop.includes(name)
        ? []
        : [[name, Array.isArray(value) ? value.join(", ") : value] as const],
    ),
  );
}

/** The whole answer at once, as text. */
export function answerText(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, {
    "content-type": "text/plain; charset=utf-8",
    "content-length": String(Buffer.byteLength(text)),
    ...headers,
  });
  response.end(text);
}
