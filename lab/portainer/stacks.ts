/** Stacks: listing, showing, removing. */
import { type ApiResponse, json } from "../api-server.ts";
import {
  type Call,
  jsonWords,
  noContent,
  numberInQuery,
  numberInRoute,
  Problem,
  type Route,
} from "./call.ts";
import type { Stack } from "./database.ts";
import { down, forgetStackFiles, isOfSwarm, stackText } from "./deploy.ts";
import { endpointNamed } from "./endpoints.ts";
import { createStack } from "./stack-create.ts";
import { stackJson, stackNamed } from "./stack-json.ts";
import { startStack, stopStack, updateStack } from "./stack-update.ts";

export const stackRoutes: readonly Route[] = [
  { method: "GET", pattern: /^\/stacks$/, access: "user", act: list },
  { method: "POST", pattern: /^\/stacks\/create\/([^/]+)\/([^/]+)$/, access: "user", act: createStack },
  { method: "GET", pattern: /^\/stacks\/([^/]+)$/, access: "user", act: show },
  { method: "PUT", pattern: /^\/stacks\/([^/]+)$/, access: "user", act: updateStack },
  { method: "DELETE", pattern: /^\/stacks\/([^/]+)$/, access: "user", act: remove },
  { method: "GET", pattern: /^\/stacks\/([^/]+)\/file$/, access: "user", act: file },
  { method: "POST", pattern: /^\/stacks\/([^/]+)\/start$/, access: "user", act: startStack },
  { method: "POST", pattern: /^\/stacks\/([^/]+)\/stop$/, access: "user", act: stopStack },
];

function list({ process, request }: Call): ApiResponse {
  const wanted = filtersOf(request.query.get("filters"));
  const found = process.database.read().stacks.filter(wanted);
  return json(
    200,
    found.map((stack) => stackJson(stack, true)),
  );
}

/** {"EndpointID": 1}, a number, of Compose stacks; {"SwarmID": "…"} of a Swarm's; both together are either. */
function filtersOf(text: string | null): (stack: Stack) => boolean {
  if (text === null || text === "") return () => true;
  const invalid = new Problem(400, "Invalid query parameter: filters");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Problem(400, invalid.message, `json: ${jsonWords(error)}`);
  }
  const filters: { EndpointID?: unknown; SwarmID?: unknown } =
    typeof value === "object" && value !== null ? value : {};
  const { EndpointID: id = 0, SwarmID: swarm = "" } = filters;
  if (typeof id !== "number" || typeof swarm !== "string") throw invalid;
  if (id === 0 && swarm === "") return () => true;
  return (stack) => (isOfSwarm(stack) ? stack.SwarmId === swarm : stack.EndpointId === id);
}

function show(call: Call): ApiResponse {
  return json(200, stackJson(stackNamed(call, numberInRoute(call, "stack")), true));
}

function file(call: Call): ApiResponse {
  const { Id } = stackNamed(call, numberInRoute(call, "stack"));
  const StackFileContent = stackText(call.process, Id);
  if (StackFileContent !== undefined) return json(200, { StackFileContent });
  throw new Problem(
    500,
    "Unable to retrieve Compose file from disk",
    `Open /data/compose/${Id}/docker-compose.yml: no such file or directory`,
  );
}

/** With another environment's number the project goes down over there, and the real one runs on without a record. */
async function remove(call: Call): Promise<ApiResponse> {
  const { process, request } = call;
  const id = numberInRoute(call, "stack");
  const stack = stackNamed(call, id);
  const endpointId = request.query.has("endpointId") ? numberInQuery(call, "endpointId") : 0;
  const endpoint = endpointNamed(
    call,
    endpointId,
    "Unable to find the endpoint associated to the stack inside the database",
  );
  if (stack.Name === "" && !isOfSwarm(stack))
    throw new Problem(500, "no configuration file provided: not found");
  const { ok, words } = await down(process, endpoint, stack);
  if (!ok) throw new Problem(500, words);
  process.database.write({ stacks: process.database.read().stacks.filter(({ Id }) => Id !== id) });
  forgetStackFiles(process, id);
  return noContent;
}
