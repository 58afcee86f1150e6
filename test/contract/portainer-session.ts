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
