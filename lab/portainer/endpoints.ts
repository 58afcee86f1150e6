/** Environments: listing, changing, looking at them; and their tags and groups. */
import { json } from "../api-server.ts";
import {
  type Call,
  invalidPayload,
  noContent,
  notFound,
  numberInRoute,
  Problem,
  payloadOf,
  type Route,
  textOf,
} from "./call.ts";
import type { Endpoint } from "./database.ts";
import { createEndpoint } from "./endpoint-create.ts";
import { endpointJson, snapshotStatus } from "./endpoint-json.ts";

export const endpointRoutes: readonly Route[] = [
  { method: "GET", pattern: /^\/endpoints$/, access: "user", act: list },
  { method: "POST", pattern: /^\/endpoints$/, access: "user", act: createEndpoint },
  { method: "GET", pattern: /^\/endpoints\/([^/]+)$/, access: "user", act: show },
  { method: "PUT", pattern: /^\/endpoints\/([^/]+)$/, access: "user", act: update },
  { method: "DELETE", pattern: /^\/endpoints\/([^/]+)$/, access: "user", act: remove },
  { method: "POST", pattern: /^\/endpoints\/([^/]+)\/snapshot$/, access: "user", act: snapshot },
  { method: "GET", pattern: /^\/tags$/, access: "user", act: tags },
  { method: "POST", pattern: /^\/tags$/, access: "user", act: createTag },
  { method: "DELETE", pattern: /^\/tags\/(\d+)$/, access: "user", act: removeTag },
  { method: "GET", pattern: /^\/endpoint_groups$/, access: "user", act: groups },
];

/** @throws Problem 404 */
export function endpointNamed({ process }: Pick<Call, "process">, id: number, words?: string): Endpoint {
  const found = process.database.read().endpoints.find(({ Id }) => Id === id);
  if (found !== undefined) return found;
  throw notFound(
    words ?? "Unable to find an environment with the specified identifier inside the database",
    "endpoints",
    id,
  );
}

/** Lists filter only when they are written with brackets. */
function list({ process, request }: Call) {
  const all = process.database.read().endpoints;
  const { query } = request;
  const name = query.get("name");
  const search = query.get("search")?.toLowerCase();
  const among = (key: string, values: (endpoint: Endpoint) => readonly number[]) => {
    const wanted = query.getAll(`${key}[]`).map(Number);
    return (endpoint: Endpoint) =>
      wanted.length === 0 || values(endpoint).some((value) => wanted.includes(value));
  };
  const filters = [
    among("types", ({ Type }) => [Type]),
    among("status", ({ Status }) => [Status]),
    among("tagIds", ({ TagIds }) => TagIds),
    among("groupIds", ({ GroupId }) => [GroupId]),
    among("endpointIds", ({ Id }) => [Id]),
  ];
  const found = all.filter(
    (endpoint) =>
      (name === null || endpoint.Name === name) &&
      (search === undefined || endpoint.Name.toLowerCase().includes(search)) &&
      filters.every((filter) => filter(endpoint)),
  );
  const start = Math.max(1, Number(query.get("start") ?? 1) || 1) - 1;
  const limit = Number(query.get("limit") ?? 0) || found.length;
  return json(
    200,
    found.slice(start, start + limit).map((endpoint) => endpointJson(endpoint, [])),
    { "x-total-count": String(found.length), "x-total-available": String(all.length) },
  );
}

async function show(call: Call) {
  const endpoint = endpointNamed(call, numberInRoute(call, "environment"));
  if (call.request.query.get("excludeSnapshot") === "true") return json(200, endpointJson(endpoint, []));
  const { info } = await snapshotStatus(call.process, endpoint);
  return json(200, endpointJson(endpoint, info === undefined ? [] : [{ DockerSnapshotRaw: { Info: info } }]));
}

/** Only what is given changes. Nothing is contacted: an engine that is not there shows with the next snapshot. */
function update(call: Call) {
  const { process } = call;
  const payload = payloadOf(call);
  const endpoint = endpointNamed(call, numberInRoute(call, "environment"));
  const { endpoints, tags: known } = process.database.read();
  const name = textOf(payload("Name"));
  if (name !== "" && endpoints.some(({ Name, Id }) => Name === name && Id !== endpoint.Id))
    throw new Problem(409, "Name is not unique");
  const ids = payload("TagIDs");
  const TagIds = Array.isArray(ids) ? ids.map(Number) : endpoint.TagIds;
  const stranger = TagIds.find((id) => !known.some(({ ID }) => ID === id));
  if (stranger !== undefined)
    throw new Problem(
      500,
      "Unable to update environment tags",
      `unable to find a tag inside the database: object not found inside the database (bucket=tags, key=${stranger})`,
    );
  const URL = textOf(payload("URL")) || endpoint.URL;
  if (/\s/.test(URL))
    throw new Problem(
      500,
      "Unable to register HTTP proxy for the environment",
      `parse "${URL}": invalid character " " in host name`,
    );
  const [tls, skip, group, status] = [
    payload("TLS"),
    payload("TLSSkipVerify"),
    payload("GroupID"),
    payload("Status"),
  ];
  const TLS = typeof tls === "boolean" ? tls : endpoint.TLSConfig.TLS;
  const publicUrl = payload("PublicURL");
  const changed: Endpoint = {
    ...endpoint,
    Name: name === "" ? endpoint.Name : name,
    URL,
    PublicURL: typeof publicUrl === "string" ? publicUrl : endpoint.PublicURL,
    GroupId: typeof group === "number" ? group : endpoint.GroupId,
    Status: status === 1 || status === 2 ? status : endpoint.Status,
    TagIds,
    TLSConfig: {
      TLS,
      TLSSkipVerify: TLS && (typeof skip === "boolean" ? skip : endpoint.TLSConfig.TLSSkipVerify),
    },
  };
  replace(call, changed);
  return json(200, endpointJson(changed, []));
}

/** The stacks stay, as orphans. */
function remove(call: Call) {
  const { Id } = endpointNamed(call, numberInRoute(call, "environment"));
  const { database } = call.process;
  database.write({ endpoints: database.read().endpoints.filter((each) => each.Id !== Id) });
  return noContent;
}

/** Always 204: what was seen shows in the environment's status. */
async function snapshot(call: Call) {
  const endpoint = endpointNamed(call, numberInRoute(call, "environment"));
  const { status } = await snapshotStatus(call.process, endpoint);
  replace(call, { ...endpoint, Status: status });
  return noContent;
}

function replace({ process }: Call, changed: Endpoint): void {
  const { endpoints } = process.database.read();
  process.database.write({ endpoints: endpoints.map((each) => (each.Id === changed.Id ? changed : each)) });
}

function tags({ process }: Call) {
  const { tags: all, endpoints } = process.database.read();
  return json(
    200,
    all.map((tag) => ({
      ...tag,
      Endpoints: Object.fromEntries(
        endpoints.filter(({ TagIds }) => TagIds.includes(tag.ID)).map(({ Id }) => [Id, true]),
      ),
      EndpointGroups: {},
    })),
  );
}

function createTag(call: Call) {
  const { database } = call.process;
  const Name = textOf(payloadOf(call)("Name"));
  if (Name === "") throw invalidPayload("Invalid tag name");
  const { tags: all, last } = database.read();
  if (all.some((tag) => tag.Name === Name))
    throw new Problem(409, "This name is already associated to a tag", "A tag already exists with this name");
  const tag = { ID: last.tag + 1, Name };
  database.write({ tags: [...all, tag], last: { ...last, tag: tag.ID } });
  return json(200, { ...tag, Endpoints: {}, EndpointGroups: {} });
}

function removeTag({ process, params }: Call) {
  const id = Number(params[0]);
  const { tags: all, endpoints } = process.database.read();
  if (!all.some(({ ID }) => ID === id))
    throw notFound("Unable to find a tag with the specified identifier inside the database", "tags", id);
  process.database.write({
    tags: all.filter(({ ID }) => ID !== id),
    endpoints: endpoints.map((each) => ({ ...each, TagIds: each.TagIds.filter((tag) => tag !== id) })),
  });
  return noContent;
}

function groups() {
  return json(200, [{ Id: 1, Name: "Unassigned", Description: "Unassigned environments", TagIds: [] }]);
}
