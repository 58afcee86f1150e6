/** Deploying a stack: its files in the data directory, one `compose up` at a time, and what a failure leaves (2.23 deployments/deployer.go). */
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

/** `compose up`, after whatever else is being deployed. */
export function up(
  process: PortainerProcess,
  endpoint: Endpoint,
  stack: Pick<Stack, "Id" | "Name" | "Env">,
  { prune = false, pull = false, recreate = false }: DeployOptions = {},
): Promise<ComposeOutcome> {
  const { engines, variables, deployments, directory } = process;
  return deployments.run(async () => {
    try {
      const envPath = join(directory, "compose", String(stack.Id), "stack.env");
      const own = variableText(stack.Env ?? []);
      // It is written when there are variables and stays when they go.
      if (own !== "") writeFileSync(envPath, own, { mode: 0o600 });
      return await engines.up(endpoint, {
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
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return { ok: false, words: `${messageOf(error)}\n` };
    }
  });
}

/** `compose down --remove-orphans`; it waits for nobody. */
export async function down(
  process: PortainerProcess,
  endpoint: Endpoint,
  project: string,
): Promise<ComposeOutcome> {
  try {
    return await process.engines.down(endpoint, project);
  } catch (error) {
    if (error instanceof UnreachableError) return { ok: false, words: error.message };
    throw error;
  }
}

function variableText(variables: readonly Variable[]): string {
  return variables.map(({ name, value }) => `${name}=${value}\n`).join("");
}
