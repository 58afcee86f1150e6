/** Portainer's environments (its API calls them endpoints): Docker engines behind an agent, and its own. */
import { randomBytes } from "node:crypto";
import type { Clock } from "../../component.ts";
import { ApiError, TransportError } from "../../errors.ts";
import { type JsonObject, member, numberOf, objectsOf, parseJson, textOf } from "../../formats/json/index.ts";
import type { HttpResponse } from "../../hosts/network.ts";
import { retry } from "../../poll.ts";
import type { EnvironmentSettings, EnvironmentState, PortainerApi } from "./index.ts";
import { messageIn, type PortainerSession } from "./session.ts";

type Environments = Pick<
  PortainerApi,
  "environments" | "otherEnvironments" | "createEnvironment" | "updateEnvironment" | "isUp"
>;

/** Portainer's numbers for kinds of environments (portainer.go, 2.19 to 2.45). */
const types = { local: 1, agent: 2 } as const;

/** The others, in words. */
const otherTypes: Readonly<Record<number, string>> = {
  3: "Azure Container Instances",
  4: "an edge agent on Docker",
  5: "the Kubernetes that Portainer runs in",
  6: "an agent on Kubernetes",
  7: "an edge agent on Kubernetes",
};

/** A ping may take 3 s and the first snapshot 60 s before Portainer answers (2.23). Milliseconds. */
const snapshotTimeoutMs = 90_000;

/** Between the tries of a creation that failed although the agent is not paired: it may be starting. Milliseconds. */
const creationPausesMs = [1_000, 3_000];

export class EnvironmentCalls implements Environments {
  readonly #session: PortainerSession;
  readonly #clock: Clock;

  constructor(session: PortainerSession, clock: Clock) {
    this.#session = session;
    this.#clock = clock;
  }

  readonly environments = async (): Promise<readonly EnvironmentState[]> => {
    return (await this.#list()).flatMap(environmentOf);
  };

  readonly otherEnvironments: Environments["otherEnvironments"] = async () => {
    const others = (await this.#list()).filter((each) => environmentOf(each).length === 0);
    return others.map((each) => {
      const type = numberOf(each, "Type");
      const kind = otherTypes[type] ?? `of type ${type}`;
      return { id: numberOf(each, "Id"), name: textOf(each, "Name"), kind };
    });
  };

  readonly updateEnvironment = async (id: number, environment: EnvironmentSettings): Promise<void> => {
    const { name, kind, url } = environment;
    const agent = kind === "agent";
    await this.#session.call({
      method: "PUT",
      path: `/api/endpoints/${id}`,
      purpose: `update environment ${name}`,
      effect: "change",
      json: { Name: name, URL: url, TLS: agent, TLSSkipVerify: agent, TLSSkipClientVerify: agent },
    });
  };

  readonly createEnvironment = (environment: EnvironmentSettings): Promise<EnvironmentState> =>
    retry(
      this.#clock,
      creationPausesMs,
      () => this.#create(environment),
      (error) => error instanceof ApiError && error.status === 500 && error.hint !== pairedHint,
    );

  readonly deleteEnvironment = async (id: number): Promise<void> => {
    const path = `/api/endpoints/${id}`;
    const purpose = `remove environment ${id}`;
    await this.#session.call({ method: "DELETE", path, purpose, effect: "change", accept: [404] });
  };

  readonly isUp = async (id: number): Promise<boolean> => {
    // A snapshot only looks at the engine; Portainer itself takes one every five minutes.
    await this.#session.call({
      method: "POST",
      path: `/api/endpoints/${id}/snapshot`,
      purpose: `look at environment ${id}`,
      effect: "read",
      timeoutMs: snapshotTimeoutMs,
    });
    const path = `/api/endpoints/${id}?excludeSnapshot=true`;
    return numberOf(await this.#session.get(path, `show environment ${id}`), "Status") === 1;
  };

  async #list(): Promise<readonly JsonObject[]> {
    return objectsOf(
      await this.#session.get("/api/endpoints?excludeSnapshots=true", "list its environments"),
    );
  }

  async #create(environment: EnvironmentSettings): Promise<EnvironmentState> {
    const purpose = `create environment ${environment.name}`;
    try {
      const response = await this.#session.call({
        method: "POST",
        path: "/api/endpoints",
        purpose,
        effect: "change",
        form: creationForm(environment),
        timeoutMs: snapshotTimeoutMs,
        accept: [409],
        hint: creationHint,
      });
      const [created] = response.status === 409 ? [] : environmentOf(parseJson(response.text));
      if (created !== undefined) return created;
    } catch (error) {
      // Only the list shows whether it was created before the connection broke.
      const created = error instanceof TransportError ? await this.#find(environment) : undefined;
      if (created === undefined) throw error;
      return created;
    }
    const found = await this.#find(environment);
    if (found === undefined)
      throw new ApiError(409, `Portainer did not ${purpose}: another kind of environment has that name`, {
        hint: "rename or remove that environment in Portainer",
      });
    if (found.url !== environment.url) await this.updateEnvironment(found.id, environment);
    return { ...found, url: environment.url };
  }

  async #find(wanted: EnvironmentSettings): Promise<EnvironmentState | undefined> {
    return (await this.environments()).find(({ name, kind }) => name === wanted.name && kind === wanted.kind);
  }
}

/** Portainer reads this one call from a form, never from JSON; an agent needs all three TLS fields, and tags are JSON text. */
function creationForm({ name, kind, url }: EnvironmentSettings): { type: string; content: string } {
  const fields: Readonly<Record<string, string>> = {
    Name: name,
    EndpointCreationType: String(types[kind]),
    URL: url,
    GroupID: "1",
    ContainerEngine: "docker",
    TagIds: "[]",
    ...(kind === "agent" ? { TLS: "true", TLSSkipVerify: "true", TLSSkipClientVerify: "true" } : {}),
  };
  const boundary = `phoenix-${randomBytes(12).toString("hex")}`;
  const parts = Object.entries(fields).map(
    ([field, value]) =>
      `--${boundary}\r\nContent-Disposition: form-data; name="${field}"\r\n\r\n${value}\r\n`,
  );
  return {
    type: `multipart/form-data; boundary=${boundary}`,
    content: `${parts.join("")}--${boundary}--\r\n`,
  };
}

function environmentOf(value: unknown): readonly EnvironmentState[] {
  const kind = (["local", "agent"] as const).find((kind) => types[kind] === numberOf(value, "Type"));
  if (kind === undefined) return [];
  const tls = member(value, "TLSConfig");
  return [
    {
      id: numberOf(value, "Id"),
      name: textOf(value, "Name"),
      kind,
      url: textOf(value, "URL"),
      up: numberOf(value, "Status") === 1,
      tls: member(tls, "TLS") === true,
      tlsSkipVerify: member(tls, "TLSSkipVerify") === true,
    },
  ];
}

const pairedHint =
  "the agent answers another Portainer server only: set the same AGENT_SECRET on the server and on the agent, or restart the agent's container to pair it again";

function creationHint(response: HttpResponse): string | undefined {
  const message = messageIn(response.text);
  if (/already paired|invalid request signature/i.test(message)) return pairedHint;
  if (/environment type/i.test(message))
    return "Portainer could not reach the agent: check that its container runs and that the firewall lets Portainer in";
  return undefined;
}
