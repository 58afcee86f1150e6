/** The gateway's Nginx on loopback: TLS by the name in the handshake, then what the loaded configuration says. */
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer, type Socket } from "node:net";
import { createSecureContext, type SecureContext, TLSSocket } from "node:tls";
import type { HostName } from "../../src/resource.ts";
import type { LabServer } from "../context.ts";
import { answerText, forward, withoutHops } from "../http-forward.ts";
import { closedSockets, listening } from "../listen.ts";
import type { Lab } from "../parts.ts";
import { addressOf } from "../programs/basics.ts";
import { foreignCertificate } from "../self-signed.ts";
import { readHello, unrecognizedName } from "../tls-hello.ts";
import type { TlsPair } from "../x509.ts";
import { named } from "./config.ts";
import { type LoadedNginx, loadedNginx } from "./load.ts";
import { type NginxAction, nginxAction, nginxListener, nginxServer, page } from "./serve.ts";

/** @param from the machine whose connections arrive here: the client that Nginx sees */
export async function startNginx(lab: Lab, host: HostName, port: number, from: HostName): Promise<LabServer> {
  const clientAddress = addressOf(lab, from);
  const names = new WeakMap<object, string>();
  const http = createHttpServer((request, response) => {
    const loaded = loadedNginx(lab, host);
    const secure = request.socket instanceof TLSSocket;
    const action: NginxAction =
      loaded === undefined
        ? { kind: "close" }
        : lab.fault("error-500", "gateway") !== undefined
          ? page(500, "Internal Server Error")
          : nginxAction(loaded, {
              port,
              secure,
              serverName: names.get(request.socket) ?? "",
              method: request.method ?? "GET",
              uri: request.url ?? "/",
              headers: withoutHops(request),
              clientAddress,
            });
    perform(lab, host, action, request, response).catch(() => response.destroy());
  });
  const entrance = createServer((socket) => {
    socket.on("error", () => {});
    const loaded = loadedNginx(lab, host);
    if (loaded === undefined) return socket.destroy();
    if (nginxListener(loaded, port)?.secure !== true) return http.emit("connection", socket);
    return readHello(socket).then(
      async (serverName) => {
        const context = await contextFor(lab, loaded, port, serverName);
        if (context === undefined) return socket.end(unrecognizedName);
        const secured = new TLSSocket(socket, { isServer: true, secureContext: context });
        secured.on("error", () => secured.destroy());
        names.set(secured, serverName);
        return http.emit("connection", secured);
      },
      () => socket.destroy(),
    );
  });
  return listening(entrance, closedSockets(entrance));
}

/** The certificate for a name; undefined where the handshake is rejected. */
async function contextFor(
  lab: Lab,
  loaded: LoadedNginx,
  port: number,
  serverName: string,
): Promise<SecureContext | undefined> {
  const server = nginxServer(loaded, port, serverName);
  const value = (name: string): string | undefined => named(server?.block, name)[0]?.args[0];
  if (server === undefined || value("ssl_reject_handshake") === "on") return undefined;
  if (lab.fault("wrong-certificate", "gateway") !== undefined) return contextOf(await foreignCertificate());
  const cert = loaded.files[value("ssl_certificate") ?? ""];
  const key = loaded.files[value("ssl_certificate_key") ?? ""];
  return cert === undefined || key === undefined ? undefined : contextOf({ cert, key });
}

/** Contexts by what they are made of: making one costs more than a handshake, and a gateway has few certificates. */
const contexts = new Map<string, SecureContext>();
const contextsKept = 20;

function contextOf({ cert, key }: TlsPair): SecureContext {
  const id = cert + key;
  const context = contexts.get(id) ?? createSecureContext({ cert, key });
  if (contexts.size >= contextsKept) contexts.clear();
  contexts.set(id, context);
  return context;
}

async function perform(
  lab: Lab,
  host: HostName,
  action: NginxAction,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  switch (action.kind) {
    case "close":
      request.socket.destroy();
      return;
    case "answer":
      return answerText(response, action.status, action.text, { ...action.headers, server: "nginx" });
    case "file":
      return sendFile(lab, host, action, response);
    case "proxy": {
      const { address, port, path, headers, secure } = action;
      const ended = await forward(lab, request, response, {
        from: host,
        address,
        port,
        path,
        headers,
        ...(secure ? { tls: { insecure: true } } : {}),
      });
      if (ended === "answered") return;
      const error = ended === "timeout" ? page(504, "Gateway Time-out") : page(502, "Bad Gateway");
      return perform(lab, host, error, request, response);
    }
  }
}

async function sendFile(
  lab: Lab,
  host: HostName,
  { root, path }: { root: string; path: string },
  response: ServerResponse,
): Promise<void> {
  const wanted = `${root}${decodeURIComponent(path)}`;
  const index = ["index.html", "index.htm", "index.nginx-debian.html"].map(
    (name) => `${wanted.replace(/\/$/, "")}/${name}`,
  );
  const file = [wanted, ...index].find((candidate) => lab.files.status(host, candidate)?.kind === "file");
  const missing = page(404, "Not Found");
  if (file !== undefined)
    return answerText(response, 200, lab.files.read(host, file).toString("utf8"), { server: "nginx" });
  if (missing.kind === "answer") answerText(response, missing.status, missing.text, missing.headers);
}

/** Whether the gateway listens on a port at all, by what it has loaded. */
export function nginxListens(lab: Lab, host: HostName, port: number): boolean {
  const loaded = loadedNginx(lab, host);
  return loaded !== undefined && nginxListener(loaded, port) !== undefined;
}

/** Connections of a socket that nobody handles further. */
export type Connection = Socket;
