/**
 * What lasts or weighs, through the gateway and the mesh: a websocket, server-sent events, an upload. The other end is
 * testbed/machine/usr/lib/testbed/services.mjs, which every container runs for its services.
 */
import { expectRun } from "./machines.ts";

const trust = `const { readFileSync } = require("node:fs");
const https = require("node:https");
const [name, amount] = process.argv.slice(1);
const ca = readFileSync("/etc/ssl/certs/ca-certificates.crt");
const started = Date.now();
const done = (result) => { console.log(JSON.stringify(result)); process.exit(0); };
const open = (options) => https.request({ hostname: name, ca, timeout: 120_000, ...options })
  .on("error", (error) => done({ error: error.message }))
  .on("timeout", () => done({ error: "timeout" }));
`;

async function onClient<T>(script: string, name: string, amount: number): Promise<T> {
  const text = await expectRun("client", ["node", "--eval", trust + script, name, String(amount)]);
  return JSON.parse(text) as T;
}

export interface SocketSeen {
  /** What came back for "hello" at once, and for "still there" after the silence. */
  readonly echoes: readonly string[];
  readonly error?: string;
}

/** Opens a websocket, says something, is silent for that many seconds, and says something again (RFC 6455). */
export function websocket(name: string, silentSeconds: number): Promise<SocketSeen> {
  return onClient(
    `const frame = (text) => {
  const [mask, body] = [Buffer.from([1, 2, 3, 4]), Buffer.from(text)];
  return Buffer.concat([Buffer.from([0x81, 0x80 | body.length]), mask, body.map((byte, at) => byte ^ mask[at % 4])]);
};
const headers = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" };
open({ path: "/socket", headers }).on("response", ({ statusCode }) => done({ echoes: [], error: "status " + statusCode }))
  .on("upgrade", ({ headers }, socket) => {
    if (headers["sec-websocket-accept"] !== "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") done({ echoes: [], error: "wrong accept" });
    const echoes = [];
    socket.on("error", (error) => done({ echoes, error: error.message })).on("close", () => done({ echoes, error: "closed" }));
    socket.on("data", (data) => {
      echoes.push(data.subarray(2).toString());
      if (echoes.length === 2) done({ echoes });
      setTimeout(() => socket.write(frame("still there")), amount * 1000);
    });
    socket.write(frame("hello"));
  }).end();`,
    name,
    silentSeconds,
  );
}

export interface EventsSeen {
  readonly status: number;
  readonly events: number;
  /** The longest time between two events, and how long the whole stream took. Milliseconds. */
  readonly longestGapMs: number;
  readonly lastedMs: number;
  readonly error?: string;
}

/** Receives server-sent events, one each second, for that many seconds. */
export function serverSentEvents(name: string, seconds: number): Promise<EventsSeen> {
  return onClient(
    `open({ path: "/events?seconds=" + amount }).on("response", (response) => {
  let [events, last, longestGapMs, text] = [0, Date.now(), 0, ""];
  const seen = (error) => done({ status: response.statusCode, events, longestGapMs, lastedMs: Date.now() - started, ...(error && { error: error.message }) });
  response.on("data", (data) => {
    const parts = (text + data).split("\\n\\n");
    text = parts.pop();
    events += parts.length;
    longestGapMs = Math.max(longestGapMs, Date.now() - last);
    last = Date.now();
  }).on("end", () => seen()).on("error", seen);
}).end();`,
    name,
    seconds,
  );
}

export interface UploadSeen {
  readonly status: number;
  /** As the service counted them. */
  readonly bytes: number;
  /** Whether the service saw the same SHA-256 as was sent. */
  readonly same: boolean;
  readonly error?: string;
}

/** Sends that many MiB in one request. */
export function upload(name: string, mebibytes: number): Promise<UploadSeen> {
  return onClient(
    `const { createHash, randomBytes } = require("node:crypto");
const { Readable } = require("node:stream");
const [hash, piece] = [createHash("sha256"), randomBytes(1 << 20)];
const request = open({ method: "POST", path: "/upload", headers: { "content-length": amount << 20 } });
request.on("response", (response) => {
  let text = "";
  response.on("data", (data) => (text += data)).on("end", () => {
    const { bytes, sha256 } = response.statusCode === 200 ? JSON.parse(text) : {};
    done({ status: response.statusCode, bytes, same: sha256 === hash.digest("hex") });
  });
});
Readable.from((function* () { for (let at = 0; at < amount; at += 1) { piece.writeUInt32LE(at); const sent = Buffer.from(piece); hash.update(sent); yield sent; } })()).pipe(request);`,
    name,
    mebibytes,
  );
}
