/** `/networks`: the machine's own, and the overlays of its Swarm. */
import { json } from "../api-server.ts";
import { bodyOf, type EngineCall, texts } from "./http-request.ts";
import { networkJson } from "./json.ts";
import { DockerError } from "./state.ts";
import { filtersIn, hasLabel, overlayJson } from "./swarm/json.ts";
import { createOverlay, overlaysOn, removeOverlay } from "./swarm/networks.ts";
import type { EngineRoute } from "./swarm/routes.ts";

export const networkRoutes: readonly EngineRoute[] = [
  ["GET", /^\/networks$/, list],
  ["POST", /^\/networks\/create$/, create],
  ["GET", /^\/networks\/([^/]+)$/, show],
  ["DELETE", /^\/networks\/([^/]+)$/, remove],
];

type Shown = Readonly<Record<string, unknown>>;

function allOf({ docker }: Pick<EngineCall, "docker">): readonly Shown[] {
  return [...docker.state.networks.map(networkJson), ...overlaysOn(docker).map(overlayJson)];
}

function list({ docker, request }: EngineCall) {
  const filters = filtersIn(request.query.get("filters"));
  const any = (key: string, test: (value: string) => boolean): boolean => {
    const values = filters.get(key) ?? [];
    return values.length === 0 || values.some(test);
  };
  return json(
    200,
    allOf({ docker }).filter(
      (network) =>
        any("name", (value) => String(network.Name).includes(value)) &&
        any("driver", (value) => network.Driver === value) &&
        any("scope", (value) => network.Scope === value) &&
        any("id", (value) => String(network.Id).startsWith(value)) &&
        (filters.get("label") ?? []).every((value) => hasLabel(Object(network.Labels), value)),
    ),
  );
}

function create({ docker, request }: EngineCall) {
  const body = bodyOf(request);
  const name = String(body.Name ?? "");
  if (allOf({ docker }).some((network) => network.Name === name))
    throw new DockerError(409, `network with name ${name} already exists`);
  const driver = String(body.Driver ?? "bridge");
  const Id =
    driver === "overlay"
      ? createOverlay(docker, body)
      : docker.createNetwork({ name, driver, labels: texts(body.Labels) }).id;
  return json(201, { Id, Warning: "" });
}

function named(call: EngineCall): Shown {
  const { name } = call;
  const found = allOf(call).find((network) => network.Name === name || network.Id === name);
  if (found !== undefined) return found;
  throw new DockerError(404, `network ${name} not found`);
}

function show(call: EngineCall) {
  return json(200, named(call));
}

function remove(call: EngineCall) {
  named(call);
  if (!removeOverlay(call.docker, call.name)) call.docker.removeNetwork(call.name);
  return { status: 204 };
}
