/**
 * Passes HTTP on to another server as it comes: bodies both ways while they are sent, logs that are followed, and connections
 * that become something else (attach, exec, BuildKit's sessions), which may be closed on one side only.
 */
import {
  type ClientRequest,
  createServer,
  type IncomingMessage,
  request as plainRequest,
  type Server,
  type ServerResponse,
} from "node:http";
import { type RequestOptions, request as secureRequest } from "node:https";
import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { connect as secureConnect } from "node:tls";

/** Where requests go: the options of the connection, and whether it is a TLS one. */
export interface Target extends RequestOptions {
  readonly secure?: boolean;
}

/** What is said in the target's place when it cannot be reached. */
export interface Failure {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface PassOnOptions {
  readonly target: Target;
  /** Headers that are added to every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Headers that are added to every answer. */
  readonly answerHeaders?: Readonly<Record<string, string>>;
  /** A request whose body must be read as a whole to be changed: undefined passes it on untouched. */
  readonly content?: Buffer;
  /** An answer whose body is read as a whole and changed; undefined passes it on while it comes. */
  readonly changed?: (answer: Answer) => ((body: Buffer) => Buffer) | undefined;
  readonly unreachable?: (error: Error) => Failure;
}

export interface Answer {
  readonly status: number;
  readonly contentType: string;
}

export async function passOn(
  message: IncomingMessage,
  response: ServerResponse,
  options: PassOnOptions,
): Promise<void> {
  const { content, answerHeaders = {}, changed, unreachable = badGateway } = options;
  const sent = outgoing(message, options);
  // Who stops listening to a log ends it at its source, too.
  response.once("close", () => sent.destroy());
  const answered = answerOf(sent);
  if (content === undefined) message.pipe(sent);
  else sent.end(content);
  // A refusal can come before the end of the body: the rest of the body is dropped, and the answer is still sent.
  sent.once("close", () => message.unpipe(sent).resume());
  try {
    const answer = await answered;
    const status = answer.statusCode ?? 502;
    const change = changed?.({ status, contentType: answer.headers["content-type"] ?? "" });
    const added = Object.entries(answerHeaders).flat();
    if (change === undefined) {
      response.writeHead(status, answer.statusMessage ?? "", [
        ...without(ofHop, answer.rawHeaders),
        ...added,
      ]);
      response.flushHeaders();
      await pipeline(answer, response);
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk);
    const body = change(Buffer.concat(chunks));
    const kept = without(both, answer.rawHeaders);
    response.writeHead(status, [...kept, ...added, "Content-Length", String(body.length)]);
    response.end(body);
  } catch (error) {
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    const { status, headers = {}, body = "" } = unreachable(asError(error));
    response.writeHead(status, { ...headers, ...answerHeaders });
    response.end(body);
  }
}

/** The same for a connection that asks to become something else: from here on only bytes pass, the answer's head included. */
export async function passOnUpgrade(
  message: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  { target, headers = {}, unreachable = badGateway }: PassOnOptions,
): Promise<void> {
  const other = connected(target);
  const end = (): void => {
    socket.destroy();
    other.destroy();
  };
  socket.on("error", end);
  other.once("error", (error) => {
    if (!other.connecting) return end();
    const { status, body = "" } = unreachable(error);
    socket.end(`HTTP/1.1 ${status} Unreachable\r\nConnection: close\r\n\r\n${body}`);
  });
  const { method = "POST", url = "/", rawHeaders } = message;
  const lines = pairs([...rawHeaders, ...Object.entries(headers).flat()]).map((pair) => pair.join(": "));
  other.write([`${method} ${url} HTTP/1.1`, ...lines, "", ""].join("\r\n"));
  other.write(head);
  // Each side may end its half: the output still comes when the input is over.
  socket.pipe(other);
  other.pipe(socket);
}

function connected({ secure = false, socketPath, host, port }: Target): Socket {
  if (secure) return secureConnect({ host: host ?? "", port: Number(port), rejectUnauthorized: false });
  return socketPath == null
    ? connect({ host: host ?? "", port: Number(port), allowHalfOpen: true })
    : connect({ path: socketPath, allowHalfOpen: true });
}

/** A server that passes everything on; `options` decides for each request. */
export function forwarder(
  options: (message: IncomingMessage) => PassOnOptions | Failure | Promise<PassOnOptions | Failure>,
): Server {
  // Half-closed connections and requests that take hours are normal here.
  const server = createServer({ requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 60_000 });
  server.timeout = 0;
  server.on("request", async (message, response) => {
    const chosen = await options(message);
    if ("target" in chosen) return passOn(message, response, chosen);
    response.writeHead(chosen.status, { ...chosen.headers });
    response.end(chosen.body);
  });
  server.on("upgrade", async (message, socket, head) => {
    const chosen = await options(message);
    if ("target" in chosen) return passOnUpgrade(message, socket, head, chosen);
    socket.end(`HTTP/1.1 ${chosen.status} Refused\r\nConnection: close\r\n\r\n${chosen.body ?? ""}`);
  });
  return server;
}

export async function wholeBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function outgoing(message: IncomingMessage, { target, headers = {}, content }: PassOnOptions): ClientRequest {
  const { secure = false, ...where } = target;
  const length = content === undefined ? [] : ["Content-Length", String(content.length)];
  const own = without(content === undefined ? ofHop : both, message.rawHeaders);
  const options = {
    ...where,
    agent: false as const,
    method: message.method,
    path: message.url,
    // A server that ends the connection with its answer may do so before Node is done with the request: the answer is lost.
    headers: [...own, ...length, ...Object.entries(headers).flat(), "Connection", "keep-alive"],
  };
  return secure ? secureRequest({ ...options, rejectUnauthorized: false }) : plainRequest(options);
}

function answerOf(sent: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    sent.once("response", resolve);
    sent.once("error", reject);
    sent.once("close", () => reject(new Error("the connection ended")));
  });
}

function pairs(raw: readonly string[]): readonly (readonly [string, string])[] {
  return raw.flatMap((name, at) => (at % 2 === 0 ? [[name, raw[at + 1] ?? ""] as const] : []));
}

/** Headers of one connection, and those with the length of a body. */
const ofHop = /^(?:connection|keep-alive)$/i;
const both = /^(?:connection|keep-alive|content-length|transfer-encoding)$/i;

function without(names: RegExp, raw: readonly string[]): readonly string[] {
  return pairs(raw).flatMap(([name, value]) => (names.test(name) ? [] : [name, value]));
}

function badGateway(error: Error): Failure {
  return { status: 502, headers: { "content-type": "text/plain" }, body: `${error.message}\n` };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
