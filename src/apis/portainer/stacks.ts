/** Portainer's stacks. Up to 2.39 a deployment blocks the request; later versions answer at once and deploy in the background. */
import type { Clock } from "../../component.ts";
import { defined } from "../../defined.ts";
import { ApiError, TransportError } from "../../errors.ts";
import { member, numberOf, objectsOf, parseJson, textOf } from "../../formats/json/index.ts";
import { causeIn } from "../../formats/text/last-lines.ts";
import { poll, retry } from "../../poll.ts";
import type { PortainerApi, StackDefinition, StackState } from "./index.ts";
import type { PortainerCall, PortainerSession } from "./session.ts";

type Stacks = Pick<
  PortainerApi,
  "stacks" | "stackFile" | "createStack" | "createSwarmStack" | "updateStack" | "deleteStack"
>;

/** How long a deployment may take, pulling images included: Portainer's own limit (2.44). Milliseconds. */
const deploymentMs = 15 * 60_000;
/** How long to look for a deployment whose connection broke. Milliseconds. */
const lookMs = 30_000;
/** `down` waits ten seconds for each container that ignores SIGTERM. Milliseconds. */
const deletionMs = 5 * 60_000;
/** Docker removes a Swarm's networks before the tasks on them have ended, and refuses then (26.1). Milliseconds. */
const endingPausesMs: readonly number[] = [1_000, 2_000, 4_000, 8_000, 15_000, 30_000];

const lostHint =
  "the deployment may still be under way: look at the stack in Portainer, then run the command again";

const takenHints = {
  standalone:
    "a stack with that name exists, perhaps for another environment or for a removed one: delete it in Portainer",
  swarm:
    "a stack with that name exists, in Portainer or made by `docker stack deploy`, which shows in `docker stack ls`",
};

const tornDownHint =
  "Portainer up to 2.39 takes the containers of a stack down when its update fails; volumes stay";

/** Portainer's name for a stack: lower case, only [-_a-z0-9]; "" for a name without any such character. */
export function normalizeStackName(name: string): string {
  return name.toLowerCase().replace(/[^-_a-z0-9]/g, "");
}

export class StackCalls implements Stacks {
  readonly #session: PortainerSession;
  readonly #clock: Clock;

  constructor(session: PortainerSession, clock: Clock) {
    this.#session = session;
    this.#clock = clock;
  }

  readonly stacks: Stacks["stacks"] = async () => (await this.#list()).map(({ state }) => state);

  readonly stackFile: Stacks["stackFile"] = async (id) => {
    const purpose = `show the file of stack ${id}`;
    const content = member(await this.#session.get(`/api/stacks/${id}/file`, purpose), "StackFileContent");
    if (typeof content === "string") return content;
    throw new ApiError(200, `Portainer did not ${purpose}: its answer has no file`);
  };

  readonly createStack: Stacks["createStack"] = (environmentId, stack) =>
    this.#create(environmentId, "standalone", stack);

  readonly createSwarmStack: Stacks["createSwarmStack"] = (environmentId, swarmId, stack) =>
    this.#create(environmentId, "swarm", stack, swarmId);

  async #create(
    environmentId: number,
    kind: "standalone" | "swarm",
    stack: StackDefinition,
    SwarmID?: string,
  ): Promise<StackState> {
    const name = normalizeStackName(stack.name);
    if (name === "")
      throw new ApiError(400, `${JSON.stringify(stack.name)} is not a valid stack name`, {
        hint: "Portainer keeps letters, digits, - and _ only, and could never remove a stack without a name",
      });
    const deadline = this.#clock.now() + deploymentMs;
    try {
      const { text } = await this.#session.call({
        method: "POST",
        path: `/api/stacks/create/${kind}/string?endpointId=${environmentId}`,
        purpose: `create stack ${name}`,
        effect: "change",
        json: { Name: stack.name, ...defined({ SwarmID }), StackFileContent: stack.file, Env: stack.env },
        timeoutMs: deploymentMs,
        hint: ({ status }) => (status === 409 ? takenHints[kind] : undefined),
      });
      return await this.#deployed(numberOf(parseJson(text), "Id"), name, deadline);
    } catch (error) {
      // Never a second create: until the first is done no list has it, and two would share one project.
      const isIt = ({ state }: Row): boolean =>
        (kind === "swarm" ? state.swarmId === SwarmID : state.compose) &&
        state.environmentId === environmentId &&
        state.name === name;
      return this.#afterLoss(error, name, deadline, async () => (await this.#list()).find(isIt));
    }
  }

  readonly updateStack: Stacks["updateStack"] = async (id, environmentId, stack) => {
    const { name, file, env } = stack;
    const deadline = this.#clock.now() + deploymentMs;
    const before = await this.#read(id);
    try {
      await this.#change(id, name, deadline, {
        method: "PUT",
        path: `/api/stacks/${id}?endpointId=${environmentId}`,
        purpose: `update stack ${name}`,
        effect: "change",
        // The variables are replaced as a whole. Versions that do not prune ignore `Prune`.
        json: { StackFileContent: file, Env: env, Prune: true },
        timeoutMs: deploymentMs,
        hint: ({ status }) =>
          status === 500 && before?.state.swarmId === undefined ? tornDownHint : undefined,
      });
      return await this.#deployed(id, name, deadline);
    } catch (error) {
      return this.#afterLoss(error, name, deadline, async () => {
        const now = await this.#read(id);
        return now?.updated === before?.updated ? undefined : now;
      });
    }
  };

  readonly deleteStack: Stacks["deleteStack"] = async (id, environmentId) => {
    const row = await this.#read(id);
    if (row === undefined) return;
    const { name, environmentId: own } = row.state;
    // Portainer would take the project down over there, forget the stack, and leave the real one running.
    const foreign = `stack ${name} belongs to environment ${own}, not ${environmentId}: it was kept`;
    if (own !== environmentId) throw new ApiError(409, foreign);
    try {
      await retry(
        this.#clock,
        endingPausesMs,
        () =>
          this.#change(id, name, this.#clock.now() + deletionMs, {
            method: "DELETE",
            path: `/api/stacks/${id}?endpointId=${environmentId}`,
            purpose: `remove stack ${name}`,
            effect: "change",
            timeoutMs: deletionMs,
          }),
        (error) => error instanceof ApiError && /in use by task/.test(error.message),
      );
    } catch (error) {
      // A lost answer, or 404: for a stack that is gone, but also for an environment that is.
      const isGone = error instanceof ApiError && error.status === 404;
      if (!(isGone || error instanceof TransportError) || (await this.#read(id)) !== undefined) throw error;
    }
  };

  async #list(): Promise<readonly Row[]> {
    return objectsOf(await this.#session.get("/api/stacks", "list its stacks")).map(rowOf);
  }

  /** Undefined when it does not exist. */
  async #read(id: number): Promise<Row | undefined> {
    const { status, text } = await this.#session.call({
      method: "GET",
      path: `/api/stacks/${id}`,
      purpose: `show stack ${id}`,
      effect: "read",
      accept: [404],
    });
    return status === 404 ? undefined : rowOf(parseJson(text));
  }

  /** Makes a change, again and again while another deployment of the stack is under way. */
  async #change(id: number, name: string, deadline: number, call: PortainerCall): Promise<void> {
    for (;;) {
      const accept = this.#clock.now() < deadline ? [409] : [];
      if ((await this.#session.call({ ...call, accept })).status !== 409) return;
      await this.#settled(id, name, deadline);
      await this.#clock.sleep(1_000);
    }
  }

  #poll<T>(forMs: number, look: () => Promise<T | undefined>): Promise<T | undefined> {
    return poll({ clock: this.#clock, forMs, pauseMs: 500, longestPauseMs: 5_000 }, look);
  }

  /** Waits until no deployment of the stack is under way. */
  async #settled(id: number, name: string, deadline: number): Promise<Row> {
    const row = await this.#poll(deadline - this.#clock.now(), async () => {
      const seen = await this.#read(id);
      if (seen === undefined) throw new ApiError(404, `stack ${name} was removed during its deployment`);
      return seen.state.status === "deploying" ? undefined : seen;
    });
    if (row !== undefined) return row;
    throw new TransportError("portainer", `stack ${name} is still being deployed`, { hint: lostHint });
  }

  /** Waits until a deployment is done. @throws ApiError when it failed */
  async #deployed(id: number, name: string, deadline: number): Promise<StackState> {
    const { state } = await this.#settled(id, name, deadline);
    if (state.status !== "error") return state;
    // Versions that deploy at once answer 500 for the same thing.
    const reason = state.message ?? "it gives no reason";
    throw new ApiError(500, `Portainer did not deploy stack ${name}: ${reason}`);
  }

  /** The outcome of a change whose answer was lost: `look` finds the stack once it is done. */
  async #afterLoss(
    error: unknown,
    name: string,
    deadline: number,
    look: () => Promise<Row | undefined>,
  ): Promise<StackState> {
    if (!(error instanceof TransportError)) throw error;
    const row = await this.#poll(lookMs, look);
    if (row !== undefined) return this.#deployed(row.state.id, name, deadline);
    throw new TransportError(error.target, error.message, { hint: lostHint, cause: error });
  }
}

/** A stack as listed, and when it was last updated (seconds since the epoch). */
interface Row {
  readonly state: StackState;
  readonly updated: number;
}

function rowOf(value: unknown): Row {
  const status = statuses[numberOf(value, "Status")] ?? "error";
  const repository = repositoryOf(value);
  const message = textOf(objectsOf(member(value, "DeploymentStatus")).at(-1), "Message");
  return {
    state: {
      id: numberOf(value, "Id"),
      name: textOf(value, "Name"),
      environmentId: numberOf(value, "EndpointId"),
      compose: numberOf(value, "Type") === 2,
      ...(numberOf(value, "Type") === 1 ? { swarmId: textOf(value, "SwarmId") } : {}),
      status,
      ...(status === "error" && message !== "" ? { message: causeIn(message) } : {}),
      env: objectsOf(member(value, "Env")).map((variable) => ({
        name: textOf(variable, "name"),
        value: textOf(variable, "value"),
      })),
      ...defined({ repository }),
    },
    updated: numberOf(value, "UpdateDate"),
  };
}

/** Of a stack that was detached from its repository nothing but the file counts. */
function repositoryOf(value: unknown): string | undefined {
  const url = textOf(member(value, "GitConfig"), "URL");
  if (url === "" || member(value, "IsDetachedFromGit") === true) return undefined;
  return url.replace(/^(\w+:\/\/)[^/]*@/, "$1");
}

/** Portainer's numbers for a stack's state; 3 and 4 since it deploys in the background (2.44). */
const statuses: Readonly<Record<number, StackState["status"]>> = {
  1: "active",
  2: "inactive",
  3: "deploying",
  4: "error",
};
