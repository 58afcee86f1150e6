/** Portainer: the machine that runs it, and its Compose file among the stacks. */

import { defined } from "../../defined.ts";
import { pathOnShare } from "../../fabric/guest-paths.ts";
import { serverService } from "../../fabric/portainer-server.ts";
import { ports } from "../../fabric/ports.ts";
import { imageReference } from "../../formats/compose/check.ts";
import { readCompose } from "../../formats/compose/index.ts";
import type {
  Certificate,
  ComposeFile,
  Hypervisor,
  Portainer,
  PortainerEnvironment,
  RoleGuest,
  Share,
} from "../../model.ts";
import type { SourceRef } from "../../resource.ts";
import { hostName, qualified } from "../machines/addresses.ts";
import { type GuestEntry, isAddressed } from "../machines/guests.ts";
import type { SecretReader } from "../secrets/index.ts";
import type { Cell } from "../text/cell.ts";
import type { Problems } from "../text/problems.ts";
import type { Assignment } from "./assignments.ts";
import type { DeclaredStack } from "./files.ts";
import { readRegistries } from "./registries.ts";

/** Portainer refuses shorter passwords for a new administrator (2.x default). */
const shortestPassword = 12;

/** Docker takes a container that has run for this long for one that started well, and forgets its restarts (26). */
const settleSeconds = 10;

/** What is known about Portainer before services and certificates are read. */
export interface PortainerSettings {
  readonly guest: RoleGuest;
  readonly hostname: string;
  readonly port: number;
}

export function agentPortOf(config: Cell): number {
  return config.get("network")?.get("portainer_agent_port")?.integer ?? ports.portainerAgent;
}

/** The one machine with the role primary. */
export function findPrimary(
  entries: readonly GuestEntry[],
  needed: SourceRef | undefined,
  problems: Problems,
): GuestEntry | undefined {
  const primaries = entries.filter(({ guest }) => guest.portainerRole === "primary" && !guest.template);
  const [primary, ...others] = primaries;
  if (primary === undefined) {
    if (needed !== undefined)
      problems.report("PHX0703", needed, "no virtual machine runs Portainer, which is required here", {
        hint: 'give one "portainer_role": "primary"',
      });
    return undefined;
  }
  const hosts = primaries.map(({ guest }) => guest.host).join(", ");
  const message = `several virtual machines have the role of Portainer's primary: ${hosts}`;
  if (others.length > 0)
    problems.report("PHX0703", roleRef(primary), message, { related: others.map(roleRef) });
  return primary;
}

function roleRef({ cell }: GuestEntry): SourceRef {
  return (cell.get("portainer_role") ?? cell).ref;
}

export function readSettings(
  config: Cell,
  primary: GuestEntry,
  domain: string,
  problems: Problems,
): PortainerSettings | undefined {
  const { guest, cell } = primary;
  const service = cell.get("traefik_service")?.each[0];
  const declared = config.get("portainer_api")?.get("portainer_hostname");
  const serviceName = hostName(service?.get("name")?.text ?? "");
  const qualifiedName = serviceName === undefined ? undefined : qualified(serviceName, domain);
  const hostname = declared?.text === undefined ? qualifiedName : hostName(declared.text);
  if (hostname === undefined) {
    const hint = `"portainer_api": {"portainer_hostname": "portainer.${domain}"}`;
    if (declared !== undefined) problems.invalid("PHX0704", declared, "host name", hint);
    else problems.report("PHX0704", cell, "Portainer has no host name", { hint });
  }
  if (!isAddressed(guest))
    problems.report("PHX0212", guest.from, `${guest.host} runs Portainer, but has no fixed address`, {
      hint: "give it one in network_config.ip",
    });
  if (hostname === undefined || !isAddressed(guest)) return undefined;
  const port =
    config.get("network")?.get("portainer_server_port")?.integer ??
    service?.get("port")?.integer ??
    ports.portainer;
  return { guest, hostname, port };
}

/** The server's own Compose file: the stack with Portainer's image. It runs on the primary without Portainer's help. */
export function findServerStack(
  declared: ReadonlyMap<string, DeclaredStack>,
  assignments: readonly Assignment[],
  primary: GuestEntry,
  problems: Problems,
): DeclaredStack | undefined {
  const byImage = [...declared.values()].filter((stack) => isServer(stack.compose));
  // Where the image is a variable, the stack's name decides.
  const servers =
    byImage.length > 0 ? byImage : [...declared.values()].filter(({ name }) => /^portainer/i.test(name));
  const assigned = assignments.filter(
    ({ entry, declared: stack }) => entry === primary && servers.includes(stack),
  );
  const candidates = assigned.length > 0 ? assigned.map((one) => one.declared) : servers;
  const [server, ...others] = new Set(candidates);
  if (server !== undefined && others.length === 0) return server;
  const at = roleRef(primary);
  if (server === undefined)
    problems.report("PHX0706", at, "no Compose file declares Portainer's server", {
      hint: "write stacks/portainer_service/docker-compose.yml with the image portainer/portainer-ce",
    });
  else {
    const names = [server, ...others].map(({ name }) => name).join(", ");
    const hint = `name the right one in the docker_stacks of ${primary.guest.host}`;
    problems.report("PHX0706", at, `several stacks could be Portainer's server: ${names}`, { hint });
  }
  return undefined;
}

function isServer(compose: ComposeFile | undefined): boolean {
  if (compose === undefined || !/portainer/i.test(compose.text)) return false;
  const read = readCompose(compose.text, new Map()).compose;
  return read !== undefined && serverService(read) !== undefined;
}

function readAgentImage(config: Cell, problems: Problems): string {
  const cell = config.get("docker")?.get("portainer_agent_image");
  const image = cell?.text ?? "portainer/agent:latest";
  if (cell !== undefined && !imageReference.test(image))
    problems.invalid("PHX0105", cell, "image reference", "write it as registry/repository:tag");
  return image;
}

interface PortainerParts {
  readonly settings: PortainerSettings | undefined;
  readonly compose: ComposeFile | undefined;
  readonly environments: readonly PortainerEnvironment[];
}

export function settleMsOf(api: Cell | undefined): number {
  return (api?.get("settle_seconds")?.integer ?? settleSeconds) * 1000;
}

/** The administrator's password, an API key, or both; undefined with a problem without any. */
export async function readCredentials(
  config: Cell,
  secrets: SecretReader,
  problems: Problems,
): Promise<Pick<Portainer, "adminPassword" | "apiKey"> | undefined> {
  const api = config.get("portainer_api");
  const [written, keyWritten] = [api?.get("admin_password"), api?.get("api_key")];
  // Empty text is a placeholder: nothing was filled in.
  const password = written?.literal === "" ? undefined : written;
  const key = keyWritten?.literal === "" ? undefined : keyWritten;
  if (password === undefined && key === undefined) {
    problems.report("PHX0704", written ?? api ?? config, "Portainer's administrator has no password", {
      hint: '"portainer_api": {"admin_password": "file:/etc/phoenix/portainer-password"}',
    });
    return undefined;
  }
  const secret = password === undefined ? undefined : await secrets.read(password, true);
  const apiKey = key === undefined ? undefined : await secrets.read(key, true);
  const message = `Portainer refuses a new administrator's password of fewer than ${shortestPassword} characters`;
  if (password !== undefined && (secret?.length ?? shortestPassword) < shortestPassword)
    problems.report("PHX0705", password, message);
  if ((password !== undefined && secret === undefined) || (key !== undefined && apiKey === undefined))
    return undefined;
  return defined({ adminPassword: secret?.value, apiKey: apiKey?.value });
}

/** Stands for a share that is missing, which is reported. */
export function noShare(from: SourceRef): Share {
  return { name: "", server: "", path: "", mountPoint: "", from };
}

function noCertificate(from: SourceRef): Certificate {
  return { commonName: "", names: [], certPath: "", keyPath: "", owner: "root:root", mode: "600", from };
}

/**
 * Portainer with everything it needs; undefined without Portainer. What is missing is reported and left empty: names and
 * openings follow from the rest all the same.
 */
export async function readPortainer(
  config: Cell,
  { settings, compose, environments }: PortainerParts,
  certificates: readonly Certificate[],
  hypervisor: Hypervisor,
  secrets: SecretReader,
  problems: Problems,
): Promise<Portainer | undefined> {
  if (settings === undefined) return undefined;
  const agentImage = readAgentImage(config, problems);
  const credentials = await readCredentials(config, secrets, problems);
  const { host, from, shares } = settings.guest;
  const [share] = shares;
  if (share === undefined)
    problems.report("PHX0702", from, `${host} runs Portainer, but has no NFS volume for its files`, {
      hint: 'add one to its volumes: {"type": "nfs", "path": …, "mount_point": …}',
    });
  const certificate = certificates.find(({ serves }) => serves === "portainer");
  const api = config.get("portainer_api");
  const isWhole = credentials && share && compose && certificate;
  if (!isWhole && problems.errors === 0) return undefined;
  const served = certificate ?? noCertificate(from);
  const place = share ?? noShare(from);
  const inGuest = (path: string): string => pathOnShare(place, path, hypervisor) ?? path;
  return {
    ...settings,
    adminUser: api?.get("admin_user")?.text ?? "admin",
    ...credentials,
    compose: compose ?? { file: "", text: "" },
    share: place,
    certificate: {
      ...served,
      inGuest: { certPath: inGuest(served.certPath), keyPath: inGuest(served.keyPath) },
    },
    agentImage,
    registries: await readRegistries(config, secrets, problems),
    settleMs: settleMsOf(api),
    environments,
  };
}
