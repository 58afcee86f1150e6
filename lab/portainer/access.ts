/** Teams, users that are no administrators, and who owns a stack (2.23 H/teams, H/users, H/resourcecontrols). */
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
import { type Control, hashPassword, type Stack, type User } from "./database.ts";
import { replaceStack, stackJson } from "./stack-json.ts";
import { shortestPassword } from "./users.ts";

export const accessRoutes: readonly Route[] = [
  { method: "GET", pattern: /^\/teams$/, access: "user", act: listTeams },
  { method: "POST", pattern: /^\/teams$/, access: "user", act: createTeam },
  { method: "GET", pattern: /^\/users$/, access: "user", act: listUsers },
  { method: "POST", pattern: /^\/users$/, access: "user", act: createUser },
  { method: "PUT", pattern: /^\/resource_controls\/(\d+)$/, access: "user", act: update },
  { method: "DELETE", pattern: /^\/resource_controls\/(\d+)$/, access: "user", act: remove },
  { method: "POST", pattern: /^\/resource_controls$/, access: "user", act: create },
];

function listTeams({ process }: Call) {
  return json(200, process.database.read().teams ?? []);
}

function createTeam(call: Call) {
  const Name = textOf(payloadOf(call)("Name"));
  if (Name === "") throw invalidPayload("Invalid team name");
  const { teams = [], last } = call.process.database.read();
  if (teams.some((team) => team.Name === Name))
    throw new Problem(409, "A team with the same name already exists", "Team already exists");
  const team = { Id: (last.team ?? 0) + 1, Name };
  call.process.database.write({ teams: [...teams, team], last: { ...last, team: team.Id } });
  return json(200, team);
}

const shown = ({ id, name, role = 1 }: User) => ({ Id: id, Username: name, Role: role });

function listUsers({ process }: Call) {
  return json(200, process.database.read().users.map(shown));
}

function createUser(call: Call) {
  const payload = payloadOf(call);
  const [name, password] = [textOf(payload("Username")), textOf(payload("Password"))];
  if (name === "" || name.includes(" "))
    throw invalidPayload("Invalid username. Must not contain any whitespace");
  const role = payload("Role");
  if (role !== 1 && role !== 2)
    throw invalidPayload("Invalid role value. Value must be one of: 1 (administrator) or 2 (regular user)");
  const { users } = call.process.database.read();
  if (users.some((user) => user.name.toLowerCase() === name.toLowerCase()))
    throw new Problem(409, "Another user with the same username already exists", "User already exists");
  if (Buffer.byteLength(password) < shortestPassword)
    throw new Problem(400, "Password does not meet the requirements");
  const id = Math.max(0, ...users.map((user) => user.id)) + 1;
  const user: User = { id, name, password: hashPassword(password), tokenIssueAt: 0, role };
  call.process.database.write({ users: [...users, user] });
  return json(200, shown(user));
}

const numbers = (value: unknown): readonly number[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === "number") : [];

/** @throws Problem 400 */
function controlOf(payload: ReturnType<typeof payloadOf>): Control {
  const [users, teams] = [numbers(payload("Users")), numbers(payload("Teams"))];
  const [Public, AdministratorsOnly] = [payload("Public") === true, payload("AdministratorsOnly") === true];
  if (users.length + teams.length === 0 && !Public && !AdministratorsOnly)
    throw invalidPayload("Invalid payload: must specify Users, Teams, Public or AdministratorsOnly");
  if (Public && AdministratorsOnly)
    throw invalidPayload("Invalid payload: cannot set both public and administrators only flags to true");
  return {
    ...{ Public, AdministratorsOnly },
    UserAccesses: users.map((UserId) => ({ UserId, AccessLevel: 1 })),
    TeamAccesses: teams.map((TeamId) => ({ TeamId, AccessLevel: 1 })),
  };
}

function create(call: Call) {
  const payload = payloadOf(call);
  const id = textOf(payload("ResourceID"));
  if (id === "") throw invalidPayload("Invalid payload: invalid resource identifier");
  if (payload("Type") !== 6) throw new Problem(400, "the lab has resource controls of stacks (6) alone");
  const control = controlOf(payload);
  const stack = call.process.database.read().stacks.find((each) => `${each.EndpointId}_${each.Name}` === id);
  if (stack === undefined) throw new Problem(400, "the lab has no such stack");
  if (stack.control !== null)
    throw new Problem(409, "A resource control is already associated to this resource");
  return stored(call, stack, control);
}

function update(call: Call) {
  const control = controlOf(payloadOf(call));
  return stored(call, controlled(call), control);
}

function remove(call: Call) {
  replaceStack(call.process, { ...controlled(call), control: null });
  return noContent;
}

function stored({ process }: Call, stack: Stack, control: Control) {
  const changed = { ...stack, control };
  replaceStack(process, changed);
  return json(200, stackJson(changed, true).ResourceControl);
}

/** The lab numbers a stack's control as the stack itself. */
function controlled(call: Call): Stack {
  const id = numberInRoute(call, "resource control");
  const { stacks } = call.process.database.read();
  const found = stacks.find(({ Id, control }) => Id === id && control !== null);
  if (found !== undefined) return found;
  const message = "Unable to find a resource control with the specified identifier inside the database";
  throw notFound(message, "resource_control", id);
}
