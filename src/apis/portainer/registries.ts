/** Registries that Portainer has credentials for. */
import { member, numberOf, objectsOf, textOf } from "../../formats/json/index.ts";
import type { PortainerApi } from "./index.ts";
import type { PortainerSession } from "./session.ts";

type Registries = Pick<PortainerApi, "registries" | "createRegistry" | "updateRegistry" | "deleteRegistry">;

/** Portainer's number for a registry that is no vendor's (portainer.go, 2.19 to 2.45). */
const customType = 3;

export function registryCalls(session: PortainerSession): Registries {
  return {
    registries: async () =>
      objectsOf(await session.get("/api/registries", "list its registries")).map((each) => ({
        id: numberOf(each, "Id"),
        name: textOf(each, "Name"),
        url: textOf(each, "URL"),
        username: member(each, "Authentication") === true ? textOf(each, "Username") : "",
      })),

    createRegistry: async ({ name, url, username, password }) => {
      await session.call({
        method: "POST",
        path: "/api/registries",
        purpose: `add registry ${name}`,
        effect: "change",
        json: {
          ...{ Name: name, Type: customType, URL: url, BaseURL: url },
          ...{ Authentication: true, Username: username, Password: password.reveal() },
        },
      });
    },

    updateRegistry: async (id, { name, url, username, password }) => {
      await session.call({
        method: "PUT",
        path: `/api/registries/${id}`,
        purpose: `update registry ${name}`,
        effect: "change",
        json: {
          ...{ Name: name, URL: url, BaseURL: url },
          ...{ Authentication: true, Username: username, Password: password.reveal() },
        },
      });
    },

    deleteRegistry: async (id) => {
      const path = `/api/registries/${id}`;
      await session.call({
        method: "DELETE",
        path,
        purpose: "remove a registry",
        effect: "change",
        accept: [404],
      });
    },
  };
}
