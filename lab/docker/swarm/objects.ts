/** `/secrets` and `/configs`: they never change but for their labels, and a secret's data is never told (Docker 26.1). */
import { type ApiResponse, json } from "../../api-server.ts";
import { bodyOf, type EngineCall, texts } from "../http-request.ts";
import { DockerError } from "../state.ts";
import { change, managed } from "./cluster.ts";
import { filtersIn, hasLabel, named, objectJson } from "./json.ts";
import { listAt, nameOf, objectAt, type SwarmObject, type SwarmState, stamped, touch } from "./state.ts";
import { outOfSequence, rpc, versionIn } from "./words.ts";

export type ObjectKind = "secret" | "config";

const mostBytes: Readonly<Record<ObjectKind, number>> = { secret: 512_000, config: 1_024_000 };

export const listOfKind = { secret: "secrets", config: "configs" } as const;

export const objectRoutes = (["secret", "config"] as const).flatMap((kind) => {
  const plural = `${kind}s`;
  const one = new RegExp(`^/${plural}/([^/]+)$`);
  return [
    ["GET", new RegExp(`^/${plural}$`), (call: EngineCall) => list(call, kind)],
    ["POST", new RegExp(`^/${plural}/create$`), (call: EngineCall) => create(call, kind)],
    ["GET", one, (call: EngineCall) => show(call, kind)],
    ["POST", new RegExp(`^/${plural}/([^/]+)/update$`), (call: EngineCall) => update(call, kind)],
    ["DELETE", one, (call: EngineCall) => remove(call, kind)],
  ] as const;
});

function list({ docker, request }: EngineCall, kind: ObjectKind): ApiResponse {
  const { swarm } = managed(docker.context, docker.host);
  const filters = filtersIn(request.query.get("filters"));
  for (const key of filters.keys())
    if (!["name", "names", "id", "label"].includes(key))
      throw new DockerError(400, `invalid filter '${key}'`);
  const any = (key: string, test: (value: string) => boolean): boolean => {
    const values = filters.get(key) ?? [];
    return values.length === 0 || values.some(test);
  };
  const found = swarm[listOfKind[kind]].filter(
    ({ id, name, labels }) =>
      any("name", (value) => name.startsWith(value)) &&
      any("names", (value) => name === value) &&
      any("id", (value) => id.startsWith(value)) &&
      (filters.get("label") ?? []).every((value) => hasLabel(labels, value)),
  );
  return json(
    200,
    found.map((each) => objectJson(kind, each)),
  );
}

function create({ docker, request }: EngineCall, kind: ObjectKind): ApiResponse {
  managed(docker.context, docker.host);
  const body = bodyOf(request);
  const name = String(body.Name ?? "");
  const data = dataOf(body.Data);
  if (name === "") throw rpc("InvalidArgument", "name must be provided");
  if (name.length > 64 || !/^[a-zA-Z0-9]+(?:[a-zA-Z0-9-_.]*[a-zA-Z0-9])?$/.test(name))
    throw rpc(
      "InvalidArgument",
      "invalid name, only 64 [a-zA-Z0-9-_.] characters allowed, and the start and end character must be [a-zA-Z0-9]",
    );
  if (data.length === 0 || data.length >= mostBytes[kind])
    throw rpc("InvalidArgument", `${kind} data must be larger than 0 and less than ${mostBytes[kind]} bytes`);
  const ID = change(docker.context, docker.host, ({ swarm }) => {
    const all = swarm[listOfKind[kind]];
    if (all.some((each) => each.name === name)) throw rpc("AlreadyExists", `${kind} ${name} already exists`);
    const made = { ...stamped(swarm), name, labels: texts(body.Labels), data: data.toString("base64") };
    all.push(made);
    return made.id;
  });
  return json(201, { ID });
}

/** @throws DockerError in the words of Go's decoder */
function dataOf(value: unknown): Buffer {
  const text = typeof value === "string" ? value : "";
  const at = text.search(/[^A-Za-z0-9+/=\r\n]/);
  if (at >= 0) throw new DockerError(400, `invalid JSON: illegal base64 data at input byte ${at}`);
  return Buffer.from(text, "base64");
}

function show({ docker, name }: EngineCall, kind: ObjectKind): ApiResponse {
  const { swarm } = managed(docker.context, docker.host);
  return json(200, objectJson(kind, objectNamed(swarm, kind, name)));
}

function objectNamed(swarm: SwarmState, kind: ObjectKind, wanted: string): SwarmObject {
  const found = named(swarm[listOfKind[kind]], wanted, ({ name }) => name);
  if (found !== undefined) return found;
  throw new DockerError(404, `${kind} ${wanted} not found`);
}

function update({ docker, name, request }: EngineCall, kind: ObjectKind): ApiResponse {
  const version = versionIn(kind, request.query.get("version"));
  const body = bodyOf(request);
  change(docker.context, docker.host, ({ swarm }) => {
    const object = objectNamed(swarm, kind, name);
    if (version !== object.version) throw outOfSequence();
    const sent = typeof body.Data === "string" && body.Data !== "" ? body.Data : undefined;
    if (String(body.Name ?? "") !== object.name || (sent !== undefined && sent !== object.data))
      throw rpc("InvalidArgument", "only updates to Labels are allowed");
    object.labels = texts(body.Labels);
    touch(swarm, object);
  });
  return { status: 200 };
}

function remove({ docker, name }: EngineCall, kind: ObjectKind): ApiResponse {
  change(docker.context, docker.host, ({ swarm }) => {
    const object = objectNamed(swarm, kind, name);
    const users = swarm.services.filter(({ spec }) =>
      referencesOf(spec, kind).some(({ id }) => id === object.id),
    );
    if (users.length > 0)
      throw rpc(
        "InvalidArgument",
        `${kind} '${object.name}' is in use by the following service${users.length === 1 ? "" : "s"}: ${users.map(nameOf).join(", ")}`,
      );
    swarm[listOfKind[kind]] = swarm[listOfKind[kind]].filter(({ id }) => id !== object.id);
    swarm.index += 1;
  });
  return { status: 204 };
}

/** The secrets or configs that a service's tasks are given. */
export function referencesOf(
  spec: Readonly<Record<string, unknown>>,
  kind: ObjectKind,
): readonly { readonly id: string; readonly name: string }[] {
  const [plural, id, name] =
    kind === "secret"
      ? (["Secrets", "SecretID", "SecretName"] as const)
      : (["Configs", "ConfigID", "ConfigName"] as const);
  return listAt(objectAt(spec, "TaskTemplate", "ContainerSpec"), plural).map((each) => ({
    id: String(each[id] ?? ""),
    name: String(each[name] ?? ""),
  }));
}
