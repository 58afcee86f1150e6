/**
 * Stands before Docker's engine on a machine of the testbed: everything passes, but NFS volumes become binds (nfs.ts).
 * systemd hands the socket over (/var/run/docker.sock), the engine listens elsewhere.
 * Usage: front.mjs ENGINE_SOCKET DIRECTORY_OF_NFS_SERVERS
 */
import type { IncomingMessage } from "node:http";
import { asDeclared, bound, boundMounts, boundTasks, inWordsOfNfs } from "./nfs.ts";
import { type Answer, forwarder, type PassOnOptions, wholeBody } from "./pass-on.ts";

const [, , engine = "", servers = ""] = process.argv;

/** systemd's first socket. */
const handedOver = 3;

const json = "application/json";
const notRunning =
  "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?";

async function rule(message: IncomingMessage): Promise<PassOnOptions> {
  const target = { socketPath: engine };
  const path = (message.url ?? "").replace(/\?.*/s, "").replace(/^\/v[\d.]+(?=\/)/, "");
  const rewrite = message.method === "POST" ? rewriteOf(path) : undefined;
  const content = rewrite === undefined ? undefined : await rewritten(message, rewrite);
  return {
    target,
    ...(content === undefined ? {} : { content }),
    changed: (answer) => change(path, answer),
    unreachable: () => ({ status: 503, headers: { "content-type": "text/plain" }, body: `${notRunning}\n` }),
  };
}

function rewriteOf(path: string): typeof bound | undefined {
  if (path === "/volumes/create") return bound;
  if (path === "/containers/create") return boundMounts;
  return /^\/services\/(?:create|[^/]+\/update)$/.test(path) ? boundTasks : undefined;
}

/** Answers that show volumes, or mounts that declare some. */
const showsVolumes =
  /^\/(?:volumes(?:\/.*)?|system\/df|services(?:\/[^/]+)?|tasks(?:\/[^/]+)?|containers\/[^/]+\/json)$/;

/** A body that is not a JSON object goes to the engine as it is: its own error is the right one. */
async function rewritten(message: IncomingMessage, rewrite: typeof bound): Promise<Buffer> {
  const body = await wholeBody(message);
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch {
    return body;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return body;
  return Buffer.from(JSON.stringify(rewrite(value as Readonly<Record<string, unknown>>, servers)));
}

function change(path: string, { status, contentType }: Answer): ((body: Buffer) => Buffer) | undefined {
  if (!contentType.startsWith(json)) return undefined;
  if (status >= 400) return (body) => Buffer.from(inWordsOfNfs(body.toString(), servers));
  if (status < 300 && showsVolumes.test(path))
    // The error of a task is in an answer that is none.
    return (body) => {
      const shown = asDeclared(JSON.parse(inWordsOfNfs(body.toString(), servers)));
      return Buffer.from(`${JSON.stringify(shown)}\n`);
    };
  return undefined;
}

forwarder(rule).listen({ fd: handedOver });
