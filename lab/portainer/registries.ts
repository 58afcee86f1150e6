/** Registries with credentials (2.23 H/registries), and what the Docker proxy makes of `X-Registry-Auth`. */
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
import type { Registry } from "./database.ts";

export const registryRoutes: readonly Route[] = [
  { method: "GET", pattern: /^\/registries$/, access: "user", act: list },
  { method: "POST", pattern: /^\/registries$/, access: "user", act: create },
  { method: "PUT", pattern: /^\/registries\/(\d+)$/, access: "user", act: update },
  { method: "DELETE", pattern: /^\/registries\/(\d+)$/, access: "user", act: remove },
];

/** Passwords are never shown. */
function shown({ Password: _, ...registry }: Registry): object {
  return { ...registry, Password: "", RegistryAccesses: null, Gitlab: {}, Quay: {}, Ecr: {} };
}

function list({ process }: Call) {
  return json(200, process.database.read().registries.map(shown));
}

function create(call: Call) {
  const { process } = call;
  const payload = payloadOf(call);
  const [Name, URL] = [textOf(payload("Name")), textOf(payload("URL"))];
  const [Username, Password] = [textOf(payload("Username")), textOf(payload("Password"))];
  const Authentication = payload("Authentication") === true;
  if (Name === "") throw invalidPayload("Invalid registry name");
  if (URL === "") throw invalidPayload("Invalid registry URL");
  if (Authentication && (Username === "" || Password === ""))
    throw invalidPayload(
      "Invalid credentials. Username and password must be specified when authentication is enabled",
    );
  const { registries, last } = process.database.read();
  if (registries.some((each) => each.Name === Name))
    throw new Problem(
      409,
      "Another registry with the same name already exists",
      "A registry is already defined with this name",
    );
  const Id = (last.registry ?? 0) + 1;
  const registry = { Id, Type: Number(payload("Type")), Name, URL, Authentication, Username, Password };
  process.database.write({ registries: [...registries, registry], last: { ...last, registry: Id } });
  return json(200, shown(registry));
}

function update(call: Call) {
  const { process } = call;
  const { registry, registries } = named(call);
  const payload = payloadOf(call);
  const text = (name: "Name" | "URL" | "Username" | "Password"): string =>
    textOf(payload(name)) || registry[name];
  const changed: Registry = {
    ...registry,
    Name: text("Name"),
    URL: text("URL"),
    Authentication: payload("Authentication") === true,
    Username: text("Username"),
    Password: text("Password"),
  };
  process.database.write({ registries: registries.map((each) => (each.Id === changed.Id ? changed : each)) });
  return json(200, shown(changed));
}

function remove(call: Call) {
  const { registry, registries } = named(call);
  call.process.database.write({ registries: registries.filter(({ Id }) => Id !== registry.Id) });
  return noContent;
}

function named(call: Call): { registry: Registry; registries: readonly Registry[] } {
  const { registries } = call.process.database.read();
  const id = numberInRoute(call, "registry");
  const registry = registries.find(({ Id }) => Id === id);
  if (registry !== undefined) return { registry, registries };
  throw notFound(
    "Unable to find a registry with the specified identifier inside the database",
    "registries",
    id,
  );
}

/** The credentials that the engine gets for `{"registryId": 1}`; Docker's own form is passed on as it is. */
export function registryAuth({ process, request }: Call): Readonly<Record<string, string>> {
  const header = request.headers["x-registry-auth"];
  if (header === undefined) return {};
  const asked = JSON.parse(Buffer.from(header, "base64").toString()) as { registryId?: number };
  if (asked.registryId === undefined) return { "x-registry-auth": header };
  const found = process.database.read().registries.find(({ Id }) => Id === asked.registryId);
  if (found === undefined)
    throw new Problem(500, "Unable to find a registry", "Object not found inside the database");
  const auth = { username: found.Username, password: found.Password, serveraddress: found.URL };
  return { "x-registry-auth": Buffer.from(JSON.stringify(auth)).toString("base64") };
}
