/** The mesh's Traefik on loopback: one listener for each entry point. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { HostName } from "../../src/resource.ts";
import type { LabServer } from "../context.ts";
import { answerText, connects, forward, statusOf, withoutHops } from "../http-forward.ts";
import { closedSockets, listening } from "../listen.ts";
import type { Lab } from "../parts.ts";
import { addressOf } from "../programs/basics.ts";
import { traefikApi } from "./api.ts";
import { type LoadedTraefik, loadedTraefik, readDynamic } from "./load.ts";
import { type MeshAction, meshAction, type ProxyServer } from "./serve.ts";
import { stringsOf } from "./values.ts";

/** The entry point that listens on a port, by what runs. */
export function entryPointOn(lab: Lab, host: HostName, port: number): string | undefined {
  const points = loadedTraefik(lab, host)?.static.entryPoints ?? {};
  return Object.entries(points).find(([, point]) => point.port === port)?.[0];
}

/** @param from the machine whose connections arrive here: the client that Traefik sees */
export async function startTraefikServer(
  lab: Lab,
  host: HostName,
  port: number,
  from: HostName,
): Promise<LabServer> {
  const server = createServer((request, response) => {
    handle(lab, host, port, from, request, response).catch(() => response.destroy());
  });
  return listening(server, closedSockets(server));
}

async function handle(
  lab: Lab,
  host: HostName,
  port: number,
  from: HostName,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (lab.fault("error-500", "mesh") !== undefined) return answerText(response, 500, "Internal Server Error");
  // Files may have come through a mount or an editor: the watched directory is looked at before each request.
  await readDynamic(lab, host, "changed");
  const loaded = loadedTraefik(lab, host);
  const entryPoint = entryPointOn(lab, host, port);
  if (loaded === undefined || entryPoint === undefined) {
    response.destroy();
    return;
  }
  const uri = request.url ?? "/";
  if (entryPoint === "traefik") return sendApi(loaded, uri, response);
  const headers = withoutHops(request);
  const action = meshAction(loaded, {
    entryPoint,
    host: headers.host ?? "",
    method: request.method ?? "GET",
    uri,
    headers,
    clientAddress: addressOf(lab, from),
  });
  if (action.kind === "api") return sendApi(loaded, uri, response);
  if (action.kind === "answer") return answerText(response, action.status, action.text, action.headers);
  return proxy(lab, host, action, request, response);
}

type Proxied = Extract<MeshAction, { kind: "proxy" }>;

/** Requests to each mesh so far: whose turn it is. */
const turns = new WeakMap<Lab, number>();

async function proxy(
  lab: Lab,
  host: HostName,
  action: Proxied,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const turn = turns.get(lab) ?? 0;
  turns.set(lab, turn + 1);
  const healthy = await healthyServers(lab, host, action);
  if (healthy.length === 0) return answerText(response, 503, "no available server\n");
  const from = turn % healthy.length;
  const inTurn = [...healthy.slice(from), ...healthy.slice(0, from)].slice(0, action.attempts);
  const [first = action.servers[0]] = inTurn;
  const reached = inTurn.length === 1 ? first : ((await firstReached(lab, host, inTurn)) ?? first);
  await passOn(lab, host, action, reached, request, response);
}

/**
 * Those whose health check answers below 400; of a backend with TLS, those that can be connected to. Traefik asks again and again;
 * here each request finds the last answer fresh.
 */
async function healthyServers(
  lab: Lab,
  host: HostName,
  { servers, healthCheck, headers }: Proxied,
): Promise<readonly ProxyServer[]> {
  if (healthCheck === undefined) return servers;
  const path = typeof healthCheck.path === "string" ? healthCheck.path : "/";
  const healthy = await Promise.all(
    servers.map(async ({ url }) => {
      const port = healthCheck.port === undefined ? portOf(url) : Number(healthCheck.port);
      if (url.protocol === "https:")
        return (await connects(lab, { from: host, address: url.hostname, port })) ? 200 : undefined;
      const name = typeof healthCheck.hostname === "string" ? healthCheck.hostname : headers.host;
      return statusOf(lab, { from: host, address: url.hostname, port, path, host: name ?? url.host });
    }),
  );
  return servers.filter((_, at) => (healthy[at] ?? 599) < 400);
}

async function firstReached(
  lab: Lab,
  from: HostName,
  servers: readonly ProxyServer[],
): Promise<ProxyServer | undefined> {
  for (const server of servers) {
    if (await connects(lab, { from, address: server.url.hostname, port: portOf(server.url) })) return server;
  }
  return undefined;
}

function portOf({ protocol, port }: URL): number {
  return port === "" ? (protocol === "https:" ? 443 : 80) : Number(port);
}

async function passOn(
  lab: Lab,
  host: HostName,
  { headers, passHost, responseHeaders, transport }: Proxied,
  { url, path }: ProxyServer,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const secure = url.protocol === "https:";
  const roots = stringsOf(transport.rootCAs).map((root) =>
    root.includes("-----BEGIN") ? root : (lab.files.text(host, root) ?? ""),
  );
  const serverName = typeof transport.serverName === "string" ? transport.serverName : undefined;
  const ended = await forward(lab, request, response, {
    from: host,
    address: url.hostname,
    port: portOf(url),
    path,
    headers: passHost ? headers : { ...headers, host: url.host },
    responseHeaders,
    ...(secure
      ? {
          tls: {
            insecure: transport.insecureSkipVerify === true || transport.insecureSkipVerify === "true",
            ...(serverName === undefined ? {} : { servername: serverName }),
            ...(roots.length === 0 ? {} : { roots }),
          },
        }
      : {}),
  });
  if (ended === "refused") answerText(response, 502, "Bad Gateway");
  else if (ended === "timeout") answerText(response, 504, "Gateway Timeout");
  else if (ended === "untrusted") answerText(response, 500, "Internal Server Error");
}

function sendApi(loaded: LoadedTraefik, uri: string, response: ServerResponse): void {
  const { status, text, headers } = traefikApi(loaded, uri);
  answerText(response, status, text, headers ?? {});
}
