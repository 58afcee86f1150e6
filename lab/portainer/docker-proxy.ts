/** Docker's own API behind Portainer: passed on as it is, but for what Portainer adds to things that are created. */
import { type ApiResponse, json } from "../api-server.ts";
import { type Call, Problem, type Route } from "./call.ts";
import { endpointNamed } from "./endpoints.ts";
import { UnreachableError } from "./exchange.ts";
import { registryAuth } from "./registries.ts";

export const proxyRoutes: readonly Route[] = ["GET", "HEAD", "POST", "PUT", "DELETE"].map((method) => ({
  method,
  pattern: /^\/endpoints\/(\d+)\/docker(\/.*)$/,
  access: "user",
  act: proxy,
}));

async function proxy(call: Call): Promise<ApiResponse> {
  const { process, request, params } = call;
  const endpoint = endpointNamed(call, Number(params[0]));
  const path = params[1] ?? "/";
  const { method, query, body } = request;
  const { "x-registry-auth": _, ...others } = request.headers;
  const headers = { ...others, ...registryAuth(call) };
  try {
    const response = await process.engines.request(endpoint, {
      method,
      path,
      query,
      body,
      headers,
    });
    return method === "POST" ? decorated(path, response, process.features.ownStatus ? 201 : 200) : response;
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    if (endpoint.Type === 2 && process.features.ownStatus)
      throw new Problem(502, "Unable to reach the environment", error.message);
    if (endpoint.Type === 2) return { status: 502 };
    throw new Problem(500, "Unable to proxy the request via the Docker socket", error.message);
  }
}

/** Up to 2.39 201 becomes 200, because the answer is written anew with the resource's owner in it (2.23 proxy/factory/docker). */
function decorated(path: string, response: ApiResponse, created: number): ApiResponse {
  const [, kind] =
    /^(?:\/v[\d.]+)?\/(containers|networks|volumes|configs|secrets|services)\/create$/.exec(path) ?? [];
  if (kind === undefined || response.status !== 201) return response;
  const value: unknown = JSON.parse(String(response.body));
  if (typeof value !== "object" || value === null) return response;
  const name = "Name" in value ? String(value.Name) : "";
  const added = {
    ...(kind === "volumes" ? { ResourceID: `${name}_lab` } : {}),
    Portainer: { ResourceControl: { Id: 0, AdministratorsOnly: true, Public: false } },
  };
  return json(created, { ...value, ...added });
}
