/** Deploying a stack: its files in the data directory, one deployment at a time, and what a failure leaves (2.23 deployments/deployer.go). */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../../src/errors.ts";
import { parseEnvFile } from "../docker/env-file.ts";
import { readTextIfThere } from "../store.ts";
import type { PortainerProcess } from "./call.ts";
import type { Endpoint, Stack, Variable } from "./database.ts";
import type { ComposeOutcome } from "./engines.ts";
import { UnreachableError } from "./exchange.ts";

export const entryPoint = "docker-compose.yml";

export interface DeployOptions {
  readonly prune?: boolean;
  readonly pull?: boolean;
  readonly recreate?: boolean;
}

/** The stack's directory as the container sees it. */
export function projectPath(id: number): string {
  return `/data/compose/${id}`;
}

/** Compose takes the directory's name where a stack has none. */
export function projectOf({ Name, Id }: Pick<Stack, "Name" | "Id">): string {
  return Name === "" ? String(Id) : Name;
}

export function stackText({ directory }: PortainerProcess, id: number): string | undefined {
  return readTextIfThere(join(directory, "compose", String(id), entryPoint));
}

export function writeStackText({ directory }: PortainerProcess, id: number, text: string): void {
  const project = join(directory, "compose", String(id));
  mkdirSync(project, { recursive: true });
  writeFileSync(join(project, entryPoint), text);
}

export function forgetStackFiles({ directory }: PortainerProcess, id: number): void {
  rmSync(join(directory, "compose", String(id)), { recursive: true, force: true });
}

/** What is deployed of a stack. */
export type Deployable = Pick<Stack, "Id" | "Name" | "Type" | "Env">;

/** A Swarm's stack: nothing is torn down when its deployment fails, and no file carries its variables. */
export function isOfSwarm({ Type }: Pick<Stack, "Type">): boolean {
  return Type === 1;
}

/** The message of a deployment that failed: of a Swarm's the command's own words. */
export function failureOf(stack: Pick<Stack, "Type">, { words }: ComposeOutcome): string {
  return isOfSwarm(stack) ? words : `failed to deploy a stack: ${words}`;
}

/** `compose up` or `docker stack deploy`, after whatever else is being deployed. */
export function up(
  process: PortainerProcess,
  endpoint: Endpoint,
  stack: Deployable,
  options: DeployOptions = {},
): Promise<ComposeOutcome> {
  return process.deployments.run(async () => {
    try {
      return isOfSwarm(stack)
        ? await deployToSwarm(process, endpoint, stack, options)
        : await composeUp(process, endpoint, stack, options);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return { ok: false, words: `${messageOf(error)}\n` };
    }
  });
}

function deployToSwarm(
  process: PortainerProcess,
  endpoint: Endpoint,
  stack: Deployable,
  { prune = false, pull = false }: DeployOptions,
): Promise<ComposeOutcome> {
  const own = (stack.Env ?? []).map(({ name, value }) => [name, value]);
  return process.engines.deployToSwarm(endpoint, {
    name: stack.Name,
    text: stackText(process, stack.Id) ?? "",
    directory: projectPath(stack.Id),
    variables: { ...process.variables, ...Object.fromEntries(own) },
    prune,
    resolveImages: pull,
  });
}

function composeUp(
  process: PortainerProcess,
  endpoint: Endpoint,
  stack: Deployable,
  { prune = false, pull = false, recreate = false }: DeployOptions,
): Promise<ComposeOutcome> {
  const { engines, variables, directory } = process;
  const envPath = join(directory, "compose", String(stack.Id), "stack.env");
  const own = variableText(stack.Env ?? []);
  // It is written when there are variables and stays when they go.
  if (own !== "") writeFileSync(envPath, own, { mode: 0o600 });
  return engines.up(endpoint, {
    project: projectOf(stack),
    text: stackText(process, stack.Id) ?? "",
    directory: projectPath(stack.Id),
    // The server's own environment wins over the stack's variables.
    variables: { ...parseEnvFile(own, variables, envPath), ...variables },
    envFile: readTextIfThere(envPath),
    envIsOwn: own !== "",
    prune: prune || variables.COMPOSE_REMOVE_ORPHANS === "true",
    pull,
    recreate,
  });
}

/** `compose down --remove-orphans` or `docker stack rm`; it waits for nobody. */
export async function down(
  { engines }: PortainerProcess,
  endpoint: Endpoint,
  stack: Deployable,
): Promise<ComposeOutcome> {
  try {
    return isOfSwarm(stack)
      ? await engines.removeFromSwarm(endpoint, stack.Name)
      : await engines.down(endpoint, projectOf(stack));
  } catch (error) {
    if (error instanceof UnreachableError) return { ok: false, words: error.message };
    throw error;
  }
}

function variableText(variables: readonly Variable[]): string {
  return variables.map(({ name, value }) => `${name}=${value}\n`).join("");
}
