/** PUT /stacks/{id}, start and stop. */
import { type ApiResponse, json } from "../api-server.ts";
import {
  type Call,
  invalidPayload,
  numberInQuery,
  numberInRoute,
  Problem,
  payloadOf,
  textOf,
} from "./call.ts";
import type { Stack } from "./database.ts";
import { down, failureOf, isOfSwarm, projectOf, stackText, up, writeStackText } from "./deploy.ts";
import { endpointNamed } from "./endpoints.ts";
import { deployBehind, seconds } from "./stack-create.ts";
import { isDeployed } from "./stack-deployed.ts";
import { replaceStack, stackJson, stackNamed, variablesOf } from "./stack-json.ts";

const endpointWords = "Unable to find the environment associated to the stack inside the database";

export async function updateStack(call: Call): Promise<ApiResponse> {
  const { process, user } = call;
  const { async, repull } = process.features;
  const id = numberInRoute(call, "stack");
  // The checks changed places when deployments moved behind the answer.
  if (async) numberInQuery(call, "endpointId");
  const stack = stackNamed(call, id);
  const endpointId = numberInQuery(call, "endpointId");
  if (async && stack.Status === 3)
    throw new Problem(409, "Unable to update stack", "Stack deployment is already in progress");
  const endpoint = endpointNamed(call, endpointId, endpointWords);
  const payload = payloadOf(call);
  const text = textOf(payload("StackFileContent"));
  if (text === "") throw invalidPayload("Invalid stack file content");
  const pull = payload("PullImage") === true || (repull && payload("RepullImageAndRedeploy") === true);
  const prune = (repull || isOfSwarm(stack)) && payload("Prune") === true;
  const options = { prune, pull, recreate: repull && pull };
  const before = stackText(process, id);
  const changed: Stack = {
    ...stack,
    EndpointId: endpointId,
    Env: variablesOf(payload("Env")),
    Status: async ? 3 : 1,
    UpdateDate: seconds(process),
    UpdatedBy: user?.name ?? "",
    ...(repull ? { Option: { Prune: prune } } : {}),
  };
  writeStackText(process, id, text);
  if (async) {
    replaceStack(process, changed);
    deployBehind(process, endpoint, changed, { ...options, undeployFirst: stack.Status === 4, before });
    return json(200, stackJson(changed, false));
  }
  const outcome = await up(process, endpoint, changed, options);
  if (!outcome.ok) {
    if (before !== undefined) writeStackText(process, id, before);
    if (outcome.pulling === true)
      throw new Problem(500, `failed to pull images of the stack: ${outcome.words}`);
    // A Compose stack goes as a whole, and its row says that it is active.
    if (!isOfSwarm(stack)) await down(process, endpoint, stack);
    throw new Problem(500, failureOf(stack, outcome));
  }
  replaceStack(process, changed);
  return json(200, stackJson(changed, false));
}

export async function startStack(call: Call): Promise<ApiResponse> {
  const { process } = call;
  const stack = stackNamed(call, numberInRoute(call, "stack"));
  const endpoint = endpointNamed(call, numberInQuery(call, "endpointId"));
  if (process.features.async && stack.Status !== 2)
    throw new Problem(409, "Unable to start stack", "Stack is not inactive");
  if (await isDeployed(process, endpoint, { ...stack, Name: projectOf(stack) }))
    throw new Problem(409, `A stack with the name '${stack.Name}' is already running`);
  if (stack.Status === 1) throw new Problem(400, "Stack is already active");
  const { ok, words } = await up(process, endpoint, stack, {
    prune: isOfSwarm(stack),
    pull: isOfSwarm(stack),
  });
  if (!ok) throw new Problem(500, "Unable to start stack", words);
  const changed = { ...stack, Status: 1 };
  replaceStack(process, changed);
  return json(200, stackJson(changed, false));
}

export async function stopStack(call: Call): Promise<ApiResponse> {
  const { process } = call;
  const stack = stackNamed(call, numberInRoute(call, "stack"));
  const endpoint = endpointNamed(call, numberInQuery(call, "endpointId"));
  if (stack.Status === 2) throw new Problem(400, "Stack is already inactive");
  const { ok, words } = await down(process, endpoint, stack);
  if (!ok) throw new Problem(500, "Unable to stop stack", words);
  const changed = { ...stack, Status: 2 };
  replaceStack(process, changed);
  return json(200, stackJson(changed, false));
}
