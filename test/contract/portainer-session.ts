/** What the parts of the Portainer contract share: a server, a login, and the environment that they work on. */
import { expect } from "vitest";
import { type RawAnswer, type RawRequest, rawHttp } from "./raw-http.ts";

export interface PortainerUnderTest {
  /** "https://127.0.0.1:9443" */
  readonly url: string;
  readonly user: string;
  readonly password: string;
  /** As Portainer reaches it: "tcp://10.0.0.102:9001". It is paired with nobody, or with this server. */
  readonly agent: string;
  /** As this test reaches it: "https://127.0.0.1:9001". */
  readonly agentUrl: string;
  /** Where nobody listens, as Portainer sees it. */
  readonly deadAgent: string;
  /** An image that the engine has or can pull, and whose container stays up. */
  readonly image: string;
}

export interface ContractSession {
  /** Known once the suite runs. */
  server: PortainerUnderTest;
  jwt: string;
  /** The environment that the suite made. */
  agentId: number;
  /** From 2.40 on Docker's own statuses pass the proxy, and a new API key is 200. */
  ownStatus: boolean;
  /** What makes this run's names its own. */
  readonly mark: string;
  send(method: string, path: string, more?: RawRequest): Promise<RawAnswer>;
  /** Below /api, with the login. */
  call(method: string, path: string, more?: RawRequest): Promise<RawAnswer>;
  /** The form that adds the agent. */
  agentForm(change?: Record<string, string>): Record<string, string>;
}

export function contractSession(): ContractSession {
  let server: PortainerUnderTest | undefined;
  const on: ContractSession = {
    get server() {
      if (server === undefined) throw new Error("the suite does not run yet");
      return server;
    },
    set server(value) {
      server = value;
    },
    jwt: "",
    agentId: 0,
    ownStatus: false,
    mark: Date.now().toString(36),
    send: (method, path, more = {}) => rawHttp(on.server.url)(method, path, more),
    call: (method, path, more = {}) =>
      on.send(method, `/api${path}`, {
        ...more,
        headers: { authorization: `Bearer ${on.jwt}`, ...more.headers },
      }),
    agentForm: (change = {}) => ({
      Name: `contract-${on.mark}`,
      EndpointCreationType: "2",
      URL: on.server.agent,
      GroupID: "1",
      ContainerEngine: "docker",
      TagIds: "[]",
      TLS: "true",
      TLSSkipVerify: "true",
      TLSSkipClientVerify: "true",
      ...change,
    }),
  };
  return on;
}

/** Portainer's errors are always of this form. */
export const words = (message: string, details: unknown = expect.any(String)) => ({ message, details });

/** The login of the session. On the way there it holds the order of the checks, from a server without an administrator on. */
export async function logIn(on: ContractSession): Promise<void> {
  const { body: status } = await on.send("GET", "/api/system/status");
  on.ownStatus = Number(status.Version.split(".")[1]) >= 40;
  const none = await on.send("GET", "/api/users/admin/check");
  if (none.status === 404) {
    expect(none.body).toEqual(words("No administrator account found inside the database"));
    const init = (Username: string, Password: string) =>
      on.send("POST", "/api/users/admin/init", { body: { Username, Password } });
    expect(await init("a b", on.server.password)).toMatchObject({
      status: 400,
      body: words("Invalid request payload", "Invalid username. Must not contain any whitespace"),
    });
    expect(await init("admin", "")).toMatchObject({
      status: 400,
      body: words("Invalid request payload", "Invalid password"),
    });
    expect(await init("admin", "short")).toMatchObject({
      status: 400,
      body: words("Password does not meet the requirements"),
    });
    expect(await init(on.server.user, on.server.password)).toMatchObject({
      status: 200,
      body: { Id: 1, Username: on.server.user, Role: 1, Password: expect.any(String) },
    });
  }
  const login = await on.send("POST", "/api/auth", {
    body: { Username: on.server.user, Password: on.server.password },
  });
  expect(login.status).toBe(200);
  on.jwt = login.body.jwt;
  expect(login.headers["set-cookie"]).toMatch(/^portainer_api_key=.*HttpOnly/);
}
