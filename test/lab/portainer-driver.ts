/** Raw requests to a Portainer of the lab, with its administrator logged in. */
import { afterEach } from "vitest";
import { LabDocker } from "../../lab/docker.ts";
import { type RawAnswer, type RawRequest, rawHttp } from "../contract/raw-http.ts";
import { type PortainerLab, type PortainerLabOptions, portainerLab } from "./portainer.ts";

export const Password = "a long enough password";
export const file = "services:\n  web:\n    image: nginx\n";
export const minute = 60_000;

/** What `make` made last. */
export const now = { jwt: "" } as { lab: PortainerLab; jwt: string };

/** To be called once in each file. */
export const closeAfterEach = (): void => {
  afterEach(() => now.lab.context.close());
};

/** A lab without an administrator. */
export const make = async (options: PortainerLabOptions = {}): Promise<void> => {
  now.lab = await portainerLab(options);
};

/** A lab with the administrator logged in. */
export const open = async (options: PortainerLabOptions = {}): Promise<void> => {
  await make(options);
  await createAdmin();
  await logIn();
};

export const send = (method: string, path: string, more: RawRequest = {}): Promise<RawAnswer> =>
  rawHttp(`https://127.0.0.1:${now.lab.portainer.port}`)(method, path, more);

/** Below /api, with the login. */
export const call = (method: string, path: string, more: RawRequest = {}): Promise<RawAnswer> =>
  send(method, `/api${path}`, { ...more, headers: { authorization: `Bearer ${now.jwt}` } });

export const createAdmin = (): Promise<RawAnswer> =>
  send("POST", "/api/users/admin/init", { body: { Username: "admin", Password } });

/** @returns the status */
export const logIn = async (): Promise<number> => {
  const answer = await send("POST", "/api/auth", { body: { Username: "admin", Password } });
  if (answer.status === 200) now.jwt = answer.body.jwt;
  return answer.status;
};

export const addAgent = (change: Record<string, string> = {}): Promise<RawAnswer> => {
  const form = {
    Name: "apps",
    EndpointCreationType: "2",
    URL: "tcp://10.0.0.102:9001",
    TLS: "true",
    TLSSkipVerify: "true",
    TLSSkipClientVerify: "true",
    ...change,
  };
  return call("POST", "/endpoints", { form });
};

export const create = (Name: string, StackFileContent: string, Env: unknown = []): Promise<RawAnswer> =>
  call("POST", "/stacks/create/standalone/string?endpointId=1", { body: { Name, StackFileContent, Env } });

/** The agent's engine. */
export const engine = (): LabDocker => new LabDocker(now.lab.context, "vm/1002");

/** Containers of stacks, by name. */
export const running = (): readonly string[] =>
  engine()
    .state.containers.map(({ name }) => name)
    .filter((name) => name !== "portainer_agent")
    .sort();

export const restart = (): Promise<string> => now.lab.run("vm/1001", "restart portainer_server");
