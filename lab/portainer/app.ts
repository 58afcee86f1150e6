/** The simulated Portainer's front: what every request passes before its route (2.23 api/http/server.go, security). */
import type { ApiRequest, ApiResponse } from "../api-server.ts";
import { json } from "../api-server.ts";
import { accessRoutes } from "./access.ts";
import { type Call, type PortainerProcess, Problem, problem, type Route } from "./call.ts";
import { proxyRoutes } from "./docker-proxy.ts";
import { endpointRoutes } from "./endpoints.ts";
import { registryRoutes } from "./registries.ts";
import { cookieOf } from "./sessions.ts";
import { stackRoutes } from "./stacks.ts";
import { systemRoutes } from "./system.ts";
import { userRoutes } from "./users.ts";

const routes: readonly Route[] = [
  ...systemRoutes,
  ...userRoutes,
  ...endpointRoutes,
  ...stackRoutes,
  ...registryRoutes,
  ...accessRoutes,
  ...proxyRoutes,
];

/** A process without an administrator serves this long, in milliseconds. */
const adminWindowMs = 5 * 60_000;

/** Still answered when that time is over, in exactly this spelling. */
const alwaysOpen = ["/api/status", "/api/settings/public"];

const plainText = { "content-type": "text/plain; charset=utf-8" };

export async function respond(
  process: PortainerProcess,
  request: ApiRequest,
): Promise<ApiResponse | undefined> {
  const forged = crossSite(request);
  if (forged !== undefined) return forged;
  const isApi = request.path === "/api" || request.path.startsWith("/api/");
  if (isTimedOut(process) && !(alwaysOpen.includes(request.path) && request.query.size === 0))
    return isApi ? timedOut : { status: 307, headers: { location: "/timeout.html" } };
  if (!isApi)
    return {
      status: 200,
      headers: { "content-type": "text/html" },
      body: "<!doctype html><title>Portainer</title>\n",
    };
  try {
    return await routed(process, request);
  } catch (error) {
    if (error instanceof Problem) return problem(error);
    throw error;
  }
}

async function routed(process: PortainerProcess, request: ApiRequest): Promise<ApiResponse | undefined> {
  const path = request.path.slice("/api".length);
  const found = routes.filter(({ pattern }) => pattern.test(path));
  if (found.length === 0) return { status: 404, headers: plainText, body: "404 page not found\n" };
  const route = found.find(({ method }) => method === request.method);
  if (route === undefined) return { status: 405 };
  const params = route.pattern.exec(path)?.slice(1) ?? [];
  const call: Call = { process, request, params, user: undefined, byKey: false };
  if (route.access === "public") return route.act(call);
  const identity = process.sessions.identify(request);
  if (identity.kind === "anonymous")
    throw new Problem(401, "A valid authorization token is missing", "Unauthorized");
  if (identity.kind === "unknown") throw new Problem(401, "Invalid JWT token", "Unauthorized");
  return route.act({ ...call, user: identity.user, byKey: identity.byKey });
}

/** Two kinds of credentials at once, or a browser's cookie without its CSRF token. */
function crossSite({ headers, method }: ApiRequest): ApiResponse | undefined {
  const cookie = cookieOf(headers.cookie ?? "");
  if (cookie === undefined && headers["x-api-key"] !== undefined && headers.authorization !== undefined)
    return json(403, {
      message: "api key and auth header are not allowed at the same time",
      details: "Api key and auth header are not allowed at the same time",
    });
  const safe = ["GET", "HEAD", "OPTIONS", "TRACE"].includes(method);
  if (cookie === undefined || safe || headers["x-csrf-token"] !== undefined) return undefined;
  return { status: 403, headers: plainText, body: "Forbidden - CSRF token not found in request\n" };
}

function isTimedOut({ database, clock, startedAt }: PortainerProcess): boolean {
  return database.read().users.length === 0 && clock.now() - startedAt >= adminWindowMs;
}

const timedOut = json(
  303,
  { message: "Administrator initialization timeout", details: "Administrator initialization timeout" },
  { "redirect-reason": "AdminInitTimeout" },
);
