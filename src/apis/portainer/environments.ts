/** Portainer's environments (its API calls them endpoints): Docker engines behind an agent, and its own. */
import { randomBytes } from "node:crypto";
import type { Clock } from "../../component.ts";
import { ApiError, TransportError } from "../../errors.ts";
import { type JsonObject, member, numberOf, objectsOf, parseJson, textOf } from "../../formats/json/index.ts";
import type { HttpResponse } from "../../hosts/network.ts";
import type { EnvironmentSettings, EnvironmentState, PortainerApi } from "./index.ts";
import { type PortainerSession, wordsOf } from "./session.ts";

type Environments = Pick<PortainerApi, "environments" | "createEnvironment" | "updateEnvironment" | "isUp">;

/** Portainer's numbers for kinds of environments (portainer.go, 2.19 to 2.45). */
const types = { local: 1, agent: 2 } as const;

/** A ping may take 3 s and the first snapshot 60 s before Portainer answers (2.23). Milliseconds. */
const snapshotTimeoutMs = 90_000;
/** Between the tries of a creation that failed although nobody was paired: the agent may just be starting. Milliseconds. */
const creationPausesMs = [1_000, 3_000];

export function environmentCalls(session: PortainerSession, clock: Clock): Environments {
  const environments = async (): Promise<readonly EnvironmentState[]> => {
    const { text } = await session.call({
      method: "GET",
      path: "/api/endpoints?excludeSnapshots=true",
      purpose: "list its environments",
      effect: "read",
    });
    return objectsOf(parseJson(text)).flatMap(environmentOf);
  };

  const named = async (wanted: EnvironmentSettings): Promise<EnvironmentState | undefined> =>
    (await environments()).find(({ name, kind }) => name === wanted.name && kind === wanted.kind);

  const updateEnvironment = async (id: number, environment: EnvironmentSettings): Promise<void> => {
    const { name, kind, url } = environment;
    const agent = kind === "agent";
    await session.call({
      method: "PUT",
      path: `/api/endpoints/${id}`,
      purpose: `update environment ${name}`,
      effect: "change",
      json: { Name: name, URL: url, TLS: agent, TLSSkipVerify: agent, TLSSkipClientVerify: agent },
    });
  };

  /** One try. Undefined when the connection broke and the environment is not there. */
  const create = async (environment: EnvironmentSettings): Promise<EnvironmentState> => {
    const purpose = `create environment ${environment.name}`;
    try {
      const response = await session.call({
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
      // Whether it was made before the connection broke shows in the list only.
      const made = error instanceof TransportError ? await named(environment) : undefined;
      if (made === undefined) throw error;
      return made;
    }
    const there = await named(environment);
    if (there === undefined)
      throw new ApiError(409, `Portainer did not ${purpose}: another kind of environment has that name`, {
        hint: "rename or remove that environment in Portainer",
      });
    if (there.url !== environment.url) await updateEnvironment(there.id, environment);
    return { ...there, url: environment.url };
  };

  return {
    environments,
    updateEnvironment,

    createEnvironment: async (environment) => {
      const pauses = [...creationPausesMs];
      for (;;) {
        try {
          return await create(environment);
        } catch (error) {
          const pause = pauses.shift();
          const mayPass = error instanceof ApiError && error.status === 500 && error.hint !== pairedHint;
          if (!mayPass || pause === undefined) throw error;
          await clock.sleep(pause);
        }
      }
    },

    isUp: async (id) => {
      // A snapshot only looks at the engine; Portainer itself takes one every five minutes.
      await session.call({
        method: "POST",
        path: `/api/endpoints/${id}/snapshot`,
        purpose: `look at environment ${id}`,
        effect: "read",
        timeoutMs: snapshotTimeoutMs,
      });
      const { text } = await session.call({
        method: "GET",
        path: `/api/endpoints/${id}?excludeSnapshot=true`,
        purpose: `show environment ${id}`,
        effect: "read",
      });
      return numberOf(parseJson(text), "Status") === 1;
    },
  };
}

/** Portainer decodes this one call from a form, never from JSON; an agent needs all three TLS fields, and tags are JSON text. */
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
  const kind = kindOf(numberOf(value, "Type"));
  if (kind === undefined) return [];
  const tls = member(value, "TLSConfig") as JsonObject | undefined;
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

function kindOf(type: number): EnvironmentState["kind"] | undefined {
  if (type === types.agent) return "agent";
  return type === types.local ? "local" : undefined;
}

const pairedHint =
  "the agent answers another Portainer server only: set the same AGENT_SECRET on the server and on the agent, or restart the agent's container to pair it anew";

function creationHint(response: HttpResponse): string | undefined {
  const words = wordsOf(response.text);
  if (/already paired|invalid request signature/i.test(words)) return pairedHint;
  if (/environment type/i.test(words))
    return "Portainer could not reach the agent: check that its container runs and that the firewall lets Portainer in";
  return undefined;
}
