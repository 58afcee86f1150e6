/** A loopback server that plays an API of the fabric: HTTP over TLS as its machine serves it, with the lab's faults. */
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttps } from "node:https";
import { createServer, type Socket } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { TLSSocket } from "node:tls";
import type { LabServer } from "./context.ts";
import { closedSockets, type ListenOn, listening } from "./listen.ts";
import { foreignCertificate } from "./self-signed.ts";
import type { TlsPair } from "./x509.ts";

export interface ApiRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Where it came from. */
  readonly address: string;
  /** The client's certificate, when it showed one. */
  readonly peer?: Buffer;
}

export interface ApiResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** What goes on while it is sent (a log that is followed) comes as a stream. */
  readonly body?: string | Buffer | Readable;
}

/** Undefined ends the connection without an answer. */
export type ApiApp = (request: ApiRequest) => Promise<ApiResponse | undefined>;

export interface ApiServerOptions {
  /** Whether a fault hits this very server. Refused and slow connections are the lab's network's business. */
  readonly broken: (fault: "wrong-certificate" | "error-500") => boolean;
  /** What a new connection is served with; "plain" for no TLS; undefined while the machine's process does not run. */
  readonly tls: () => TlsPair | "plain" | undefined;
  /** Roots that a client's certificate may lead to (PEM); absent asks for none. */
  readonly clientRoots?: () => readonly string[];
  readonly app: ApiApp;
  /** What the fault error-500 answers. */
  readonly failure: ApiResponse;
  /** Absent: a free port of the loopback. */
  readonly listen?: ListenOn;
}

export async function serveApi(options: ApiServerOptions): Promise<LabServer> {
  const { broken, clientRoots } = options;
  const stranger = await foreignCertificate();
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    void respond(options, request, response);
  };
  const plain = createHttp(answer);
  const secure = createHttps(
    { ...stranger, requestCert: clientRoots !== undefined, rejectUnauthorized: false },
    answer,
  );
  /** What the server's context was made of. */
  let current = "";
  // Connections are taken before TLS begins, so that a server that does not run can refuse them.
  const front = createServer((socket: Socket) => {
    const pair = options.tls();
    if (pair === undefined) socket.destroy();
    else if (pair === "plain") plain.emit("connection", socket);
    else {
      const ca = clientRoots?.();
      const served = broken("wrong-certificate") ? stranger : pair;
      const wanted = [served.cert, served.key, ...(ca ?? [])].join("");
      try {
        // Making a context costs more than a handshake.
        if (wanted !== current)
          secure.setSecureContext({ ...served, ...(ca === undefined ? {} : { ca: [...ca] }) });
        current = wanted;
      } catch {
        current = "";
        // A pair that does not fit together: no handshake can succeed with it.
        socket.destroy();
        return;
      }
      secure.emit("connection", socket);
    }
  });
  secure.on("tlsClientError", () => {});
  return listening(front, closedSockets(front), options.listen);
}

async function respond(
  { app, broken, failure }: ApiServerOptions,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const request = await received(message);
    const answer = broken("error-500") ? failure : await app(request);
    if (answer === undefined) {
      message.socket.destroy();
      return;
    }
    const { status, headers = {}, body = "" } = answer;
    if (body instanceof Readable) {
      response.writeHead(status, headers).flushHeaders();
      await pipeline(body, response).catch(() => response.destroy());
      return;
    }
    response.writeHead(status, { ...headers, "content-length": String(Buffer.byteLength(body)) });
    response.end(request.method === "HEAD" ? "" : body);
  } catch (error) {
    // A fault of the lab itself: it must show, not look like an answer of the machine it plays.
    response.writeHead(500, { "content-type": "text/plain" });
    response.end(`the lab failed: ${error instanceof Error ? error.stack : String(error)}\n`);
  }
}

async function received(message: IncomingMessage): Promise<ApiRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  const url = new URL(message.url ?? "/", "http://localhost");
  const { socket } = message;
  const peer = socket instanceof TLSSocket ? socket.getPeerX509Certificate()?.raw : undefined;
  return {
    method: message.method ?? "GET",
    path: url.pathname,
    query: url.searchParams,
    headers: Object.fromEntries(
      Object.entries(message.headers).map(([name, value]) => [
        name,
        Array.isArray(value) ? value.join(", ") : (value ?? ""),
      ]),
    ),
    body: Buffer.concat(chunks),
    address: socket.remoteAddress ?? "",
    ...(peer === undefined ? {} : { peer }),
  };
}

/** A JSON answer. */
export function json(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): ApiResponse {
  return {
    status,
    headers: { "content-type": "application/json", ...headers },
    body: `${JSON.stringify(value)}\n`,
  };
}
