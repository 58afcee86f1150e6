/** Portainer: its server's container in a guest, and, with credentials, what its API tells (2.19 to 2.45). */
import { createPortainerClient } from "../../apis/portainer/client.ts";
import type { PortainerApi, StackState } from "../../apis/portainer/index.ts";
import { defined } from "../../defined.ts";
import { isUnavailable, messageOf } from "../../errors.ts";
import { hostLabel } from "../../fabric/guests.ts";
import { adminPasswordFile } from "../../fabric/portainer-files.ts";
import { serverImage } from "../../fabric/portainer-server.ts";
import { ports } from "../../fabric/ports.ts";
import { parseChain } from "../../formats/x509/index.ts";
import { withRequest } from "../../hosts/decorators.ts";
import type { HttpRequest, Network } from "../../hosts/network.ts";
import type { GuestName } from "../../resource.ts";
import { Secret } from "../../secret.ts";
import type {
  FoundEngine,
  FoundEnvironment,
  FoundPortainer,
  FoundPortainerState,
  FoundStack,
} from "../found/docker.ts";
import type { FoundGuest, ReadIo } from "../found.ts";
import { filesAt, pathsNamed, readPaths } from "./projects.ts";

/** The Portainer servers among the containers, each asked for its state where that is possible. */
export async function readPortainer(
  io: ReadIo,
  guests: readonly FoundGuest[],
  engines: readonly FoundEngine[],
): Promise<readonly FoundPortainer[]> {
  const servers = engines.flatMap(({ host, containers }) =>
    containers
      .filter(({ image }) => serverImage.test(image))
      .map((container): Omit<FoundPortainer, "state" | "names" | "fingerprint" | "address"> => {
        const port = container.ports.find((each) => each.container === ports.portainer)?.published;
        return { host, container, port, source: container.source };
      }),
  );
  return Promise.all(
    servers.map(async (server): Promise<FoundPortainer> => {
      const address = addressOf(guests.find(({ host }) => host === server.host));
      const known = { ...server, address, ...(await certificateOf(io, address, server.port)) };
      try {
        const state = await readState(io, server, address, guests);
        return typeof state === "string"
          ? { ...known, state: undefined, unread: state }
          : { ...known, state };
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        return { ...known, state: undefined, unread: messageOf(error) };
      }
    }),
  );
}

/** The guest whose engine an environment is: the server's own, or the one with the agent's address or name. */
export function machineBehind(
  { kind, url }: Pick<FoundEnvironment, "kind" | "url">,
  server: GuestName,
  guests: readonly FoundGuest[],
): FoundGuest | undefined {
  const [, target = ""] = /^\w+:\/\/([^:/]+)/.exec(url) ?? [];
  const isIts = (guest: FoundGuest): boolean =>
    kind === "local"
      ? guest.host === server
      : addressOf(guest) === target || hostLabel(guest.name) === target.split(".")[0]?.toLowerCase();
  // Docker's own API over TCP: nothing tells which machine answers.
  if (kind === "local" && target !== "" && !url.startsWith("unix:")) return undefined;
  return guests.find(isIts);
}

function addressOf(guest: FoundGuest | undefined): string | undefined {
  const fixed = guest?.nics.flatMap(({ ip }) => (ip === undefined || ip === "dhcp" ? [] : [ip.address]));
  return fixed?.[0];
}

async function certificateOf(
  { network }: ReadIo,
  address: string | undefined,
  port: number | undefined,
): Promise<Pick<FoundPortainer, "names" | "fingerprint">> {
  if (address === undefined || port === undefined) return { names: [], fingerprint: undefined };
  const answer = await network.handshake(address, port, { servername: address });
  const [leaf] = answer.ok ? parseChain(answer.certificate) : [];
  const names = (leaf?.names ?? []).flatMap((name) =>
    name.startsWith("DNS:") ? name.slice("DNS:".length) : [],
  );
  return { names, fingerprint: leaf?.fingerprint.toUpperCase() };
}

/** What Portainer has, or why it cannot be asked. */
async function readState(
  io: ReadIo,
  { host, container, port }: Pick<FoundPortainer, "host" | "container" | "port">,
  address: string | undefined,
  guests: readonly FoundGuest[],
): Promise<FoundPortainerState | string> {
  if (container.state !== "running") return "its container does not run";
  if (port === undefined) return "its HTTPS port 9443 is not published";
  if (address === undefined) return "the address of its machine is not known";
  const [left] = await filesAt(io, host, [adminPasswordFile]);
  const known = left === undefined ? undefined : new Secret(left.text.replace(/\n$/, ""));
  const { user = "admin", password = known, apiKey } = io.portainer ?? {};
  if (password === undefined && apiKey === undefined) return "its API needs credentials, and none were given";
  const api = createPortainerClient({
    network: trusting(io.network, address),
    clock: io.clock,
    root: () => Promise.resolve(""),
    address,
    port,
    hostname: address,
    user,
    ...defined({ password, apiKey }),
  });
  const status = await api.status();
  if (status.state !== "up") return status.state === "down" ? status.reason : "it waits for an administrator";
  const entered = apiKey === undefined ? { password } : { apiKey };
  return { user, ...defined(entered), ...(await stateOf(io, api, host, guests)) };
}

/**
 * A Portainer that nobody set up presents a certificate that it signed itself. The machine and the port are known from its own
 * engine, over the hypervisor's bridge: whoever could answer there in its place has the machine already.
 */
function trusting(network: Network, address: string): Network {
  return withRequest(network, ({ ca: _, ...asked }: HttpRequest) => {
    const isIts = new URL(asked.url).hostname === address;
    return network.request(isIts ? { ...asked, insecure: true } : asked);
  });
}

async function stateOf(
  io: ReadIo,
  api: PortainerApi,
  server: GuestName,
  guests: readonly FoundGuest[],
): Promise<Omit<FoundPortainerState, "user" | "password" | "apiKey">> {
  const [environments, others, stacks, registries, accounts] = await Promise.all([
    api.environments(),
    api.otherEnvironments(),
    api.stacks(),
    api.registries(),
    api.accounts(),
  ]);
  const machineOf = (id: number): FoundGuest | undefined => {
    const environment = environments.find((each) => each.id === id);
    return environment && machineBehind(environment, server, guests);
  };
  return {
    environments: environments.map(({ id, name, kind, url }) => ({ id, name, kind, url })),
    others,
    stacks: await Promise.all(stacks.map((stack) => stackOf(io, api, stack, machineOf(stack.environmentId)))),
    registries: registries.map(({ name, url, username }) => ({ name, url, username })),
    teams: new Map(accounts.teams.map(({ id, name }) => [id, name])),
    users: new Map(accounts.users.map(({ id, name }) => [id, name])),
  };
}

async function stackOf(
  io: ReadIo,
  api: PortainerApi,
  stack: StackState,
  machine: FoundGuest | undefined,
): Promise<FoundStack> {
  const { id, name, environmentId, compose, swarmId, status, repository } = stack;
  const [text, access] = await Promise.all([
    api.stackFile(id).catch((error: unknown) => {
      if (!isUnavailable(error)) throw error;
      return undefined;
    }),
    api.stackAccess(id),
  ]);
  // Relative paths are Portainer's own, in its container.
  const paths = pathsNamed(text ?? "", "").filter((path) => (text ?? "").includes(path));
  return {
    ...{ id, name, environmentId, status, access },
    kind: kindOf(compose, swarmId, text),
    text: text ?? "",
    ...defined({ swarmId, repository }),
    variables: stack.env.map(({ name: key, value }) => ({ name: key, value: new Secret(value) })),
    named: machine?.isRunning ? await readPaths(io, machine.host, paths) : [],
  };
}

function kindOf(compose: boolean, swarmId: string | undefined, text: string | undefined): FoundStack["kind"] {
  if (!compose && swarmId === undefined) return "Kubernetes";
  if (text === undefined) return "without a file";
  return compose ? "compose" : "swarm";
}
