/**
 * The program of the image portainer/agent: HTTPS on 9001 for Portainer servers that prove who they are, with the machine's own
 * Docker engine behind it. Pairing and refusals are the lab's. Where the engine is in a Swarm it is one of many (cluster.ts).
 */
import type { IncomingMessage } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { hostname, networkInterfaces } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { exchange } from "../../lab/portainer/exchange.ts";
import { featuresOf } from "../../lab/portainer/features.ts";
import { admission, refusals } from "../../lab/portainer/signature.ts";
import { selfSigned } from "../../lab/self-signed.ts";
import { messageOf } from "../../src/errors.ts";
import { gathered, memberPath, membersAt, placeOf } from "./cluster.ts";
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
  if (cluster !== undefined && path === memberPath) return answered(await ownNode());
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
  return cluster === undefined ? here : inCluster(message, path, cluster);
}

const here: PassOnOptions = {
  target: { socketPath: socket },
  answerHeaders: headers,
  unreachable: () =>
    problem(
      500,
      "Unable to proxy the request via the Docker socket",
      `Dial unix ${socket}: connect: connection refused`,
    ),
};

/** @param service the DNS name of all agents */
async function inCluster(
  message: IncomingMessage,
  fullPath: string,
  service: string,
): Promise<PassOnOptions | Failure> {
  const { method = "GET", url = "/", headers: asked } = message;
  const path = fullPath.replace(/^\/v[\d.]+(?=\/)/, "");
  const members = () => membersAt(service);
  const place = await placeOf({ method, path, headers: asked }, ownNode, members);
  if (place === "here") return here;
  if (place === "everywhere") return answered(await gathered(url, asked, await members()));
  if ("refused" in place) return problem(500, place.refused, place.details);
  // The other agent checks the same signature.
  return { target: { secure: true, host: place.address, port }, answerHeaders: {} };
}

/** This machine as a node of its Swarm, as its engine says it at the moment. */
async function ownNode(): Promise<{ readonly name: string; readonly manager: boolean }> {
  const { Name: name, Swarm } = await engine("/info");
  return { name, manager: Swarm?.ControlAvailable === true };
}

// biome-ignore lint/suspicious/noExplicitAny: answers of Docker's API are looked at member by member
async function engine(path: string): Promise<any> {
  const wanted = { method: "GET", path, content: "", timeoutMs: 60_000 };
  const { body = "{}" } = await exchange({ secure: false, socketPath: socket, ...wanted });
  return JSON.parse(String(body));
}

/**
 * The DNS name of all agents when the engine is in a Swarm at the start of this process: a container that is no task of a service
 * has none, and then the agent ends, as Portainer's does.
 */
async function clusterName(): Promise<string | undefined> {
  if ((await engine("/info")).Swarm?.LocalNodeState !== "active") return undefined;
  const { Config } = await engine(`/containers/${hostname()}/json`);
  const { AGENT_CLUSTER_ADDR: given } = process.env;
  const service = given ?? `tasks.${Config?.Labels?.["com.docker.swarm.service.name"] ?? ""}`;
  // Docker's DNS does not know a task at once.
  await sleep(startMs);
  try {
    say(`INF agents of ${service} | members=${(await membersAt(service)).length}`);
    return service;
  } catch (error) {
    say(
      `FTL unable to retrieve a list of IP associated to the host | error="${messageOf(error)}" host=${service}`,
    );
    return process.exit(1);
  }
}

/** How long an agent of a Swarm waits before it looks for the others (2.23). */
const startMs = 3_000;

function answered(value: unknown): Failure {
  const body = `${JSON.stringify(value)}\n`;
  return { status: 200, headers: { ...headers, "content-type": "application/json" }, body };
}

function problem(status: number, message: string, details: string): Failure {
  const body = `${JSON.stringify({ message, details })}\n`;
  return { status, headers: { ...headers, "content-type": "application/json" }, body };
}

untilTold();
const cluster = await clusterName();
const own = Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => address));
const pair = await selfSigned(["localhost", ...own]);
const front = forwarder(rule);
const server = createSecureServer({ ...pair, requestTimeout: 0, headersTimeout: 0 });
// TLS ends here; requests and upgrades are the forwarder's.
for (const event of ["request", "upgrade"] as const) server.on(event, (...all) => front.emit(event, ...all));
server.listen(port, () =>
  say(`INF starting Agent API server | api_version=${headers["Portainer-Agent"]} server_port=${port}`),
);
