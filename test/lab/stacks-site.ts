/** A lab with Portainer and an agent set up by hand, and stacks to deploy on it. */
import { openApis } from "../../src/apis/open-apis.ts";
import type { PortainerApi } from "../../src/apis/portainer/index.ts";
import { findProvisionerPassword, findRoot } from "../../src/fabric/ca-files.ts";
import type { World } from "../../src/hosts/world.ts";
import type { FirewallRule, Stack } from "../../src/model.ts";
import { Secret } from "../../src/secret.ts";
import type { WholeSite } from "../whole-site.ts";
import { change, newLab, opened, prepared } from "./open.ts";
import { agent, labSite } from "./site.ts";

const from = { file: "stacks/web/phoenix.json", line: 1, column: 1 };

export const webFile = `# The web server.
services:
  web:
    image: nginx:\${TAG:-1.27}
    restart: always
    ports:
      - "8081:80"
    volumes:
      - ./site:/usr/share/nginx/html
      - data:/data
volumes:
  data:
    external: true
    name: web_data
`;

export function stack(name: string, text: string, more: Partial<Stack> = {}): Stack {
  return {
    name,
    project: name,
    environment: "production",
    guest: agent,
    portainerEnvironment: "drphoenix",
    share: agent.shares[0]!,
    compose: { file: `stacks/${name}/docker-compose.yml`, text },
    variables: [],
    files: [],
    labels: {},
    networks: [],
    volumes: [],
    from,
    ...more,
  };
}

export const web = stack("web", webFile, {
  variables: [
    { name: "TAG", value: new Secret("1.28"), sensitive: false, from },
    { name: "DB_PASSWORD", value: new Secret("correct $horse #1"), sensitive: true, from },
  ],
  files: [
    {
      content: new Secret("secret = of the file\n"),
      source: "conf/app.ini",
      destination: "/etc/app.ini",
      from,
    },
  ],
  labels: { web: [{ key: "traefik.enable", value: "true", from }] },
  volumes: [{ name: "web_data", directory: "volumes/web_data" }],
});

export const jobs = stack("jobs", "services:\n  queue:\n    image: redis:7\n    restart: always\n");

/** The web stack's port is open; whether it answers can be asked from outside. */
const rules: readonly FirewallRule[] = [
  { direction: "in", action: "ACCEPT", protocol: "tcp", ports: "8081", from },
];
const guests = labSite.guests.map((guest) =>
  guest.host === agent.host ? { ...guest, firewall: { enabled: true, rules } } : guest,
);

export const withStacks = (...stacks: readonly Stack[]): WholeSite => ({ ...labSite, guests, stacks });

export interface StacksLab {
  readonly directory: string;
  readonly world: World;
  readonly api: PortainerApi;
  readonly environmentId: number;
  /** Runs `docker …` on the agent's machine; returns standard output. */
  docker(...args: readonly string[]): Promise<string>;
  /** Names of the running containers of stacks, sorted. */
  running(): Promise<readonly string[]>;
}

/** Versions on which stacks are deployed in one way. */
const labs = {
  "2.23.0": prepared(() => withPortainer("2.23.0")),
  "2.39.1": prepared(() => withPortainer("2.39.1")),
  "2.45.0": prepared(() => withPortainer("2.45.0")),
};

export async function stacksLab(version: keyof typeof labs = "2.39.1"): Promise<StacksLab> {
  const directory = await labs[version]();
  const world = await opened(directory);
  const { portainer } = apisIn(world);
  const [environment] = await portainer.environments();
  const machine = world.host("vm/1002");
  const docker = (...args: readonly string[]) => machine.expect(change("docker", ...args));
  return {
    directory,
    world,
    api: portainer,
    environmentId: environment?.id ?? 0,
    docker,
    running: async () =>
      (await docker("ps", "--format", "{{.Names}}"))
        .split("\n")
        .filter((name) => name !== "" && name !== "agent")
        .sort(),
  };
}
/** Portainer runs, and the agent's environment is registered as the component for Portainer would do it. */
async function withPortainer(version: string): Promise<string> {
  const directory = await newLab();
  const world = await opened(directory);
  const root = async () => (await findRoot(labSite.ca.rootFiles, world.host)).pem;
  const { stepCa, portainer } = apisIn(world);
  const declared = labSite.portainer!;
  const { chain, key } = await stepCa.sign({
    root: await root(),
    provisioner: labSite.ca.provisioner,
    password: await findProvisionerPassword(labSite.ca.passwordFiles, world.host),
    commonName: declared.hostname,
    names: [declared.hostname, declared.guest.address],
  });
  const server = world.host("vm/1001");
  await server.writeFiles([
    { path: "/opt/portainer/cert.pem", text: chain },
    { path: "/opt/portainer/key.pem", text: key.reveal(), mode: "600" },
    { path: "/opt/portainer/password", text: declared.adminPassword!.reveal(), mode: "600" },
  ]);
  const socket = ["-v", "/var/run/docker.sock:/var/run/docker.sock"];
  const run = (name: string, ports: string) => [
    "docker",
    "run",
    "-d",
    "--name",
    name,
    "-p",
    ports,
    ...socket,
  ];
  const certificates = ["--sslcert=/certs/cert.pem", "--sslkey=/certs/key.pem"];
  await server.expect(
    change(
      ...[...run("server", "9443:9443"), "-v", "/opt/portainer:/certs", "-v", "data:/data"],
      ...[`portainer/portainer-ce:${version}`, ...certificates, "--admin-password-file=/certs/password"],
    ),
  );
  const machine = world.host("vm/1002");
  await machine.expect(change(...run("agent", "9001:9001"), `portainer/agent:${version}`));
  await portainer.createEnvironment({ name: "drphoenix", kind: "agent", url: "tcp://10.0.0.102:9001" });
  await world.close();
  return directory;
}

function apisIn(world: World): ReturnType<typeof openApis> {
  const root = async () => (await findRoot(labSite.ca.rootFiles, world.host)).pem;
  return openApis(labSite, world.network, world.clock, { root });
}
