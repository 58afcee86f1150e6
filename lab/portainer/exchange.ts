/** One request from Portainer's server to an agent or engine, and Go's words for what goes wrong with it. */
import { type ClientRequest, type IncomingMessage, request as plainRequest } from "node:http";
import { type RequestOptions, request as secureRequest } from "node:https";
import { messageOf } from "../../src/errors.ts";
import type { ApiResponse } from "../api-server.ts";

/** Nobody answered; the words are Go's. */
export class UnreachableError extends Error {}

export interface Exchange extends RequestOptions {
  /** Over TLS. An agent's certificate is new with each of its starts: its key and secret are what counts. */
  readonly secure: boolean;
  readonly content: string | Buffer;
  /** For the whole answer; for its beginning when it is `live`. Milliseconds. */
  readonly timeoutMs: number;
  /** The answer's body is handed on while it comes. */
  readonly live?: boolean;
}

/** Headers that belong to one connection, not to the answer. */
const ofConnection = ["content-length", "connection", "transfer-encoding", "keep-alive"];

export function exchange(wanted: Exchange): Promise<ApiResponse> {
  const { secure, content, timeoutMs, live = false, ...options } = wanted;
  return new Promise((resolve, reject) => {
    const length = content.length === 0 ? {} : { "content-length": String(Buffer.byteLength(content)) };
    const headers = { ...options.headers, ...length };
    const answered = (response: IncomingMessage): void => {
      const kept = Object.entries(response.headers).filter(([name]) => !ofConnection.includes(name));
      const head = {
        status: response.statusCode ?? 0,
        headers: Object.fromEntries(kept.map(([name, value]) => [name, String(value)])),
      };
      if (live) {
        clearTimeout(timer);
        resolve({ ...head, body: response });
        return;
      }
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        clearTimeout(timer);
        resolve({ ...head, body: Buffer.concat(chunks) });
      });
    };
    const all = { ...options, headers, agent: false as const };
    const sent: ClientRequest = secure
      ? secureRequest({ ...all, rejectUnauthorized: false }, answered)
      : plainRequest(all, answered);
    const timer = setTimeout(() => sent.destroy(new Error("timed out")), timeoutMs);
    sent.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    sent.end(content);
  });
}

/** Go's words for what Node's and the lab's network say. */
export function wordsOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (/timed out|aborted/i.test(messageOf(error))) return "context deadline exceeded";
  return goWords[code] ?? messageOf(error);
}

const goWords: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connect: connection refused",
  ECONNRESET: "read: connection reset by peer",
  EHOSTUNREACH: "connect: no route to host",
  ENETUNREACH: "connect: network is unreachable",
  ENOENT: "connect: no such file or directory",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "no such host",
};
