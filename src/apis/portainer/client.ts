/** Portainer's HTTP API, from 2.19 to 2.45, over the network that it is handed. */
import { InterruptedError, PhoenixError } from "../../errors.ts";
import { parseJson, textOf } from "../../formats/json/index.ts";
import type { HttpResponse } from "../../hosts/network.ts";
import { accessCalls } from "./access.ts";
import { DockerCalls } from "./docker.ts";
import { EngineCalls } from "./engine.ts";
import { EnvironmentCalls } from "./environments.ts";
import type { PortainerApi, PortainerStatus } from "./index.ts";
import { registryCalls } from "./registries.ts";
import { isTimedOut, type PortainerOptions, PortainerSession } from "./session.ts";
import { StackCalls } from "./stacks.ts";
import { swarmCalls } from "./swarm-calls.ts";

export type { PortainerOptions } from "./session.ts";
export { normalizeStackName } from "./stacks.ts";

/** A Portainer that takes longer to answer is not ready. Milliseconds. */
const statusMs = 5_000;

/** Nothing is contacted until the first call. */
export function createPortainerClient(options: PortainerOptions): PortainerApi {
  const session = new PortainerSession(options);
  const engine = new EngineCalls(session);
  // The calls of these classes are fields, so that they can be put together here.
  return {
    ...administration(session),
    ...new EnvironmentCalls(session, options.clock),
    ...new StackCalls(session, options.clock),
    ...new DockerCalls(engine),
    ...swarmCalls(engine),
    ...registryCalls(session),
    ...accessCalls(session),
  };
}

function administration(
  session: PortainerSession,
): Pick<PortainerApi, "status" | "adminExists" | "createAdmin" | "login" | "rotatePassword"> {
  return {
    status: async () => {
      try {
        const response = await session.open({
          method: "GET",
          path: "/api/system/status",
          purpose: "report its status",
          effect: "read",
          accept: [303],
          timeoutMs: statusMs,
          once: true,
        });
        return statusOf(response);
      } catch (error) {
        if (!(error instanceof PhoenixError) || error instanceof InterruptedError) throw error;
        return { state: "down", reason: error.message };
      }
    },

    adminExists: async () => {
      const { status } = await session.open({
        method: "GET",
        path: "/api/users/admin/check",
        purpose: "report whether it has an administrator",
        effect: "read",
        accept: [404],
      });
      return status !== 404;
    },

    createAdmin: async (user, password) => {
      await session.open({
        method: "POST",
        path: "/api/users/admin/init",
        purpose: `create its administrator ${user}`,
        effect: "change",
        json: { Username: user, Password: password.reveal() },
        // One exists: login() proves whether it is ours.
        accept: [409],
        hint: ({ status }) => (status === 403 ? tokenHint : undefined),
      });
    },

    login: () => session.login(),
    rotatePassword: () => session.rotatePassword(),
  };
}

const tokenHint =
  "from 2.43 on Portainer wants a token from its log for this: start it with `portainer --admin-password-file` instead";

function statusOf(response: HttpResponse): PortainerStatus {
  if (isTimedOut(response)) return { state: "timed-out" };
  const version = textOf(parseJson(response.text), "Version");
  if (version !== "") return { state: "up", version };
  return { state: "down", reason: `something that is not Portainer answered ${response.status}` };
}
