/** POST /stacks/create/{standalone,swarm}/…: one way up to 2.39, another one since deployments run behind the answer. */
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
import { down, entryPoint, failureOf, forgetStackFiles, projectPath, up, writeStackText } from "./deploy.ts";
import { endpointNamed } from "./endpoints.ts";
import { UnreachableError } from "./exchange.ts";
import { formOf } from "./multipart.ts";
import { isDeployed } from "./stack-deployed.ts";
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
  if (type !== "standalone" && type !== "swarm")
    throw invalid("type", "1 (Swarm stack) or 2 (Compose stack)");
  if (method !== "string" && method !== "file") throw invalid("method", "string, repository or file");
  const toSwarm = type === "swarm";
  const wanted = method === "string" ? fromJson(call, toSwarm) : fromForm(call, toSwarm);
  const Name = normalized(wanted.name);
  await (toSwarm ? checkNameInSwarm : checkName)(process, endpoint, Name);
  const { last } = process.database.read();
  const Id = last.stack + 1;
  process.database.write({ last: { ...last, stack: Id } });
  writeStackText(process, Id, wanted.text);
  const stack: Stack = {
    Id,
    Name,
    Type: toSwarm ? 1 : 2,
    ...(toSwarm ? { SwarmId: wanted.swarm } : {}),
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
    deployBehind(process, endpoint, stack, { pull: toSwarm });
    return json(200, stackJson(stack, true));
  }
  // A Swarm's images are resolved when it is created, and afterwards when an update says so.
  const outcome = await up(process, endpoint, stack, { pull: toSwarm });
  if (!outcome.ok) {
    // Whatever went wrong: a project's containers go, also those that were there before.
    if (!toSwarm) await down(process, endpoint, stack);
    forgetStackFiles(process, Id);
    throw new Problem(500, failureOf(stack, outcome));
  }
  record(process, stack);
  return json(200, stackJson(stack, true));
}

interface Wanted {
  readonly name: string;
  readonly text: string;
  readonly env: readonly Variable[] | null;
  /** "" for a Compose stack. */
  readonly swarm: string;
}

function fromJson(call: Call, toSwarm: boolean): Wanted {
  const payload = payloadOf(call);
  const name = textOf(payload("Name"));
  const swarm = toSwarm ? textOf(payload("SwarmID")) : "";
  checkIdentity(name, swarm, toSwarm);
  const text = textOf(payload("StackFileContent"));
  if (text === "") throw invalidPayload("Invalid stack file content");
  return { name, swarm, text, env: variablesOf(payload("Env")) };
}

function fromForm({ request }: Call, toSwarm: boolean): Wanted {
  const { fields, files } = formOf(request.headers["content-type"] ?? "", request.body);
  const name = fields.get("Name") ?? "";
  const swarm = toSwarm ? (fields.get("SwarmID") ?? "") : "";
  checkIdentity(name, swarm, toSwarm);
  const text = files.get("file");
  if (text === undefined)
    throw invalidPayload("Invalid Compose file. Ensure that the Compose file is uploaded correctly");
  try {
    const env: unknown = JSON.parse(fields.get("Env") || "null");
    return { name, swarm, text, env: variablesOf(env) };
  } catch {
    throw invalidPayload("Invalid Env parameter");
  }
}

/** The Swarm's number must be there; whose it is, nobody asks. */
function checkIdentity(name: string, swarm: string, toSwarm: boolean): void {
  if (name === "") throw invalidPayload("Invalid stack name");
  if (toSwarm && swarm === "") throw invalidPayload("Invalid Swarm ID");
}

/**
 * Nothing collides unless this environment has the name, as a stack or as containers; then every stack of that name
 * anywhere is in the way (up to 2.39). Containers alone are adopted.
 */
async function checkName(process: PortainerProcess, endpoint: Endpoint, name: string): Promise<void> {
  const { stacks } = process.database.read();
  const named = stacks.filter((stack) => stack.Name.toLowerCase() === name);
  const here = named.some(({ EndpointId }) => EndpointId === endpoint.Id);
  if (!here && !(await isTaken(process, endpoint, { Name: name, Type: 2 }))) return;
  const inTheWay = process.features.async ? here : named.length > 0;
  if (inTheWay) throw taken(name);
}

/** On a Swarm whatever has the name is in the way, and nothing is adopted. */
async function checkNameInSwarm(process: PortainerProcess, endpoint: Endpoint, name: string): Promise<void> {
  const { stacks } = process.database.read();
  const here = stacks.some((stack) => stack.Name.toLowerCase() === name && stack.EndpointId === endpoint.Id);
  if (here || (await isTaken(process, endpoint, { Name: name, Type: 1 }))) throw taken(name);
}

function taken(name: string): Problem {
  return new Problem(409, `A stack with the normalized name '${name}' already exists`);
}

async function isTaken(
  process: PortainerProcess,
  endpoint: Endpoint,
  stack: Pick<Stack, "Name" | "Type">,
): Promise<boolean> {
  try {
    return await isDeployed(process, endpoint, stack);
  } catch (error) {
    if (error instanceof UnreachableError)
      throw new Problem(500, "Unable to check for name collision", error.message);
    throw error;
  }
}

function record(process: PortainerProcess, stack: Stack): void {
  process.database.write({ stacks: [...process.database.read().stacks, stack] });
}

interface BehindOptions {
  readonly undeployFirst?: boolean;
  /** The file before an update. */
  readonly before?: string | undefined;
}

/** Deploys after the answer, and notes in the stack how it went. */
export function deployBehind(
  process: PortainerProcess,
  endpoint: Endpoint,
  stack: Stack,
  options: Parameters<typeof up>[3] & BehindOptions = {},
): void {
  const work = async (): Promise<void> => {
    if (options.undeployFirst === true) await down(process, endpoint, stack);
    const outcome = await up(process, endpoint, stack, options);
    // The file goes back, what the record says of its variables does not (2.45).
    if (!outcome.ok && options.before !== undefined) writeStackText(process, stack.Id, options.before);
    const now = process.database.read().stacks.find(({ Id }) => Id === stack.Id);
    if (now === undefined) return;
    const entry = outcome.ok
      ? { Status: 1, Time: seconds(process) }
      : { Status: 4, Time: seconds(process), Message: failureOf(stack, outcome) };
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
