/** What should be: the server with its storage and administrator, an agent on each machine, and their registrations. */
import type { EnvironmentState } from "../../apis/portainer/index.ts";
import { defined } from "../../defined.ts";
import { shareDirectory } from "../../fabric/guests.ts";
import { adminPasswordFile, portainerDirectory } from "../../fabric/portainer-files.ts";
import { agentContainer } from "../../fabric/portainer-server.ts";
import { ports } from "../../fabric/ports.ts";
import { writtenBehind } from "../../formats/compose/written.ts";
import type { HostPath, Portainer, PortainerEnvironment, Site } from "../../model.ts";
import { canonicalJson, type HostName, type Resource, type ResourceId } from "../../resource.ts";
import { portainerCompose, type ServerCompose } from "./compose.ts";
import { compileRegistries } from "./registries.ts";

export const paths = {
  directory: portainerDirectory,
  serverEnvironment: `${portainerDirectory}/server.env`,
  adminPassword: adminPasswordFile,
  agentEnvironment: `${portainerDirectory}/agent.env`,
} as const;

/** `--admin-password-file` gives its password to a user of this name (2.19 to 2.45). */
const optionUser = "admin";

export const serverId = "portainer/server";
export const storageId = "portainer/storage";
export const administratorId = "portainer/administrator";

/** In the order to create them: each needs those before it. */
export function compile(site: Site): readonly Resource[] {
  const { portainer } = site;
  if (portainer === undefined) return [];
  const { environments } = portainer;
  return [
    storageResource(site, portainer, declaredStorage(portainer)),
    declaredServerResource(portainer),
    administratorResource(portainer, loginWorks),
    ...compileRegistries(portainer),
    ...environments
      .filter(({ kind }) => kind === "agent")
      .map((each) => agentResource(each, declaredAgent(portainer, each))),
    ...environments.map((each) => environmentResource(portainer, each, settingsOf(each))),
  ];
}

export function composeOf(portainer: Portainer): { compose: ServerCompose } | { fault: string } {
  const { certPath, keyPath } = portainer.certificate.inGuest;
  return portainerCompose(portainer.compose.text, {
    certPath,
    keyPath,
    environmentFile: paths.serverEnvironment,
    ...defined({ passwordFile: usesPasswordFile(portainer) ? paths.adminPassword : undefined }),
    port: portainer.port,
  });
}

export function usesPasswordFile({ adminUser, adminPassword }: Portainer): boolean {
  return adminUser === optionUser && adminPassword !== undefined;
}

/** Where the Compose file is written, and its path on the machine that runs it. */
export function composePlaces(site: Site, { guest, share }: Portainer): { written: HostPath; seen: string } {
  const { host, path } = shareDirectory(site, guest, share);
  const file = "portainer/docker-compose.yml";
  return { written: { host, path: `${path}/${file}` }, seen: `${share.mountPoint}/${file}` };
}

export const missing = "missing";

export interface Storage {
  /** By path below the share: "present", `missing` or what is wrong. */
  readonly directories: Readonly<Record<string, string>>;
  /** Options of NFS volumes by name; empty for a missing one. */
  readonly volumes: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** Directories of the share with the mode of a new one: only the container may read data. */
export function directoriesOf(
  portainer: Portainer,
): readonly { path: string; mode: string; private: boolean }[] {
  const kept = volumesOf(portainer).map(({ directory }) => ({ path: directory, mode: "750", private: true }));
  return [{ path: "portainer", mode: "755", private: false }, ...kept];
}

export function volumesOf(
  portainer: Portainer,
): readonly { name: string; directory: string; options: Readonly<Record<string, string>> }[] {
  const found = composeOf(portainer);
  if ("fault" in found) return [];
  const { server, path } = portainer.share;
  return found.compose.external.map(({ name, data }) => {
    const directory = data ? "portainer/data" : `portainer/volumes/${name}`;
    const options = { type: "nfs", o: `addr=${server},rw,nfsvers=4`, device: `:${path}/${directory}` };
    return { name, directory, options };
  });
}

export function declaredStorage(portainer: Portainer): Storage {
  return {
    directories: Object.fromEntries(directoriesOf(portainer).map(({ path }) => [path, "present"])),
    volumes: Object.fromEntries(volumesOf(portainer).map(({ name, options }) => [name, options])),
  };
}

export function storageResource(site: Site, { guest, share }: Portainer, storage: Storage): Resource {
  const { path } = shareDirectory(site, guest, share);
  // What is missing is no unit: another component may create the directory that both of them need.
  const directories = Object.entries(storage.directories)
    .filter(([, state]) => state !== missing)
    .map(([each, state]) => [`${path}/${each}`, state]);
  const volumes = Object.entries(storage.volumes).flatMap(([name, { device }]) =>
    device === undefined ? [] : [[`volume ${name}`, `NFS ${device}`]],
  );
  const units = Object.fromEntries([...directories, ...volumes]);
  return { id: storageId, host: guest.host, text: canonicalJson(storage), units };
}

export interface Server {
  readonly container: string;
  readonly image: string;
  /** Of the Compose file that the container was created from; "" when it is foreign. */
  readonly definition: string;
  /** "running", or another state in Docker's terms. */
  readonly state: string;
  /** "as generated", "another" or "none". */
  readonly secret: string;
  /** "as declared", or the files that differ. */
  readonly files: string;
  readonly fault?: string;
}

export function declaredServer(portainer: Portainer): Server {
  const found = composeOf(portainer);
  const good = { state: "running", secret: "as generated", files: "as declared" };
  if ("fault" in found) return { ...good, container: "", image: "", definition: "", fault: found.fault };
  const { container, image, definition } = found.compose;
  return { ...good, container, image, definition };
}

export function declaredServerResource(portainer: Portainer): Resource {
  const found = composeOf(portainer);
  const text = "fault" in found ? undefined : found.compose.text;
  return serverResource(portainer, declaredServer(portainer), text);
}

/** What `portainerCompose` adds, in words. */
const composeAdditions =
  "the certificate and its options, the agents' secret, the administrator's password file, a label";

/** @param text the Compose file that the container was created from, where that is known; @param files the unit of its files */
export function serverResource(
  portainer: Portainer,
  server: Server,
  text: string | undefined,
  files = server.files,
): Resource {
  const { guest, compose } = portainer;
  const units = {
    container: `${server.container} ${server.state}`,
    image: server.image,
    "compose file": server.definition === "" ? "foreign" : `text ${server.definition}`,
    "agent secret": secretWords(server.secret),
    files,
  };
  const at = { file: compose.file, line: 1, column: 1 };
  const from = { image: at, "compose file": at };
  const written = text === undefined ? undefined : writtenCompose(portainer, text);
  const documents = written === undefined ? undefined : { "compose file": written };
  return {
    id: serverId,
    host: guest.host,
    text: canonicalJson(server),
    units,
    from,
    ...defined({ documents }),
    additions: { "compose file": composeAdditions },
  };
}

/** A Compose file of the server without what Phoenix adds to it. */
function writtenCompose(portainer: Portainer, text: string): string | undefined {
  const found = composeOf(portainer);
  return "fault" in found ? text : writtenBehind(text, portainer.compose.text, found.compose.text);
}

/** "as generated" is how the state is compared, not how a person would say it. */
function secretWords(state: string): string {
  return state === "as generated" ? "set" : state === "none" ? "not set" : "another one";
}

export const loginWorks = "exists, and the configured login works";
export const previousLogin = "exists, with its previous password";

/** @param password the one that works, where it is known */
export function administratorResource(
  { guest, adminUser, adminPassword }: Portainer,
  state: string,
  password = adminPassword,
): Resource {
  const text = canonicalJson({ user: adminUser, state });
  const worded = { [loginWorks]: "as configured", [previousLogin]: "the previous one" }[state];
  const units =
    worded === undefined || adminPassword === undefined
      ? { [adminUser]: state }
      : { [adminUser]: "exists", password: worded };
  const secrets = worded === undefined ? {} : defined({ password });
  return { id: administratorId, host: guest.host, text, units, secrets };
}

/** What an agent's container is created from; its label holds it. */
export interface AgentDefinition {
  readonly image: string;
  readonly port: string;
  readonly mounts: readonly string[];
  readonly restart: string;
}

export interface Agent {
  /** Undefined for a foreign container. */
  readonly definition?: AgentDefinition;
  readonly state: string;
  readonly secret: string;
}

/** As Portainer documents it, for a standalone engine and for a Swarm. */
function declaredAgent({ agentImage }: Portainer, { port, swarm }: PortainerEnvironment): Agent {
  const mounts = ["/var/run/docker.sock", "/var/lib/docker/volumes"].map((path) => `${path}:${path}`);
  const definition = {
    image: agentImage,
    port: `${port}:${ports.portainerAgent}`,
    mounts,
    // A task of a Swarm, which replaces it, has a word of its own.
    restart: swarm === undefined ? "always" : "any",
  };
  return { definition, state: "running", secret: "as generated" };
}

export function agentId({ name }: Pick<PortainerEnvironment, "name">): ResourceId {
  return `portainer/agent-${name}`;
}

export function agentResource(environment: PortainerEnvironment, agent: Agent): Resource {
  const { definition, state, secret } = agent;
  const units = {
    [environment.swarm === undefined ? "container" : "service"]: `${agentContainer} ${state}`,
    image: definition?.image ?? "foreign",
    ports: definition?.port ?? "foreign",
    mounts: definition?.mounts.join(", ") ?? "foreign",
    "agent secret": secretWords(secret),
  };
  const from = Object.fromEntries(Object.keys(units).map((unit) => [unit, environment.from]));
  return { id: agentId(environment), host: environment.guest.host, text: canonicalJson(agent), units, from };
}

export interface Settings {
  readonly name: string;
  readonly kind: "agent" | "local";
  readonly url: string;
  readonly tls: boolean;
  readonly tlsSkipVerify: boolean;
}

/** An agent creates a new TLS certificate at each start: it cannot be verified. */
export function settingsOf({ name, kind, guest, port }: PortainerEnvironment): Settings {
  const agent = kind === "agent";
  const url = agent ? `tcp://${guest.address}:${port}` : "unix:///var/run/docker.sock";
  return { name, kind, url, tls: agent, tlsSkipVerify: agent };
}

/**
 * The environment that is the declared one: by its name, or by its address, when it was renamed in the site or in Portainer.
 * One that has the name of another declared environment is that one.
 */
export function environmentFor(
  { environments }: Portainer,
  { name, kind, url }: Pick<Settings, "name" | "kind" | "url">,
  live: readonly EnvironmentState[],
): EnvironmentState | undefined {
  const others = environments.map((each) => each.name).filter((each) => each !== name);
  const alike = live.filter((each) => each.kind === kind);
  const address = addressIn(url);
  return (
    alike.find((each) => each.name === name) ??
    alike.find((each) => addressIn(each.url) === address && !others.includes(each.name))
  );
}

/** Other registrations of the same engine. */
export function duplicatesOf(
  found: EnvironmentState,
  live: readonly EnvironmentState[],
): readonly EnvironmentState[] {
  const address = addressIn(found.url);
  return live.filter(
    ({ id, kind, url }) => id !== found.id && kind === found.kind && addressIn(url) === address,
  );
}

/** Without its scheme and a slash at its end: Portainer keeps both as they were written. */
function addressIn(url: string): string {
  return url.replace(/^\w+:\/\//, "").replace(/\/+$/, "");
}

export function environmentId({ name }: Pick<PortainerEnvironment, "name">): ResourceId {
  return `portainer/environment-${name}`;
}

export function environmentResource(
  { guest }: Portainer,
  environment: PortainerEnvironment,
  settings: Settings,
): Resource {
  const { url, tls, tlsSkipVerify, kind } = settings;
  const units = { kind, url, TLS: tls ? (tlsSkipVerify ? "on, not verified" : "on, verified") : "off" };
  const from = { url: environment.from };
  return { id: environmentId(environment), host: guest.host, text: canonicalJson(settings), units, from };
}

/** A resource that could not be read. It differs from every declared one, so a sync tries, and reports what is wrong. */
export function unreadResource(id: ResourceId, host: HostName, reason: string): Resource {
  const units = { state: `unknown: ${reason}` };
  return { id, host, text: canonicalJson({ unread: reason }), units, unread: true };
}
