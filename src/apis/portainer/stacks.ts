/** Portainer's stacks. Up to 2.39 a deployment blocks the request; later versions answer at once and deploy behind it. */
import type { Clock } from "../../component.ts";
import { ApiError, TransportError } from "../../errors.ts";
import { member, numberOf, objectsOf, parseJson, textOf } from "../../formats/json/index.ts";
import type { PortainerApi, StackDefinition, StackState } from "./index.ts";
import type { PortainerSession } from "./session.ts";

type Stacks = Pick<PortainerApi, "stacks" | "stackFile" | "createStack" | "updateStack" | "deleteStack">;

/** How long a deployment may take, pulling images included: Portainer's own limit (2.44). Milliseconds. */
const deploymentMs = 15 * 60_000;
/** How long a deployment whose connection broke is looked for. Milliseconds. */
const lookMs = 30_000;
/** `down` waits ten seconds for each container that ignores SIGTERM. Milliseconds. */
const deletionMs = 5 * 60_000;

const lostHint = "the deployment may still be going on: look at the stack in Portainer, then run again";

const takenHint =
  "a stack of that name exists, perhaps for another environment or for one that was removed: delete it in Portainer";

const tornDownHint =
  "up to version 2.39 Portainer takes the containers of a stack down when its update fails; volumes stay";

/** Portainer's name for a stack: lower case, only [-_a-z0-9]; "" for a name without any such character. */
export function normalizeStackName(name: string): string {
  return name.toLowerCase().replace(/[^-_a-z0-9]/g, "");
}

export function stackCalls(session: PortainerSession, clock: Clock): Stacks {
  const list = async (): Promise<readonly Row[]> => {
    const path = "/api/stacks";
    const { text } = await session.call({ method: "GET", path, purpose: "list its stacks", effect: "read" });
    return objectsOf(parseJson(text)).map(rowOf);
  };

  /** Undefined when there is none. */
  const read = async (id: number): Promise<Row | undefined> => {
    const { status, text } = await session.call({
      method: "GET",
      path: `/api/stacks/${id}`,
      purpose: `show stack ${id}`,
      effect: "read",
      accept: [404],
    });
    return status === 404 ? undefined : rowOf(parseJson(text));
  };

  /** Asks `look` until it finds something; the pauses grow from half a second to five. */
  const poll = async <T>(deadline: number, look: () => Promise<T | undefined>): Promise<T | undefined> => {
    for (let pause = 500; ; pause = Math.min(pause * 1.5, 5_000)) {
      const found = await look();
      if (found !== undefined || clock.now() + pause > deadline) return found;
      await clock.sleep(pause);
    }
  };

  const settled = async (id: number, name: string, deadline: number): Promise<Row> => {
    const row = await poll(deadline, async () => {
      const seen = await read(id);
      if (seen === undefined)
        throw new ApiError(404, `stack ${name} was removed while it was being deployed`);
      return seen.state.status === "deploying" ? undefined : seen;
    });
    if (row !== undefined) return row;
    throw new TransportError("portainer", `stack ${name} is still being deployed`, { hint: lostHint });
  };

  /** Waits until a deployment is done. @throws ApiError when it failed */
  const deployed = async (id: number, name: string, deadline: number): Promise<StackState> => {
    const { state } = await settled(id, name, deadline);
    if (state.status !== "error") return state;
    // Versions that deploy at once answer 500 for the same thing.
    throw new ApiError(
      500,
      `Portainer did not deploy stack ${name}: ${state.message ?? "it does not say why"}`,
    );
  };

  /** What became of a change whose answer was lost: `look` finds the stack once it is done. */
  const afterLoss = async (
    error: unknown,
    name: string,
    deadline: number,
    look: () => Promise<Row | undefined>,
  ): Promise<StackState> => {
    if (!(error instanceof TransportError)) throw error;
    const row = await poll(clock.now() + lookMs, look);
    if (row !== undefined) return deployed(row.state.id, name, deadline);
    throw new TransportError(error.target, error.message, { hint: lostHint, cause: error });
  };

  return {
    stacks: async () => (await list()).map(({ state }) => state),

    stackFile: async (id) => {
      const path = `/api/stacks/${id}/file`;
      const purpose = `show the file of stack ${id}`;
      const { text } = await session.call({ method: "GET", path, purpose, effect: "read" });
      const content = member(parseJson(text), "StackFileContent");
      if (typeof content === "string") return content;
      throw new ApiError(200, `Portainer did not ${purpose}: its answer holds none`);
    },

    createStack: async (environmentId, stack) => {
      const name = normalizeStackName(stack.name);
      if (name === "")
        throw new ApiError(400, `a stack cannot be called ${JSON.stringify(stack.name)}`, {
          hint: "Portainer keeps letters, digits, - and _ only, and could never remove a stack without a name",
        });
      const deadline = clock.now() + deploymentMs;
      try {
        const { text } = await session.call({
          method: "POST",
          path: `/api/stacks/create/standalone/string?endpointId=${environmentId}`,
          purpose: `create stack ${name}`,
          effect: "change",
          json: { Name: stack.name, StackFileContent: stack.file, Env: stack.env },
          timeoutMs: deploymentMs,
          hint: ({ status }) => (status === 409 ? takenHint : undefined),
        });
        return await deployed(numberOf(parseJson(text), "Id"), name, deadline);
      } catch (error) {
        // Never a second create: until the first is done it is in no list, and two would share one project.
        return afterLoss(error, name, deadline, async () =>
          (await list()).find(
            ({ state }) => state.compose && state.environmentId === environmentId && state.name === name,
          ),
        );
      }
    },

    updateStack: async (id, environmentId, stack) => {
      const { name } = stack;
      const deadline = clock.now() + deploymentMs;
      const before = await read(id);
      try {
        for (;;) {
          const { status } = await session.call({
            method: "PUT",
            path: `/api/stacks/${id}?endpointId=${environmentId}`,
            purpose: `update stack ${name}`,
            effect: "change",
            json: updateBody(stack),
            timeoutMs: deploymentMs,
            accept: clock.now() < deadline ? [409] : [],
            hint: (response) => (response.status === 500 ? tornDownHint : undefined),
          });
          if (status !== 409) return await deployed(id, name, deadline);
          // Another deployment of this stack is under way: its end is waited for.
          await settled(id, name, deadline);
          await clock.sleep(1_000);
        }
      } catch (error) {
        return afterLoss(error, name, deadline, async () => {
          const now = await read(id);
          return now !== undefined && now.updated !== before?.updated ? now : undefined;
        });
      }
    },

    deleteStack: async (id, environmentId) => {
      const row = await read(id);
      if (row === undefined) return;
      const { name, environmentId: own } = row.state;
      // Portainer would take the project down over there, forget the stack, and leave the real one running.
      if (own !== environmentId)
        throw new ApiError(
          409,
          `stack ${name} belongs to environment ${own}, not ${environmentId}: it was kept`,
        );
      const deadline = clock.now() + deletionMs;
      for (;;) {
        try {
          const { status } = await session.call({
            method: "DELETE",
            path: `/api/stacks/${id}?endpointId=${environmentId}`,
            purpose: `remove stack ${name}`,
            effect: "change",
            timeoutMs: deletionMs,
            accept: clock.now() < deadline ? [409] : [],
          });
          if (status !== 409) return;
        } catch (error) {
          // A lost answer, or 404: for a stack that is gone, but also for an environment that is.
          const unclear =
            error instanceof TransportError || (error instanceof ApiError && error.status === 404);
          if (unclear && (await read(id)) === undefined) return;
          throw error;
        }
        await settled(id, name, deadline);
        await clock.sleep(1_000);
      }
    },
  };
}

/** A stack as listed, and what tells one update from the next (seconds since the epoch). */
interface Row {
  readonly state: StackState;
  readonly updated: number;
}

/** The variables are replaced whole: what is not sent is lost. Versions that do not prune ignore `Prune`. */
function updateBody({ file, env }: StackDefinition): Readonly<Record<string, unknown>> {
  return { StackFileContent: file, Env: env, Prune: true };
}

function rowOf(value: unknown): Row {
  const status = statuses[numberOf(value, "Status")] ?? "error";
  const message = textOf(objectsOf(member(value, "DeploymentStatus")).at(-1), "Message").trim();
  return {
    state: {
      id: numberOf(value, "Id"),
      name: textOf(value, "Name"),
      environmentId: numberOf(value, "EndpointId"),
      compose: numberOf(value, "Type") === 2,
      status,
      ...(status === "error" && message !== "" ? { message } : {}),
      env: objectsOf(member(value, "Env")).map((variable) => ({
        name: textOf(variable, "name"),
        value: textOf(variable, "value"),
      })),
    },
    updated: numberOf(value, "UpdateDate"),
  };
}

/** Portainer's numbers for a stack's state; 3 and 4 since it deploys in the background (2.44). */
const statuses: Readonly<Record<number, StackState["status"]>> = {
  1: "active",
  2: "inactive",
  3: "deploying",
  4: "error",
};
