/** Portainer's server as a loopback server, over the data directory and the engines of the lab. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { GuestName } from "../../src/resource.ts";
import { json, serveApi } from "../api-server.ts";
import type { LabContext, LabServer } from "../context.ts";
import { type LabContainer, LabDocker } from "../docker.ts";
import { selfSigned } from "../self-signed.ts";
import { readTextIfThere } from "../store.ts";
import type { TlsPair } from "../x509.ts";
import { respond } from "./app.ts";
import { createQueue, type PortainerProcess } from "./call.ts";
import { openDatabase } from "./database.ts";
import { labEngines } from "./engines.ts";
import { featuresOf } from "./features.ts";
import { servedPair } from "./process.ts";
import { openSessions } from "./sessions.ts";

export interface PortainerOptions {
  /** "http" for the container's port 9000; HTTPS is on 9443. */
  readonly scheme?: "https" | "http";
}

/** A process that runs in the container: who it is, what it serves with, and its state. */
interface Running {
  readonly identity: string;
  readonly process: PortainerProcess;
  readonly pair: TlsPair | "plain";
}

/**
 * Serves the Portainer in `container` for as long as a container of that name runs. A restart or a new container of the
 * same name is taken up with the next connection: tokens die, the certificate is read again.
 */
export async function startPortainer(
  context: LabContext,
  host: GuestName,
  container: Pick<LabContainer, "name">,
  { scheme = "https" }: PortainerOptions = {},
): Promise<LabServer> {
  const docker = new LabDocker(context, host);
  const own = await selfSigned(["localhost"]);
  let restarts = 0;
  let running: Running | undefined;
  const current = (): Running | undefined => {
    const found = docker.find(container.name);
    if (found?.state !== "running") return undefined;
    const identity = `${found.id} ${found.startedAt} ${restarts}`;
    if (running?.identity !== identity) {
      const process = processOf(docker, host, found, identity, () => {
        restarts += 1;
      });
      running = {
        identity,
        process,
        pair: scheme === "http" ? "plain" : servedPairOf(process.directory, own),
      };
      if (scheme === "https") interrupted(process);
    }
    return running;
  };
  return serveApi({
    broken: (fault) => context.fault(fault, "portainer") !== undefined,
    tls: () => current()?.pair,
    app: async (request) => {
      const process = current()?.process;
      return process === undefined ? undefined : respond(process, request);
    },
    failure: json(500, { message: "the lab's fault error-500", details: "The lab's fault error-500" }),
  });
}

function processOf(
  docker: LabDocker,
  host: GuestName,
  container: LabContainer,
  identity: string,
  restart: () => void,
): PortainerProcess {
  const { context } = docker;
  const { clock } = context;
  const directory = docker.dataOf(container);
  const database = openDatabase(directory);
  const variables = Object.fromEntries(
    [`HOSTNAME=${container.id.slice(0, 12)}`, "PATH=/usr/local/bin:/usr/bin:/bin", ...container.env].map(
      (each) => {
        const at = each.indexOf("=");
        return [each.slice(0, at), each.slice(at + 1)];
      },
    ),
  );
  return {
    features: featuresOf(container.image),
    database,
    directory,
    engines: labEngines({
      context,
      host,
      socket: container.mounts.some(({ target }) => target === "/var/run/docker.sock"),
      pairingKey: () => database.read().pairingKey,
      secret: variables.AGENT_SECRET,
    }),
    sessions: openSessions({
      database,
      clock,
      process: identity,
      forgetful: () => context.fault("expired-token", "portainer") !== undefined,
    }),
    clock,
    variables,
    startedAt: container.startedAt,
    setupToken: container.log
      .map((line) => /setup_token=([0-9a-f]{64})/.exec(line)?.[1])
      .findLast((token) => token !== undefined),
    deployments: createQueue(),
    restart,
  };
}

/** What the process copied at its start or was given since; its own certificate where there is none. */
export function servedPairOf(directory: string, own: TlsPair): TlsPair {
  const [cert, key] = [
    readTextIfThere(join(directory, servedPair.cert)),
    readTextIfThere(join(directory, servedPair.key)),
  ];
  if (cert !== undefined && key !== undefined) return { cert, key };
  for (const [path, text] of [
    [servedPair.cert, own.cert],
    [servedPair.key, own.key],
  ] as const) {
    const file = join(directory, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text, { mode: 0o600 });
  }
  return own;
}

/** Notes which deployments the last process did not end. */
export function interrupted({ database }: Pick<PortainerProcess, "database">): void {
  const { stacks } = database.read();
  const Message = "the deployment was interrupted by a restart";
  database.write({
    stacks: stacks.map((stack) =>
      stack.Status === 3
        ? { ...stack, Status: 4, DeploymentStatus: [{ Status: 4, Time: stack.UpdateDate, Message }] }
        : stack,
    ),
  });
}
