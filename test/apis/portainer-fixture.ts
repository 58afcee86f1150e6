/** A Portainer of the lab and a client of it, made anew for each test. */
import { afterEach } from "vitest";
import { LabDocker } from "../../lab/docker.ts";
import { createPortainerClient } from "../../src/apis/portainer/client.ts";
import type { PortainerApi } from "../../src/apis/portainer/index.ts";
import type { ApiError } from "../../src/errors.ts";
import { Secret } from "../../src/secret.ts";
import { type PortainerLab, type PortainerLabOptions, portainerLab } from "../lab/portainer.ts";
import { type RecordingNetwork, recordingNetwork } from "./network.ts";

export const password = "a long enough password";
export const agent = { name: "apps", kind: "agent", url: "tcp://10.0.0.102:9001" } as const;
export const file = "services:\n  web:\n    image: nginx:1.27\n";

export interface Fixture {
  lab: PortainerLab;
  network: RecordingNetwork;
  client: PortainerApi;
}

/** What `start` made last. */
export const now = {} as Fixture;

/** The lab's certificate is its own: trust is the network's business, and tested there. */
export const open = (options: { password?: string; root?: () => Promise<string> } = {}): PortainerApi =>
  createPortainerClient({
    network: { ...now.network, request: (request) => now.network.request({ ...request, insecure: true }) },
    clock: now.lab.context.clock,
    address: "10.0.0.111",
    port: 9443,
    hostname: "portainer.internal.example.net",
    user: "admin",
    password: new Secret(options.password ?? password),
    root: options.root ?? (async () => ""),
  });

/** @param ready makes the administrator */
export const start = async (options: PortainerLabOptions = {}, ready = true): Promise<void> => {
  now.lab = await portainerLab(options);
  now.network = recordingNetwork(() => now.lab.portainer.port);
  now.client = open();
  if (ready) await now.client.createAdmin("admin", new Secret(password));
};

/** To be called once in each file. */
export const closeAfterEach = (): void => {
  afterEach(async () => {
    if ("lab" in now) await now.lab.context.close();
  });
};

export const failure = (promise: Promise<unknown>): Promise<ApiError> =>
  promise.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: ApiError) => error,
  );

export const logins = (): number => now.network.asked.filter((each) => each === "POST /api/auth").length;

export const changes = (): readonly string[] =>
  now.network.requests
    .filter(({ effect }) => effect === "change")
    .map(({ method, url }) => `${method} ${new URL(url).pathname}`);

/** The agent's engine. */
export const engine = (): LabDocker => new LabDocker(now.lab.context, "vm/1002");
