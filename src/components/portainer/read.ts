/** The live state: on the machines from Docker, in Portainer from its API. A machine that does not answer is unknown alone. */

import type { EnvironmentState, PortainerStatus } from "../../apis/portainer/index.ts";
import type { Io } from "../../component.ts";
import { defined } from "../../defined.ts";
import { isUnavailable, messageOf, type PhoenixError, TransportError } from "../../errors.ts";
import { shareDirectory } from "../../fabric/guests.ts";
import { knownPassword } from "../../fabric/portainer-files.ts";
import { agentContainer, definitionLabel } from "../../fabric/portainer-server.ts";
import { isObject, member, parseJson, textsOf } from "../../formats/json/index.ts";
import type { Portainer, PortainerEnvironment } from "../../model.ts";
import { canonicalJson, type Resource } from "../../resource.ts";
import { readAgentService } from "./agent-service.ts";
import { commands } from "./commands.ts";
import {
  type AgentDefinition,
  administratorId,
  administratorResource,
  agentId,
  agentResource,
  composeOf,
  composePlaces,
  declaredServer,
  declaredServerResource,
  declaredStorage,
  directoriesOf,
  duplicatesOf,
  environmentFor,
  environmentId,
  environmentResource,
  loginWorks,
  missing,
  previousLogin,
  serverId,
  serverResource,
  settingsOf,
  storageId,
  storageResource,
  unreadResource,
  volumesOf,
} from "./compile.ts";
import { definitionIn } from "./compose.ts";
import { inspect, inspected } from "./container.ts";
import { readDuplicates } from "./duplicates.ts";
import { registryId } from "./registries.ts";
import { readRegistries } from "./registries-live.ts";
import {
  agentSecret,
  differing,
  passwordFiles,
  secretState,
  serverFiles,
  serverPaths,
  staleServerFiles,
} from "./secrets.ts";

export async function read(io: Io): Promise<readonly Resource[]> {
  const { portainer } = io.site;
  if (portainer === undefined) return [];
  const { guest, environments } = portainer;
  const unlessUnknown = async (
    id: Resource["id"],
    host: Resource["host"],
    look: () => Promise<readonly Resource[]>,
  ): Promise<readonly Resource[]> => {
    try {
      return await look();
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      return [unreadResource(id, host, messageOf(error))];
    }
  };
  const [storage, server, api, ...agents] = await Promise.all([
    unlessUnknown(storageId, guest.host, () => readStorage(io, portainer)),
    unlessUnknown(serverId, guest.host, () => readServer(io, portainer)),
    readApi(io, portainer),
    ...environments
      .filter(({ kind }) => kind === "agent")
      .map((each) => unlessUnknown(agentId(each), each.guest.host, () => readAgent(io, each))),
  ]);
  const live = isStopped(io, portainer, api, storage)
    ? unknownApi(portainer, "Portainer does not run")
    : undefined;
  return [storage, server, live ?? apiResources(io, portainer, api, server), ...agents].flat();
}

/** It does not run, and has data of an earlier life: what it knows shows when it does. */
function isStopped(
  { site }: Io,
  portainer: Portainer,
  api: ApiReading,
  [storage]: readonly Resource[],
): boolean {
  if (!("stopped" in api)) return false;
  return storage?.text === storageResource(site, portainer, declaredStorage(portainer)).text;
}

function unknownApi(portainer: Portainer, reason: string): readonly Resource[] {
  const ids = [
    administratorId,
    ...portainer.registries.map(registryId),
    ...portainer.environments.map(environmentId),
  ] as const;
  return ids.map((id) => unreadResource(id, portainer.guest.host, reason));
}

/** Left alone when Portainer does not answer although its server is as declared; one that is about to change may answer then. */
function apiResources(
  io: Io,
  portainer: Portainer,
  api: ApiReading,
  server: readonly Resource[],
): readonly Resource[] {
  if ("resources" in api) return api.resources;
  const ids = [administratorId, ...portainer.environments.map(environmentId)] as const;
  const declared = declaredServerResource(portainer);
  if (!api.repairable && server.some(({ text }) => text === declared.text)) {
    io.unread(ids, api.error);
    return [];
  }
  return unknownApi(portainer, messageOf(api.error));
}

/** Notes what differs from a new one and is kept all the same. */
async function readStorage(io: Io, portainer: Portainer): Promise<readonly Resource[]> {
  const { guest } = portainer;
  const { host, path } = shareDirectory(io.site, guest, portainer.share);
  const directories = Promise.all(
    directoriesOf(portainer).map(async (each): Promise<[string, string]> => {
      const { exitCode, stdout } = await io.host(host).run(commands.directoryMode(`${path}/${each.path}`));
      if (exitCode !== 0) return [each.path, missing];
      const [mode = ""] = stdout.trim().split(" ").slice(-1);
      if (!stdout.startsWith("directory")) return [each.path, "not a directory"];
      const open = (Number.parseInt(mode, 8) & 0o002) !== 0;
      if (open) io.note(`${path}/${each.path} on ${host} is writable by everybody: \`chmod o-w\` closes it`);
      return [each.path, "present"];
    }),
  );
  const volumes = Promise.all(
    volumesOf(portainer).map(
      async ({ name, options }): Promise<[string, Readonly<Record<string, string>>]> => {
        const live = await volumeOptions(io, portainer, name);
        if (live === undefined) return [name, {}];
        // Docker cannot change a volume's options, and the volume may hold the only copy of its data.
        if (canonicalJson(live) !== canonicalJson(options))
          io.note(`the volume ${name} on ${guest.host} has other options than declared; it was kept`);
        return [name, options];
      },
    ),
  );
  const [seen, kept] = await Promise.all([directories, volumes]);
  const storage = { directories: Object.fromEntries(seen), volumes: Object.fromEntries(kept) };
  const nothing =
    seen.every(([, state]) => state === missing) &&
    kept.every(([, options]) => Object.keys(options).length === 0);
  return nothing ? [] : [storageResource(io.site, portainer, storage)];
}

async function volumeOptions(
  io: Io,
  { guest }: Portainer,
  name: string,
): Promise<Readonly<Record<string, string>> | undefined> {
  const host = io.host(guest.host);
  const { exitCode, stdout, stderr } = await host.run(commands.volume(name));
  if (exitCode === 0) return textsOf(member(inspected(host, stdout), "Options"));
  if (/no such volume/i.test(stderr)) return undefined;
  // Docker itself does not answer: looking for the container gives the better error.
  await inspect(host, name);
  return undefined;
}

async function readServer(io: Io, portainer: Portainer): Promise<readonly Resource[]> {
  const declared = composeOf(portainer);
  if ("fault" in declared) return [];
  const { container: name, text } = declared.compose;
  const host = io.host(portainer.guest.host);
  const { written } = composePlaces(io.site, portainer);
  // Each look through a machine's guest agent takes a second, so they run side by side.
  const [container, secret, there, compose] = await Promise.all([
    inspect(host, name),
    agentSecret(io),
    host.readFiles(serverPaths),
    io.host(written.host).readFiles([written.path]),
  ]);
  if (container === undefined) return [];
  const others = staleServerFiles(there, serverFiles(portainer, secret)).map(({ path }) => path);
  if (compose.get(written.path)?.text !== text) others.unshift(written.path);
  const definition = container.labels[definitionLabel] ?? "";
  const file = compose.get(written.path)?.text;
  const server = {
    container: name,
    image: container.image,
    definition,
    state: container.state,
    secret: secretState(container, secret),
    files: filesWords(others),
  };
  const isItsOwn = file !== undefined && definitionIn(file) === definition;
  // The difference of the Compose file says it already.
  const isTold = definition !== declared.compose.definition;
  const shown = filesWords(others.filter((path) => !isTold || path !== written.path));
  return [serverResource(portainer, server, isItsOwn ? file : undefined, shown)];
}

function filesWords(others: readonly string[]): string {
  return others.length === 0 ? "as declared" : `not as declared: ${others.join(", ")}`;
}

/** What Portainer itself knows: the administrator, and the environments that are declared. Others are not ours. */
async function readApi(io: Io, portainer: Portainer): Promise<ApiReading> {
  try {
    const status = await io.apis.portainer.status();
    if (status.state !== "up") {
      if (!(await isDeployed(io, portainer))) return { resources: [], stopped: true };
      // Without its data it creates its own certificate; it reads the declared one when it starts.
      const repairable = status.state === "timed-out" || status.reason.includes("certificate");
      return { error: silent(portainer, status), repairable };
    }
    if (!(await io.apis.portainer.adminExists())) return { resources: [] };
    const state = await administratorState(io, portainer);
    const registries = await readRegistries(io, portainer);
    const live = await io.apis.portainer.environments();
    const registered = portainer.environments.flatMap((each) => readEnvironment(io, portainer, each, live));
    const duplicates = await readDuplicates(io, portainer, live);
    const previous = state === previousLogin ? await knownPassword(io.site, io.host) : undefined;
    const administrator = administratorResource(portainer, state, previous);
    return { resources: [administrator, ...registries, ...registered, ...duplicates] };
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    return { error, repairable: false };
  }
}

/** @throws ApiError when no known password works */
async function administratorState(io: Io, portainer: Portainer): Promise<string> {
  if ((await io.apis.portainer.login()) === "previous") return previousLogin;
  const files = passwordFiles(portainer);
  const there = await io.host(portainer.guest.host).readFiles(files.map(({ path }) => path));
  return differing(there, files).length === 0 ? loginWorks : "exists, and its password file is out of date";
}

/** What Portainer answered, or why it did not; `repairable` when a restart of its container would help. */
type ApiReading =
  | { readonly resources: readonly Resource[]; readonly stopped?: true }
  | { readonly error: PhoenixError; readonly repairable: boolean };

function silent({ guest, port }: Portainer, status: Exclude<PortainerStatus, { state: "up" }>): PhoenixError {
  const reason =
    status.state === "down" ? status.reason : "no administrator was created within five minutes of its start";
  return new TransportError("portainer", `Portainer does not answer at ${guest.address}:${port}: ${reason}`, {
    hint: `\`docker logs\` of its container on ${guest.host} shows why`,
  });
}

async function isDeployed(io: Io, portainer: Portainer): Promise<boolean> {
  const { container } = declaredServer(portainer);
  if (container === "") return false;
  return (await inspect(io.host(portainer.guest.host), container))?.state === "running";
}

function readEnvironment(
  io: Io,
  portainer: Portainer,
  declared: PortainerEnvironment,
  live: readonly EnvironmentState[],
): readonly Resource[] {
  const found = environmentFor(portainer, settingsOf(declared), live);
  if (found === undefined) return [];
  for (const { name } of duplicatesOf(found, live))
    io.note(
      `environment "${name}" in Portainer is the same engine as "${declared.name}": remove the environment there, not its stacks, which would take running containers down`,
    );
  const { name, kind, url, tls, tlsSkipVerify } = found;
  return [environmentResource(portainer, declared, { name, kind, url, tls, tlsSkipVerify })];
}

async function readAgent(io: Io, environment: PortainerEnvironment): Promise<readonly Resource[]> {
  if (environment.swarm !== undefined) return readAgentService(io, environment);
  const [container, secret] = await Promise.all([
    inspect(io.host(environment.guest.host), agentContainer),
    agentSecret(io),
  ]);
  if (container === undefined) return [];
  const found = parseJson(container.labels[definitionLabel] ?? "");
  const definition = isObject(found) ? (found as unknown as AgentDefinition) : undefined;
  const state = { state: container.state, secret: secretState(container, secret) };
  return [agentResource(environment, { ...defined({ definition }), ...state })];
}
