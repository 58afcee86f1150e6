/**
 * Real Docker engines behind the simulated Portainer: through agents with signed requests, or through the container's own
 * socket; and the real Compose and Docker's own command line for Swarms, which talk to an agent through a proxy in this process
 * that signs for them, as Portainer's does.
 */
import { spawn } from "node:child_process";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";
import type { ApiResponse } from "../../lab/api-server.ts";
import type {
  ComposeOutcome,
  Deployment,
  Engines,
  SwarmDeployment,
  Target,
} from "../../lab/portainer/engines.ts";
import { type Exchange, exchange, UnreachableError, wordsOf } from "../../lab/portainer/exchange.ts";
import { signatureHeaders } from "../../lab/portainer/signature.ts";
import { forwarder } from "./pass-on.ts";

export interface RealEnginesOptions {
  /** PEM. */
  readonly pairingKey: () => string;
  /** AGENT_SECRET. */
  readonly secret: string | undefined;
  /** The programs docker-compose and docker. */
  readonly compose: string;
  readonly docker: string;
  /** Portainer's data directory. */
  readonly data: string;
}

/** How long Portainer waits for an agent's /ping, and for other answers of agents and engines, in milliseconds (2.23). */
const pingMs = 3_000;
const requestMs = 60_000;

/** Answers that come while something goes on, or after it. */
const live =
  /^(?:\/v[\d.]+)?\/(?:events|build|images\/(?:create|load|get|.+\/(?:get|push))|containers\/[^/]+\/(?:logs|attach|wait|stats|export|archive|stop|restart)|exec\/[^/]+\/start)$/;

export function realEngines({ pairingKey, secret, compose, docker, data }: RealEnginesOptions): Engines {
  const signed = (): Readonly<Record<string, string>> => signatureHeaders(pairingKey(), secret);

  const send = async (
    target: Target,
    wanted: Pick<Exchange, "method" | "path" | "content" | "timeoutMs"> & Partial<Exchange>,
  ) => {
    const place = placeOf(target);
    try {
      return await exchange({ ...place.options, ...wanted });
    } catch (error) {
      throw new UnreachableError(`${place.dial}: ${wordsOf(error)}`);
    }
  };

  /** Runs a program against an engine, with the server's whole environment or the one that is given. */
  const runProgram = async (
    program: string,
    target: Target,
    args: readonly string[],
    { cwd, env = process.env, headers = {} }: RunOptions,
  ): Promise<ComposeOutcome> => {
    const proxy =
      target.Type === 2 ? await signingProxy(target, () => ({ ...signed(), ...headers })) : undefined;
    const host = proxy?.host ?? (target.URL.startsWith("unix:") ? undefined : target.URL);
    try {
      const all = [...(host === undefined ? [] : ["--host", host]), ...args];
      return await finished(program, all, {
        cwd,
        env: { ...env, DOCKER_CONFIG: join(data, "docker_config") },
      });
    } finally {
      proxy?.close();
    }
  };

  /** Compose: the server's variables win over those of stack.env. */
  const run = (target: Target, args: readonly string[], cwd: string): Promise<ComposeOutcome> =>
    runProgram(compose, target, args, { cwd });

  /** `docker stack …`, which an agent of a Swarm hands to a manager. */
  const runStack = async (
    target: Target,
    args: readonly string[],
    options: RunOptions,
  ): Promise<ComposeOutcome> => {
    await reachable(target);
    const headers = { "X-PortainerAgent-ManagerOperation": "1" };
    return runProgram(docker, target, ["stack", ...args], { ...options, headers });
  };

  const reachable = async (target: Target): Promise<void> => {
    const { status, body } = await request(target, {
      method: "GET",
      path: "/_ping",
      query: new URLSearchParams(),
      body: "",
    });
    if (status !== 200) throw new UnreachableError(`Error response from daemon: ${String(body ?? status)}`);
  };

  const request: Engines["request"] = (target, { method, path, query, body, headers = {} }) => {
    const search = query.toString();
    return send(target, {
      method,
      path: search === "" ? path : `${path}?${search}`,
      headers: { ...passedOn(headers), ...(target.Type === 2 ? signed() : {}) },
      content: body,
      timeoutMs: live.test(path) ? 30 * requestMs : requestMs,
      live: live.test(path),
    });
  };

  return {
    ping: (url): Promise<ApiResponse> =>
      send({ Type: 2, URL: url }, { method: "GET", path: "/ping", content: "", timeoutMs: pingMs }),
    request,

    up: async (target, deployment) => {
      await reachable(target);
      const { prune, pull, recreate } = deployment;
      const directory = join(data, "compose", basename(deployment.directory));
      const of = filesOf(deployment, directory);
      if (pull) {
        const outcome = await run(target, [...of, "pull"], directory);
        if (!outcome.ok) return { ...outcome, pulling: true };
      }
      const flags = [...(prune ? ["--remove-orphans"] : []), ...(recreate ? ["--force-recreate"] : [])];
      return run(target, [...of, "up", "-d", ...flags], directory);
    },

    down: async (target, project) => {
      await reachable(target);
      // Without a file: Compose finds the project's containers by their labels.
      return run(target, ["--project-name", project, "down", "--remove-orphans"], "/");
    },

    deployToSwarm: (target, deployment) => {
      const cwd = join(data, "compose", basename(deployment.directory));
      return runStack(target, stackArguments(deployment, cwd), { cwd, env: deployment.variables });
    },

    removeFromSwarm: (target, name) => runStack(target, ["rm", name], { cwd: "/" }),
  };
}

function filesOf({ project, envIsOwn }: Deployment, directory: string): readonly string[] {
  return [
    "--file",
    join(directory, "docker-compose.yml"),
    "--project-name",
    project,
    ...(envIsOwn ? ["--env-file", join(directory, "stack.env")] : []),
  ];
}

function stackArguments(
  { name, prune, resolveImages }: SwarmDeployment,
  directory: string,
): readonly string[] {
  return [
    "deploy",
    ...(prune ? ["--prune"] : []),
    "--with-registry-auth",
    ...(resolveImages ? [] : ["--resolve-image=never"]),
    "--compose-file",
    join(directory, "docker-compose.yml"),
    name,
  ];
}

interface RunOptions {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Beside the signature, of every request to an agent. */
  readonly headers?: Readonly<Record<string, string>>;
}

interface Place {
  readonly options: Pick<Exchange, "secure" | "host" | "port" | "socketPath">;
  /** As Go begins what it says about a connection. */
  readonly dial: string;
}

/** "tcp://10.0.0.102:9001", "https://agent:9001/", "unix:///var/run/docker.sock"; the scheme may be missing. */
function placeOf({ Type, URL: url }: Target): Place {
  const socketPath = /^unix:\/\/(\/.*)$/.exec(url)?.[1];
  if (socketPath !== undefined)
    return { options: { secure: false, socketPath }, dial: `dial unix ${socketPath}` };
  const [, host = "", port = "9001"] = /^(?:\w+:\/\/)?([^/:]+)(?::(\d+))?\/?$/.exec(url) ?? [];
  return { options: { secure: Type === 2, host, port }, dial: `dial tcp ${host}:${port}` };
}

/** What a client said to Portainer about the body, and to the engine; its login stays here. */
function passedOn(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const known = Object.entries(headers).filter(([name]) =>
    /^(?:content-type|x-registry-.*|x-portaineragent-target|x-portaineragent-manageroperation)$/.test(name),
  );
  return Object.fromEntries(known);
}

interface SigningProxy {
  /** For Compose's --host. */
  readonly host: string;
  close(): void;
}

/** A port of this container's loopback that is the agent's engine, for as long as one command runs. */
function signingProxy(target: Target, signed: () => Readonly<Record<string, string>>): Promise<SigningProxy> {
  const { secure, host, port } = placeOf(target).options;
  const server = forwarder(() => ({
    target: { secure, host: host ?? "", port: Number(port) },
    headers: signed(),
  }));
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port: own } = server.address() as AddressInfo;
      resolve({
        host: `tcp://127.0.0.1:${own}`,
        close: () => {
          server.close();
          server.closeAllConnections();
        },
      });
    });
  });
}

function finished(
  program: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<ComposeOutcome> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { ...options, stdio: ["ignore", "ignore", "pipe"] });
    const words: Buffer[] = [];
    child.stderr.on("data", (chunk: Buffer) => words.push(chunk));
    child.once("error", (error) => resolve({ ok: false, words: `${error.message}\n` }));
    child.once("close", (code) => resolve({ ok: code === 0, words: Buffer.concat(words).toString() }));
  });
}
