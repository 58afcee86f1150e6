/** The page's server: read-only, for those who have the token. It keeps no log, so no token is ever in one. */
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createSecureServer, type Server as SecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { DashboardDocument } from "../render/output-dashboard.ts";
import { type Access, openAccess } from "./access.ts";
import type { Assets } from "./assets.ts";
import { openEvents } from "./events.ts";
import { servedPage, servedPolicy } from "./html.ts";

/** A certificate and its key, as PEM texts. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export interface ServerOptions {
  readonly assets: Assets;
  /** An IP address of this machine. */
  readonly address: string;
  /** 0 for any free port. */
  readonly port: number;
  /** What else the server answers to, besides its address. */
  readonly names: readonly string[];
  /** The name in the address that is printed; the address itself otherwise. */
  readonly shown?: string;
  /** Serve HTTPS. */
  readonly keyPair?: KeyPair;
}

export interface DashboardServer {
  /** With its token. */
  readonly url: string;
  /** Pages that are open. */
  readonly pages: number;
  /** Shows another document: every open page loads it. */
  show(document: DashboardDocument): void;
  /** Tells open pages of a run in progress, which is part of the document from then on; undefined when it has ended. */
  showLive(live: DashboardDocument["live"]): void;
  /** Serves a renewed certificate from now on. */
  renew(pair: KeyPair): void;
  close(): Promise<void>;
}

/** @throws Node's error when it cannot listen: EADDRINUSE, EADDRNOTAVAIL, EACCES */
export async function startServer(options: ServerOptions): Promise<DashboardServer> {
  const { address, names, keyPair } = options;
  const events = openEvents();
  const page = servedPage(options.assets);
  let document: DashboardDocument | undefined;
  let access: Access | undefined;
  const answer: RequestListener = (request, response) => {
    for (const [name, value] of headers) response.setHeader(name, value);
    const refusal = access === undefined ? starting : refusalOf(request, access);
    if (refusal !== undefined) return refuse(response, ...refusal);
    if (access?.allows(request) === "token") response.setHeader("set-cookie", access.cookie);
    const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
    const file = page.files.get(path);
    if (path === "/") return send(request, response, "text/html; charset=utf-8", page.html);
    if (file !== undefined) {
      response.setHeader("cache-control", "private, max-age=31536000, immutable");
      return send(request, response, file.type, file.text);
    }
    if (path === "/data.json" && document !== undefined)
      return send(request, response, "application/json", JSON.stringify(document));
    if (path === "/events" && request.method === "GET" && events.add(response)) return;
    refuse(response, ...(refusals.get(path) ?? notFound));
  };
  const server =
    keyPair === undefined
      ? createServer(limits, answer)
      : createSecureServer({ ...limits, ...keyPair }, answer);
  server.maxConnections = mostConnections;
  const port = await listen(server, address, options.port);
  const host = address.includes(":") ? `[${address}]` : address;
  access = openAccess(new Set([host, ...names]), port, keyPair !== undefined);
  const scheme = keyPair === undefined ? "http" : "https";
  return {
    url: `${scheme}://${options.shown ?? host}:${port}/?token=${access.token}`,
    get pages() {
      return events.count;
    },
    show: (shown) => {
      document = shown;
      events.send("page", "{}");
    },
    showLive: (live) => {
      if (document === undefined) return;
      const { live: _, ...rest } = document;
      document = live === undefined ? rest : { ...rest, live };
      events.send("live", JSON.stringify(live ?? null));
    },
    renew: (pair) => {
      if ("setSecureContext" in server) server.setSecureContext(pair);
    },
    close: () => {
      events.close();
      return closed(server);
    },
  };
}

function closed(server: Server | SecureServer): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** Slow or idle clients do not keep a connection forever. Milliseconds. */
const limits = {
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  connectionsCheckingInterval: 5_000,
  maxHeaderSize: 16_384,
};
const mostConnections = 256;

const headers = new Map([
  ["content-security-policy", servedPolicy],
  ["x-content-type-options", "nosniff"],
  ["x-frame-options", "DENY"],
  ["referrer-policy", "no-referrer"],
  ["cross-origin-opener-policy", "same-origin"],
  ["cross-origin-resource-policy", "same-origin"],
  ["cache-control", "no-store"],
]);

type Refusal = readonly [status: number, why: string];

const starting: Refusal = [503, "starting"];
const notFound: Refusal = [404, "not found"];
/** Where a known path cannot be answered now. */
const refusals: ReadonlyMap<string, Refusal> = new Map([
  ["/data.json", starting],
  ["/events", [503, "too many pages are open"]],
]);

function refusalOf(request: IncomingMessage, access: Access): Refusal | undefined {
  if (!access.isMeant(request)) return [421, "not a name of this dashboard"];
  if (access.allows(request) === undefined)
    return [401, "token missing or wrong: open the address that phoenix dashboard printed"];
  return request.method === "GET" || request.method === "HEAD" ? undefined : [405, "read-only"];
}

function send(request: IncomingMessage, response: ServerResponse, type: string, text: string): void {
  response.writeHead(200, { "content-type": type, "content-length": Buffer.byteLength(text) });
  response.end(request.method === "HEAD" ? undefined : text);
}

function refuse(response: ServerResponse, status: number, why: string): void {
  if (status === 405) response.setHeader("allow", "GET, HEAD");
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
  response.end(`${why}\n`);
}

function listen(server: Server | SecureServer, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}
