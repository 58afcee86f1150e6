/**
 * The program of the image portainer/portainer-ce: the lab's simulated server with Portainer's own options, on its own ports, over
 * real engines (engines.ts). Its state is in the data directory and outlives it.
 * PHOENIX_TESTBED_TAG says which version it plays: up to 2.39 it deploys before it answers, later ones behind the answer,
 * and from 2.43 on the first administrator needs the token from the log.
 */
import { randomUUID } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { existsSync, mkdirSync } from "node:fs";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { json, serveApi } from "../../lab/api-server.ts";
import { optionOf } from "../../lab/docker/command-options.ts";
import { respond } from "../../lab/portainer/app.ts";
import { createQueue, type PortainerProcess } from "../../lab/portainer/call.ts";
import { openDatabase } from "../../lab/portainer/database.ts";
import { addHost } from "../../lab/portainer/endpoint-create.ts";
import { snapshotStatus } from "../../lab/portainer/endpoint-json.ts";
import { featuresOf } from "../../lab/portainer/features.ts";
import { startPortainerProcess } from "../../lab/portainer/process.ts";
import { openSessions } from "../../lab/portainer/sessions.ts";
import { interrupted, servedPairOf } from "../../lab/portainer/start.ts";
import { selfSigned } from "../../lab/self-signed.ts";
import { messageOf } from "../../src/errors.ts";
import { realClock } from "../../src/hosts/clock.ts";
import { realEngines } from "./engines.ts";
import { imageTag, say, untilTold } from "./process.ts";

const command = process.argv.slice(2);
const option = (...names: readonly string[]): string | undefined =>
  names.map((name) => optionOf(command, name)).find((value) => value !== undefined);
const portOf = (bind: string | undefined, usual: number): number =>
  Number(bind?.replace(/^.*:/, "") ?? usual);

const image = `portainer/portainer-ce:${imageTag()}`;
const directory = option("--data", "-d") ?? "/data";
const ports = { http: portOf(option("--bind", "-p"), 9000), https: portOf(option("--bind-https"), 9443) };
const host = option("--host", "-H");
const snapshotMs = 5 * 60_000;
/** For how long nobody listens while a new certificate is taken up. */
const restartMs = 150;

mkdirSync(directory, { recursive: true });
untilTold();
const socket = /^unix:\/\/(.*)$/.exec(host ?? "")?.[1];
if (socket !== undefined && !existsSync(socket)) fatal(`FTL unable to locate Unix socket ${socket}`);
for (;;) {
  const { over } = await served();
  await over;
  await sleep(restartMs);
}

/** Starts serving. `over` settles when it has stopped listening and must start again. */
async function served(): Promise<{ readonly over: Promise<void> }> {
  const { exitCode, log } = startPortainerProcess(
    { command, image },
    { data: directory, path: (path) => path },
  );
  log.forEach(say);
  if (exitCode !== undefined) return process.exit(exitCode);
  const database = openDatabase(directory);
  const restarts = new EventEmitter();
  const restart = once(restarts, "wanted");
  const clock = realClock(new AbortController().signal);
  const running: PortainerProcess = {
    features: featuresOf(image),
    database,
    directory,
    engines: realEngines({
      pairingKey: () => database.read().pairingKey,
      secret: process.env.AGENT_SECRET,
      compose: "/usr/bin/docker-compose",
      docker: "/usr/bin/docker",
      data: directory,
    }),
    sessions: openSessions({ database, clock, process: randomUUID(), forgetful: () => false }),
    clock,
    variables: { HOSTNAME: hostname(), ...definedOf(process.env) },
    startedAt: clock.now(),
    setupToken: log.map((line) => /setup_token=([0-9a-f]{64})/.exec(line)?.[1]).find(Boolean),
    deployments: createQueue(),
    restart: () => restarts.emit("wanted"),
  };
  interrupted(running);
  const pair = servedPairOf(directory, await selfSigned(["localhost"]));
  const app = {
    broken: () => false,
    app: async (request: Parameters<typeof respond>[1]) => {
      const answer = await respond(running, request);
      if (request.path === "/api/users/admin/init") await addFirst(running);
      return answer;
    },
    failure: json(500, {}),
  };
  await addFirst(running);
  const servers = [
    await serveApi({ ...app, tls: () => pair, listen: { host: "0.0.0.0", port: ports.https } }),
  ];
  if (database.read().settings.http && !command.includes("--http-disabled"))
    servers.push(
      await serveApi({ ...app, tls: () => "plain", listen: { host: "0.0.0.0", port: ports.http } }),
    );
  const looking = setInterval(() => void lookAtAll(running), snapshotMs);
  void lookAtAll(running);
  const over = restart.then(async () => {
    clearInterval(looking);
    // The answer to whoever asked for this goes out first.
    await sleep(20);
    await Promise.all(servers.map((server) => server.close()));
  });
  return { over };
}

/** The environment that -H names, once there is an administrator and as long as there never was any environment. */
async function addFirst(running: PortainerProcess): Promise<void> {
  const { users, endpoints } = running.database.read();
  if (host === undefined || users.length === 0 || endpoints.length > 0) return;
  try {
    await addHost(running, host);
  } catch (error) {
    say(`ERR unable to create the environment of --host error="${messageOf(error)}"`);
  }
}

/** The look at every engine from which an environment's status comes. */
async function lookAtAll(running: PortainerProcess): Promise<void> {
  for (const endpoint of running.database.read().endpoints) {
    const { status } = await snapshotStatus(running, endpoint);
    const { endpoints } = running.database.read();
    running.database.write({
      endpoints: endpoints.map((each) => (each.Id === endpoint.Id ? { ...each, Status: status } : each)),
    });
  }
}

function definedOf(env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

function fatal(line: string): never {
  say(line);
  return process.exit(1);
}
