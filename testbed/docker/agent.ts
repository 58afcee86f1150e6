/**
 * The program of the image portainer/agent: HTTPS on 9001 for Portainer servers that prove who they are, with the machine's own
 * Docker engine behind it. Pairing and refusals are the lab's.
 */
import type { IncomingMessage } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { networkInterfaces } from "node:os";
import { featuresOf } from "../../lab/portainer/features.ts";
import { admission, refusals } from "../../lab/portainer/signature.ts";
import { selfSigned } from "../../lab/self-signed.ts";
import { type Failure, forwarder, type PassOnOptions } from "./pass-on.ts";
import { imageTag, say, untilTold } from "./process.ts";

const port = 9001;
const socket = "/var/run/docker.sock";

const headers = {
  "Portainer-Agent": featuresOf(`portainer/agent:${imageTag()}`).version,
  "Portainer-Agent-API-Version": "2",
  "Portainer-Agent-Platform": "1",
};

/** The key that an agent without a secret trusts: the first that came, until the process ends. */
let paired: string | undefined;

async function rule(message: IncomingMessage): Promise<PassOnOptions | Failure> {
  const path = (message.url ?? "/").replace(/\?.*/s, "");
  if (message.method === "GET" && (path === "/ping" || path === "/v2/ping")) return { status: 204, headers };
  const { AGENT_SECRET: secret } = process.env;
  const given = Object.fromEntries(
    Object.entries(message.headers).map(([name, value]) => [name, String(value)]),
  );
  const admitted = admission(given, secret, paired);
  if (typeof admitted === "string") return problem(403, refusals[admitted], "Unauthorized");
  if (secret === undefined) paired = admitted.key;
  if (path.startsWith("/v2/"))
    return {
      status: 404,
      headers: { ...headers, "content-type": "text/plain" },
      body: "404 page not found\n",
    };
  return {
    target: { socketPath: socket },
    answerHeaders: headers,
    unreachable: () =>
      problem(
        500,
        "Unable to proxy the request via the Docker socket",
        `Dial unix ${socket}: connect: connection refused`,
      ),
  };
}

function problem(status: number, message: string, details: string): Failure {
  const body = `${JSON.stringify({ message, details })}\n`;
  return { status, headers: { ...headers, "content-type": "application/json" }, body };
}

const own = Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => address));
const pair = await selfSigned(["localhost", ...own]);
const front = forwarder(rule);
const server = createSecureServer({ ...pair, requestTimeout: 0, headersTimeout: 0 });
// TLS ends here; requests and upgrades are the forwarder's.
for (const event of ["request", "upgrade"] as const) server.on(event, (...all) => front.emit(event, ...all));
server.listen(port, () =>
  say(`INF starting Agent API server | api_version=${headers["Portainer-Agent"]} server_port=${port}`),
);
untilTold();
