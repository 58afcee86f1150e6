/** The first administrator, logins and API keys. */
import { createHash, randomBytes } from "node:crypto";
import { json } from "../api-server.ts";
import { type Call, invalidPayload, noContent, Problem, payloadOf, type Route, textOf } from "./call.ts";
import { hashPassword, isPassword, type User } from "./database.ts";
import { cookieName, cookieOf } from "./sessions.ts";

export const shortestPassword = 12;

export const userRoutes: readonly Route[] = [
  { method: "GET", pattern: /^\/users\/admin\/check$/, access: "public", act: adminCheck },
  { method: "POST", pattern: /^\/users\/admin\/init$/, access: "public", act: adminInit },
  { method: "PUT", pattern: /^\/users\/(\d+)\/passwd$/, access: "user", act: changePassword },
  { method: "POST", pattern: /^\/auth$/, access: "public", act: logIn },
  { method: "POST", pattern: /^\/auth\/logout$/, access: "user", act: logOut },
  { method: "GET", pattern: /^\/users\/(\d+)\/tokens$/, access: "user", act: listKeys },
  { method: "POST", pattern: /^\/users\/(\d+)\/tokens$/, access: "user", act: createKey },
  { method: "DELETE", pattern: /^\/users\/(\d+)\/tokens\/(\d+)$/, access: "user", act: deleteKey },
];

function adminCheck({ process }: Call) {
  if (process.database.read().users.length > 0) return noContent;
  throw new Problem(
    404,
    "No administrator account found inside the database",
    "Object not found inside the database",
  );
}

function adminInit(call: Call) {
  const { process, request } = call;
  const token = process.setupToken;
  if (
    token !== undefined &&
    process.database.read().users.length === 0 &&
    request.headers["x-setup-token"] !== token
  )
    throw new Problem(
      403,
      "Invalid or missing setup token. Provide the X-Setup-Token header with the token printed in the server logs at startup.",
      "Invalid or missing setup token",
    );
  const payload = payloadOf(call);
  const [name, password] = [textOf(payload("Username")), textOf(payload("Password"))];
  if (name === "" || name.includes(" "))
    throw invalidPayload("Invalid username. Must not contain any whitespace");
  if (password === "") throw invalidPayload("Invalid password");
  if (process.database.read().users.length > 0)
    throw new Problem(409, "Unable to create administrator user", "An administrator user already exists");
  if (Buffer.byteLength(password) < shortestPassword)
    throw new Problem(400, "Password does not meet the requirements");
  const user: User = { id: 1, name, password: hashPassword(password), tokenIssueAt: 0 };
  process.database.write({ users: [user] });
  // The real one shows the password's hash here, too.
  return json(200, {
    Id: 1,
    Username: name,
    Password: user.password,
    Role: 1,
    TokenIssueAt: 0,
    ThemeSettings: { color: "" },
    UseCache: true,
  });
}

function limited({ process: { sessions }, request }: Call): void {
  if (!sessions.admits(request.address)) throw new Problem(403, "Access denied", "Access denied to resource");
}

function logIn(call: Call) {
  const { process } = call;
  limited(call);
  const payload = payloadOf(call);
  const [name, password] = [textOf(payload("Username")), textOf(payload("Password"))];
  if (name === "") throw invalidPayload("Invalid username");
  if (password === "") throw invalidPayload("Invalid password");
  const user = process.database.read().users.find((each) => each.name.toLowerCase() === name.toLowerCase());
  if (user === undefined || !isPassword(user.password, password))
    throw new Problem(422, "Invalid credentials", "Unauthorized");
  const jwt = process.sessions.issue(user);
  return json(200, { jwt }, { "set-cookie": `${cookieName}=${jwt}; Path=/; HttpOnly; SameSite=Strict` });
}

/** With a bearer token alone the real one panics: the connection ends, the token stays good. */
function logOut({ request }: Call) {
  return cookieOf(request.headers.cookie ?? "") === undefined ? undefined : noContent;
}

function createKey(call: Call) {
  const { process, user, byKey, params } = call;
  if (byKey || user === undefined) throw new Problem(401, "Auth not supported", "Unauthorized");
  limited(call);
  const payload = payloadOf(call);
  const [password, description] = [textOf(payload("password")), textOf(payload("description"))];
  if (password === "") throw invalidPayload("Invalid password");
  if (description.trim() === "" || description.length >= 128) throw invalidPayload("Invalid description");
  if (Number(params[0]) !== user.id)
    throw new Problem(403, "Permission denied to create user access token", "Unauthorized");
  if (!isPassword(user.password, password))
    throw new Problem(
      403,
      "Current password doesn't match",
      "Current password does not match the password provided. Please try again",
    );
  const rawAPIKey = `ptr_${randomBytes(32).toString("base64")}`;
  const { apiKeys, last } = process.database.read();
  const apiKey = {
    id: last.apiKey + 1,
    userId: user.id,
    description,
    prefix: rawAPIKey.slice(0, 7),
    digest: createHash("sha256").update(rawAPIKey).digest("hex"),
    dateCreated: Math.floor(process.clock.now() / 1000),
  };
  process.database.write({ apiKeys: [...apiKeys, apiKey], last: { ...last, apiKey: apiKey.id } });
  return json(process.features.ownStatus ? 200 : 201, { rawAPIKey, apiKey: { ...apiKey, lastUsed: 0 } });
}

/** Every token of the user ends with the password (2.23 H/users/user_update_password.go). */
function changePassword(call: Call) {
  const { process, user, params } = call;
  limited(call);
  const payload = payloadOf(call);
  const [password, newPassword] = [textOf(payload("Password")), textOf(payload("NewPassword"))];
  if (password === "") throw invalidPayload("Invalid current password");
  if (newPassword === "") throw invalidPayload("Invalid new password");
  const { users } = process.database.read();
  const changed = users.find(({ id }) => id === Number(params[0]));
  if (user === undefined || changed === undefined)
    throw new Problem(404, "Unable to find a user with the specified identifier inside the database");
  if (!isPassword(changed.password, password))
    throw new Problem(
      403,
      "Current password doesn't match",
      "Current password does not match the password provided. Please try again",
    );
  if (Buffer.byteLength(newPassword) < shortestPassword)
    throw new Problem(400, "Password does not meet the requirements");
  const tokenIssueAt = Math.floor(process.clock.now() / 1000);
  const after = { ...changed, password: hashPassword(newPassword), tokenIssueAt };
  process.database.write({ users: users.map((each) => (each.id === changed.id ? after : each)) });
  return noContent;
}

function listKeys({ process, params }: Call) {
  const own = process.database.read().apiKeys.filter(({ userId }) => userId === Number(params[0]));
  return json(
    200,
    own.map((key) => ({ ...key, lastUsed: 0 })),
  );
}

function deleteKey({ process, params }: Call) {
  const { apiKeys } = process.database.read();
  const rest = apiKeys.filter(({ id }) => id !== Number(params[1]));
  if (rest.length === apiKeys.length)
    throw new Problem(
      500,
      "API Key not found",
      `object not found inside the database (bucket=api_key, key=${params[1]})`,
    );
  process.database.write({ apiKeys: rest });
  return noContent;
}
