/** Passing an HTTP request on to another lab machine, body and all, as gateway and mesh do. */
import { request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
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
  const endpoint = await endpointOf(lab, target);
  if (endpoint === undefined) return "timeout";
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

/** A machine of the lab and a port of another one that it asks. */
interface Asked {
  readonly from: HostName;
  readonly address: string;
  readonly port: number;
}

/** Whether a connection can be made. */
export async function connects(lab: Pick<Lab, "route">, { from, address, port }: Asked): Promise<boolean> {
  const endpoint = await endpointOf(lab, { from, address, port });
  if (endpoint === undefined) return false;
  return new Promise((resolve) => {
    const socket = connect(endpoint.port, endpoint.address);
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

/** The status of the answer to a GET without TLS; undefined when there is none. */
export async function statusOf(
  lab: Pick<Lab, "route">,
  { host, path, ...asked }: Asked & { readonly host: string; readonly path: string },
): Promise<number | undefined> {
  const endpoint = await endpointOf(lab, asked);
  if (endpoint === undefined) return undefined;
  return new Promise((resolve) => {
    const options = { host: endpoint.address, port: endpoint.port, path, headers: { host }, agent: false };
    const asking = httpRequest(options, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    asking.on("error", () => resolve(undefined)).end();
  });
}

async function endpointOf(
  lab: Pick<Lab, "route">,
  { from, address, port }: Asked,
): Promise<Endpoint | undefined> {
  try {
    return await lab.route(from, { protocol: "tcp", address, port });
  } catch (error) {
    if (error instanceof TransportError) return undefined;
    throw error;
  }
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
