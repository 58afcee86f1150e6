/** POST /stacks/create/standalone/…: one way up to 2.39, another one since deployments run behind the answer. */
import { type ApiResponse, json } from "../api-server.ts";
import {
  type Call,
  invalidPayload,
  numberInQuery,
  type PortainerProcess,
  Problem,
  payloadOf,
  textOf,
} from "./call.ts";
import type { Endpoint, Stack, Variable } from "./database.ts";
import { down, entryPoint, forgetStackFiles, projectOf, projectPath, up, writeStackText } from "./deploy.ts";
import { endpointNamed } from "./endpoints.ts";
import { UnreachableError } from "./exchange.ts";
import { formOf } from "./multipart.ts";
import { containersOf } from "./stack-containers.ts";
import { normalized, replaceStack, stackJson, variablesOf } from "./stack-json.ts";

export async function createStack(call: Call): Promise<ApiResponse> {
  const { process, params, user } = call;
  const endpoint = endpointNamed(call, numberInQuery(call, "endpointId"));
  const [type, method] = params;
  const invalid = (what: string, known: string): Problem =>
    new Problem(
      400,
      `Invalid value for query parameter: ${what}. Value must be one of: ${known}`,
      "Invalid query parameter",
    );
  if (type !== "standalone") throw invalid("type", "1 (Swarm stack) or 2 (Compose stack)");
  if (method !== "string" && method !== "file") throw invalid("method", "string, repository or file");
  const wanted = method === "string" ? fromJson(call) : fromForm(call);
  const Name = normalized(wanted.name);
  await checkName(process, endpoint, Name);
  const { last } = process.database.read();
  const Id = last.stack + 1;
  process.database.write({ last: { ...last, stack: Id } });
  writeStackText(process, Id, wanted.text);
  const stack: Stack = {
    Id,
    Name,
    Type: 2,
    EndpointId: endpoint.Id,
    EntryPoint: entryPoint,
    Env: wanted.env,
    Status: process.features.async ? 3 : 1,
    ProjectPath: projectPath(Id),
    CreationDate: seconds(process),
    CreatedBy: user?.name ?? "",
    UpdateDate: 0,
    UpdatedBy: "",
  };
  if (process.features.async) {
    record(process, stack);
    deployBehind(process, endpoint, stack);
    return json(200, stackJson(stack, true));
  }
  const outcome = await up(process, endpoint, stack);
  if (!outcome.ok) {
    // Whatever went wrong: the project's containers go, also those that were there before.
    await down(process, endpoint, projectOf(stack));
    forgetStackFiles(process, Id);
    throw new Problem(500, `failed to deploy a stack: ${outcome.words}`);
  }
  record(process, stack);
  return json(200, stackJson(stack, true));
}

interface Wanted {
  readonly name: string;
  readonly text: string;
  readonly env: readonly Variable[] | null;
}

function fromJson(call: Call): Wanted {
  const payload = payloadOf(call);
  return checked(textOf(payload("Name")), textOf(payload("StackFileContent")), variablesOf(payload("Env")));
}

function fromForm({ request }: Call): Wanted {
  const { fields, files } = formOf(request.headers["content-type"] ?? "", request.body);
  const name = fields.get("Name") ?? "";
  if (name === "") throw invalidPayload("Invalid stack name");
  const text = files.get("file");
  if (text === undefined)
    throw invalidPayload("Invalid Compose file. Ensure that the Compose file is uploaded correctly");
  try {
    const env: unknown = JSON.parse(fields.get("Env") || "null");
    return { name, text, env: variablesOf(env) };
  } catch {
    throw invalidPayload("Invalid Env parameter");
  }
}

function checked(name: string, text: string, env: readonly Variable[] | null): Wanted {
  if (name === "") throw invalidPayload("Invalid stack name");
  if (text === "") throw invalidPayload("Invalid stack file content");
  return { name, text, env };
}

/**
 * Nothing collides unless this environment has the name, as a stack or as containers; then every stack of that name
 * anywhere is in the way (up to 2.39). Containers alone are adopted.
 */
async function checkName(process: PortainerProcess, endpoint: Endpoint, name: string): Promise<void> {
  const { stacks } = process.database.read();
  const named = stacks.filter((stack) => stack.Name.toLowerCase() === name);
  const here = named.some(({ EndpointId }) => EndpointId === endpoint.Id);
  if (!here && !(await hasContainers(process, endpoint, name))) return;
  const inTheWay = process.features.async ? here : named.length > 0;
  if (inTheWay) throw new Problem(409, `A stack with the normalized name '${name}' already exists`);
}

async function hasContainers(process: PortainerProcess, endpoint: Endpoint, name: string): Promise<boolean> {
  try {
    return (await containersOf(process, endpoint, name)).length > 0;
  } catch (error) {
    if (error instanceof UnreachableError)
      throw new Problem(500, "Unable to check for name collision", error.message);
    throw error;
  }
}

function record(process: PortainerProcess, stack: Stack): void {
  process.database.write({ stacks: [...process.database.read().stacks, stack] });
}

/** Deploys after the answer, and notes in the stack how it went. */
export function deployBehind(
  process: PortainerProcess,
  endpoint: Endpoint,
  stack: Stack,
  options: Parameters<typeof up>[3] & { readonly undeployFirst?: boolean } = {},
): void {
  const work = async (): Promise<void> => {
    if (options.undeployFirst === true) await down(process, endpoint, projectOf(stack));
    const { ok, words } = await up(process, endpoint, stack, options);
    const now = process.database.read().stacks.find(({ Id }) => Id === stack.Id);
    if (now === undefined) return;
    const entry = ok
      ? { Status: 1, Time: seconds(process) }
      : { Status: 4, Time: seconds(process), Message: `failed to deploy a stack: ${words}` };
    replaceStack(process, {
      ...now,
      Status: entry.Status,
      DeploymentStatus: [...(now.DeploymentStatus ?? []), entry],
    });
  };
  // Long enough for a client to see that it is going on.
  setTimeout(() => void work(), behindMs);
}

const behindMs = 20;

/** Seconds since the epoch, as the database has its dates. */
export function seconds({ clock }: PortainerProcess): number {
  return Math.floor(clock.now() / 1000);
}
