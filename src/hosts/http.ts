/** One HTTP request over its own connection: nothing is kept alive, so every request proves a fresh path. */
import { type IncomingMessage, request } from "node:http";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Endpoint, HttpRequest, HttpResponse } from "./network.ts";
import { openTcp, openTls } from "./sockets.ts";

/** Larger than any answer that Phoenix reads, in bytes. */
const bodyLimit = 16 * 1024 * 1024;

/** @param route where to connect @throws Error with the reason; `signal` aborted ends the exchange with its reason */
export async function exchange(
  asked: HttpRequest,
  route: (to: Endpoint) => Promise<Endpoint>,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const url = new URL(asked.url);
  const secure = url.protocol === "https:";
  const port = url.port === "" ? (secure ? 443 : 80) : Number(url.port);
  const endpoint = await route({ protocol: "tcp", address: url.hostname, port });
  signal.throwIfAborted();
  const servername = asked.hostname ?? url.hostname;
  const roots = asked.ca === undefined ? undefined : [asked.ca];
  const strict = asked.insecure !== true && asked.fingerprint === undefined;
  const socket = secure
    ? await openTls(endpoint, { servername, roots, strict }, signal)
    : await openTcp(endpoint, signal);
  try {
    if (asked.fingerprint !== undefined) refuseOther(socket, asked.fingerprint);
    return await talk(socket, asked, url, signal);
  } finally {
    socket.destroy();
  }
}

/** Before anything is sent. @throws Error when the server has another certificate than the one with this fingerprint */
function refuseOther(socket: Socket, fingerprint: string): void {
  const served = socket instanceof TLSSocket ? socket.getPeerX509Certificate()?.fingerprint256 : undefined;
  if (served?.replaceAll(":", "") === fingerprint) return;
  throw new Error(`its certificate has another fingerprint: ${served ?? "it has none"}`);
}

/** To Node the request is always plain HTTP: the given connection may be TLS. */
function talk(socket: Socket, asked: HttpRequest, url: URL, signal: AbortSignal): Promise<HttpResponse> {
  const host = (asked.hostname ?? url.hostname) + (url.port && `:${url.port}`);
  const body = typeof asked.body === "string" ? Buffer.from(asked.body) : asked.body;
  return new Promise((resolve, reject) => {
    const sent = request({
      createConnection: () => socket,
      method: asked.method,
      path: `${url.pathname}${url.search}`,
      headers: {
        host,
        ...(body === undefined ? {} : { "content-length": String(body.length) }),
        ...asked.headers,
        connection: "close",
      },
      signal,
    });
    sent.on("error", reject);
    sent.on("response", (response) => {
      collect(response).then(resolve, reject);
    });
    sent.end(body);
  });
}

async function collect(response: IncomingMessage): Promise<HttpResponse> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    bytes += chunk.length;
    if (bytes > bodyLimit) throw new Error(`the answer is longer than ${bodyLimit / 1024 / 1024} MiB`);
    chunks.push(chunk);
  }
  const headers = Object.entries(response.headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(", ") : (value ?? ""),
  ]);
  return {
    status: response.statusCode ?? 0,
    headers: Object.fromEntries(headers),
    text: Buffer.concat(chunks).toString("utf8"),
  };
}
