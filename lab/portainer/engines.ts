/**
 * The Docker engines that Portainer reaches: through agents, or through its own socket. The lab's are models of an engine;
 * whoever has real ones implements the same interface over them.
 */
import { isIP } from "node:net";
import type { GuestName } from "../../src/resource.ts";
import type { ApiResponse } from "../api-server.ts";
import type { LabContext } from "../context.ts";
import { composeDown, composeUp } from "../docker/compose.ts";
import { ComposeError } from "../docker/compose-errors.ts";
import { readCompose } from "../docker/compose-file.ts";
import { engineResponse } from "../docker/http-api.ts";
import type { EngineRequest } from "../docker/http-request.ts";
import { refusePull } from "../docker/registry.ts";
import { type Ask, deployStack, removeStack } from "../docker/stack/deploy.ts";
import { DockerError, fullReference } from "../docker/state.ts";
import { LabDocker } from "../docker.ts";
import { readFacts } from "../facts.ts";
import type { Endpoint } from "./database.ts";
import { exchange, UnreachableError, wordsOf } from "./exchange.ts";
import { signatureHeaders } from "./signature.ts";

/** Where an environment leads to. */
export type Target = Pick<Endpoint, "Type" | "URL">;

export interface Engines {
  /** `GET /ping` of an agent. @throws UnreachableError */
  ping(url: string): Promise<ApiResponse>;
  /** A request to the engine's API. @throws UnreachableError when the agent cannot be reached */
  request(target: Target, request: EngineRequest): Promise<ApiResponse>;
  /** `docker compose up -d` for a project. @throws UnreachableError */
  up(target: Target, deployment: Deployment): Promise<ComposeOutcome>;
  /** `docker compose down --remove-orphans`, by the project's name alone. @throws UnreachableError */
  down(target: Target, project: string): Promise<ComposeOutcome>;
  /** `docker stack deploy --with-registry-auth` on a manager of the target's Swarm. @throws UnreachableError */
  deployToSwarm(target: Target, deployment: SwarmDeployment): Promise<ComposeOutcome>;
  /** `docker stack rm` there. @throws UnreachableError */
  removeFromSwarm(target: Target, name: string): Promise<ComposeOutcome>;
}

export interface SwarmDeployment {
  readonly name: string;
  readonly text: string;
  /** Inside the server's container: `file:` of configs and secrets is looked for there. */
  readonly directory: string;
  /** The command's whole environment: the server's own, over which the stack's variables win. */
  readonly variables: Readonly<Record<string, string>>;
  /** Services that the file no longer has are removed. */
  readonly prune: boolean;
  /** Without it the command says `--resolve-image=never`. */
  readonly resolveImages: boolean;
}

export interface Deployment {
  readonly project: string;
  readonly text: string;
  /** Inside the server's container: relative paths of the file are taken on the target from there. */
  readonly directory: string;
  readonly variables: Readonly<Record<string, string>>;
  /** `stack.env` beside the file, which the file may name. */
  readonly envFile: string | undefined;
  /** It holds this deployment's variables, not those of an earlier one. */
  readonly envIsOwn: boolean;
  readonly prune: boolean;
  readonly pull: boolean;
  readonly recreate: boolean;
}

export interface ComposeOutcome {
  readonly ok: boolean;
  /** Standard error. */
  readonly words: string;
  /** It failed while it pulled, before it touched anything. */
  readonly pulling?: boolean;
}

export interface LabEnginesOptions {
  readonly context: LabContext;
  /** The machine that Portainer's container runs on. */
  readonly host: GuestName;
  /** Whether the container has Docker's socket. */
  readonly socket: boolean;
  /** PEM. */
  readonly pairingKey: () => string;
  readonly secret: string | undefined;
}

/** How long Portainer waits for an agent's /ping, in milliseconds (2.23 client/http). */
const pingMs = 3_000;
const requestMs = 60_000;

export function labEngines(options: LabEnginesOptions): Engines {
  return new ModelEngines(options);
}

class ModelEngines implements Engines {
  readonly #options: LabEnginesOptions;

  constructor(options: LabEnginesOptions) {
    this.#options = options;
  }

  ping(url: string): Promise<ApiResponse> {
    return this.#send(url, get("/ping"), {}, pingMs);
  }

  request(target: Target, wanted: EngineRequest): Promise<ApiResponse> {
    const { context, host, socket, pairingKey, secret } = this.#options;
    if (target.Type === 2)
      return this.#send(
        target.URL,
        wanted,
        { ...passedOn(wanted), ...signatureHeaders(pairingKey(), secret) },
        requestMs,
      );
    if (!socket)
      throw new UnreachableError("dial unix /var/run/docker.sock: connect: no such file or directory");
    return engineResponse(new LabDocker(context, host), wanted);
  }

  async up(target: Target, deployment: Deployment): Promise<ComposeOutcome> {
    const docker = await this.#engineOf(target);
    const { project, text, directory, variables, envFile, prune, pull, recreate } = deployment;
    try {
      const read = readCompose({
        text,
        file: `${directory}/docker-compose.yml`,
        directory,
        project,
        variables,
        readFile: (path) => (path === `${directory}/stack.env` ? envFile : undefined),
      });
      if (pull) for (const { image } of read.services) pulled(docker, image);
      const options = { removeOrphans: prune, forceRecreate: recreate };
      const { exitCode, lines } = composeUp(docker, read, options);
      return { ok: exitCode === 0, words: `${lines.join("\n")}\n` };
    } catch (error) {
      if (error instanceof PullError) return { ok: false, words: `${error.message}\n`, pulling: true };
      if (error instanceof ComposeError) return { ok: false, words: `${error.message}\n` };
      throw error;
    }
  }

  async down(target: Target, project: string): Promise<ComposeOutcome> {
    const { exitCode, lines } = composeDown(await this.#engineOf(target), project);
    return { ok: exitCode === 0, words: `${lines.join("\n")}\n` };
  }

  async deployToSwarm(target: Target, deployment: SwarmDeployment): Promise<ComposeOutcome> {
    const { exitCode, stderr } = await deployStack(this.#manager(target), {
      ...deployment,
      // The server's container has no other files than the stack's own.
      readFile: () => undefined,
      isKnownImage: isPullable,
    });
    return { ok: exitCode === 0, words: `${stderr.join("\n")}\n` };
  }

  async removeFromSwarm(target: Target, name: string): Promise<ComposeOutcome> {
    const { exitCode, stderr } = await removeStack(this.#manager(target), name);
    return { ok: exitCode === 0, words: `${stderr.join("\n")}\n` };
  }

  /** Requests that an agent sends on to a manager. */
  #manager(target: Target): Ask {
    return async (method, address, content) => {
      const { pathname: path, searchParams: query } = new URL(address, "http://docker");
      const { status, body = "" } = await this.request(target, {
        ...{ method, path, query },
        body: content === undefined ? "" : JSON.stringify(content),
        headers: { "x-portaineragent-manageroperation": "1" },
      });
      return { status, body: parsed(String(body)) };
    };
  }

  /** The engine itself, once it is proven that Portainer may use it. */
  async #engineOf(target: Target): Promise<LabDocker> {
    const { context, host } = this.#options;
    const { status, body } = await this.request(target, get("/_ping"));
    if (status !== 200) throw new UnreachableError(`Error response from daemon: ${String(body ?? status)}`);
    if (target.Type !== 2) return new LabDocker(context, host);
    const { address } = addressOf(target.URL);
    const machine = readFacts(context.store)?.guests.find((guest) => guest.address === address);
    if (machine === undefined) throw new UnreachableError(`no machine has the address ${address}`);
    return new LabDocker(context, machine.host);
  }

  async #send(
    url: string,
    { method, path, query, body }: EngineRequest,
    headers: Readonly<Record<string, string>>,
    timeoutMs: number,
  ): Promise<ApiResponse> {
    const { context, host } = this.#options;
    const { address, port } = addressOf(url);
    try {
      const to = await context.route(host, { protocol: "tcp", address, port });
      const search = query.toString();
      return await exchange({
        secure: true,
        host: to.address,
        port: to.port,
        method,
        path: search === "" ? path : `${path}?${search}`,
        headers,
        content: body,
        timeoutMs,
      });
    } catch (error) {
      throw new UnreachableError(`dial tcp ${address}:${port}: ${wordsOf(error)}`);
    }
  }
}

/** Headers that an agent looks at, and its engine. */
function passedOn({ headers = {} }: EngineRequest): Readonly<Record<string, string>> {
  const names = ["x-registry-auth", "x-portaineragent-target", "x-portaineragent-manageroperation"];
  return Object.fromEntries(Object.entries(headers).filter(([name]) => names.includes(name)));
}

function get(path: string): EngineRequest {
  return { method: "GET", path, query: new URLSearchParams(), body: "" };
}

function parsed(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return text;
  }
}

function isPullable(image: string): boolean {
  try {
    refusePull(fullReference(image), undefined);
    return true;
  } catch (error) {
    if (error instanceof DockerError) return false;
    throw error;
  }
}

class PullError extends Error {}

function pulled(docker: LabDocker, image: string): void {
  try {
    docker.pull(image);
  } catch (error) {
    if (error instanceof DockerError) throw new PullError(`Error response from daemon: ${error.message}`);
    throw error;
  }
}

/** "tcp://10.0.0.102:9001", "https://10.0.0.102:9001/" or without a scheme. @throws UnreachableError */
function addressOf(url: string): { readonly address: string; readonly port: number } {
  const [, address = "", port = "9001"] = /^(?:\w+:\/\/)?([^/:]+)(?::(\d+))?\/?$/.exec(url) ?? [];
  if (isIP(address) === 4) return { address, port: Number(port) };
  throw new UnreachableError(`dial tcp: lookup ${address}: no such host`);
}
