/** Who may use a stack beside the administrators: Portainer's resource controls (2.19 to 2.45). */
import { member, numberOf, objectsOf, textOf } from "../../formats/json/index.ts";
import type { PortainerApi, StackAccess } from "./index.ts";
import type { PortainerSession } from "./session.ts";

type Access = Pick<PortainerApi, "accounts" | "stackAccess" | "setStackAccess">;

/** Portainer's number for a stack's resource control. */
const stackType = 6;

export function accessCalls(session: PortainerSession): Access {
  const stack = (id: number): Promise<unknown> => session.get(`/api/stacks/${id}`, `show stack ${id}`);
  return {
    accounts: async () => {
      const [teams, users] = await Promise.all([
        session.get("/api/teams", "list its teams"),
        session.get("/api/users", "list its users"),
      ]);
      return {
        teams: objectsOf(teams).map((each) => ({ id: numberOf(each, "Id"), name: textOf(each, "Name") })),
        users: objectsOf(users).map((each) => ({ id: numberOf(each, "Id"), name: textOf(each, "Username") })),
      };
    },

    stackAccess: async (id) => accessIn(member(await stack(id), "ResourceControl")),

    setStackAccess: async (id, { teams, users, everybody }) => {
      const found = await stack(id);
      const control = numberOf(member(found, "ResourceControl"), "Id");
      const access = {
        ...{ Teams: teams, Users: users, Public: everybody },
        AdministratorsOnly: teams.length + users.length === 0 && !everybody,
      };
      const change = { purpose: `set the owners of stack ${id}`, effect: "change" } as const;
      if (control > 0) {
        const path = `/api/resource_controls/${control}`;
        await session.call({ ...change, method: "PUT", path, json: access });
        return;
      }
      const ResourceID = `${numberOf(found, "EndpointId")}_${textOf(found, "Name")}`;
      const json = { ResourceID, Type: stackType, SubResourceIDs: [], ...access };
      await session.call({ ...change, method: "POST", path: "/api/resource_controls", json });
    },
  };
}

function accessIn(control: unknown): StackAccess {
  const ids = (list: string, id: string): readonly number[] =>
    objectsOf(member(control, list)).map((each) => numberOf(each, id));
  return {
    teams: ids("TeamAccesses", "TeamId"),
    users: ids("UserAccesses", "UserId"),
    everybody: member(control, "Public") === true,
  };
}
