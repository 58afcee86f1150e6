/** Which lines of the site Portainer's server, its agents, environments and registries follow from. */
import { explained, explainedFile } from "../../fabric/explained.ts";
import {
  aboutGuest,
  addressOrigin,
  certificatePathOrigins,
  environmentReason,
  guestOrigin,
  portainerNameOrigins,
  settingOrigin,
  shareOrigin,
} from "../../fabric/origins.ts";
import type { Portainer, PortainerEnvironment, PortainerRegistry, Site } from "../../model.ts";
import type { Explained, GeneratedText, LineReason, Origin, Reason } from "../../origin.ts";
import type { HostName, Resource } from "../../resource.ts";
import {
  administratorId,
  agentId,
  compile,
  composeOf,
  composePlaces,
  environmentId,
  paths,
  serverId,
  storageId,
  usesPasswordFile,
} from "./compile.ts";
import { registryId } from "./registries.ts";

export function explain(site: Site): readonly Explained[] {
  const { portainer } = site;
  if (portainer === undefined) return [];
  return compile(site).map((resource) => explainedResource(site, portainer, resource));
}

function explainedResource(site: Site, portainer: Portainer, resource: Resource): Explained {
  const { id } = resource;
  const why = serverReason(portainer);
  if (id === storageId) return storage(portainer, resource, why);
  if (id === serverId) return server(site, portainer, resource, why);
  if (id === administratorId) return administrator(site, resource, why);
  for (const registry of portainer.registries)
    if (id === registryId(registry)) return explained(resource, registryKnowledge(registry));
  for (const environment of portainer.environments) {
    if (id === agentId(environment)) return agent(site, environment, resource);
    if (id === environmentId(environment)) return registration(site, environment, resource);
  }
  return explained(resource, { why });
}

function serverReason({ guest, compose, hostname }: Portainer): Reason {
  return {
    origins: [
      {
        at: guest.from,
        keys: ["portainer_role"],
        says: `makes ${guest.host} (${guest.name}) Portainer's machine`,
      },
      { at: { file: compose.file, line: 1, column: 1 }, says: "is the server's Compose file" },
    ],
    about: [...aboutGuest(guest), `name:${hostname}`, `stack:${stackName(compose.file)}`],
  };
}

/** The directory of the server's Compose file. */
function stackName(file: string): string {
  return file.split("/").at(-2) ?? file;
}

function storage(portainer: Portainer, resource: Resource, why: Reason): Explained {
  const reason: Reason = {
    ...why,
    origins: [shareOrigin(portainer.guest, portainer.share), ...why.origins],
    note: "where the server keeps its files and its data",
  };
  return explained(resource, {
    why: reason,
    unitAt: ([section, name]) =>
      name === undefined
        ? undefined
        : section === "volumes"
          ? `volume ${name}`
          : Object.keys(resource.units).find((unit) => unit.endsWith(`/${name}`)),
  });
}

function server(site: Site, portainer: Portainer, resource: Resource, why: Reason): Explained {
  const { certificate } = portainer;
  const secret: Reason = {
    ...why,
    note: "a secret that Phoenix makes once, so that agents know their server",
  };
  const files: Reason = {
    ...why,
    origins: [...certificatePathOrigins(certificate), ...portOrigins(site), ...why.origins],
  };
  return explained(resource, {
    why,
    unit: (unit) => (unit === "agent secret" ? secret : unit === "files" ? files : why),
    unitAt: ([key]) =>
      key === "definition"
        ? "compose file"
        : key === "state"
          ? "container"
          : key === "secret"
            ? "agent secret"
            : key,
    files: [
      ...composeText(site, portainer, why),
      secretFile(portainer.guest.host, paths.serverEnvironment, "AGENT_SECRET=(secret)\n", {
        ...secret,
        unit: "files",
      }),
      ...(usesPasswordFile(portainer)
        ? [
            secretFile(portainer.guest.host, paths.adminPassword, "(secret)\n", {
              ...why,
              origins: passwordOrigins(site),
              unit: "files",
            }),
          ]
        : []),
    ],
  });
}

function portOrigins(site: Site): readonly Origin[] {
  return [settingOrigin(site, "Portainer's port", "network/portainer_server_port")];
}

function composeText(site: Site, portainer: Portainer, why: Reason): readonly GeneratedText[] {
  const found = composeOf(portainer);
  if ("fault" in found) return [];
  const { text, lines } = found.compose;
  const { written } = composePlaces(site, portainer);
  const { file } = portainer.compose;
  return [
    explainedFile(written.host, written.path, text, (line, at): LineReason => {
      const { source, path } = lines[at] ?? { path: [] };
      const base = { ...why, unit: "compose file" };
      const kept = why.origins.slice(0, 1);
      if (source !== undefined && !path.includes("command"))
        return {
          ...base,
          origins: [{ at: { file, line: source, column: 1 }, says: "is where it is written" }, ...kept],
        };
      return { ...base, ...addedLine(site, portainer, line, path) };
    }),
  ];
}

/** A line that Phoenix adds to the server's Compose file. */
function addedLine(
  site: Site,
  portainer: Portainer,
  line: string,
  path: readonly string[],
): Pick<Reason, "origins" | "note"> {
  const whole: Origin = {
    at: { file: portainer.compose.file, line: 1, column: 1 },
    says: "is the server's Compose file",
  };
  const certificate = certificatePathOrigins(portainer.certificate);
  const [, , key] = path;
  if (key === "ports")
    return { origins: portOrigins(site), note: "publishes the user interface and the API" };
  if (key === "env_file")
    return { origins: [whole], note: "the file with the secret that agents know their server by" };
  if (key === "labels")
    return { origins: [whole], note: "a fingerprint of the file: another one recreates the container" };
  if (/admin-password/.test(line))
    return { origins: passwordOrigins(site), note: "the administrator's password, of a new server" };
  if (key === "command" || key === "volumes")
    return { origins: [...certificate, whole], note: "the server's certificate, which a renewal replaces" };
  return { origins: [whole] };
}

function passwordOrigins(site: Site): readonly Origin[] {
  return [
    settingOrigin(site, "the administrator's password", "portainer_api/admin_password"),
    settingOrigin(site, "the administrator's name", "portainer_api/admin_user"),
  ];
}

function secretFile(host: HostName, path: string, text: string, reason: LineReason): GeneratedText {
  return { host, path, text, sensitive: true, lines: [reason] };
}

function administrator(site: Site, resource: Resource, why: Reason): Explained {
  const key: Origin = { ...settingOrigin(site, "the API key", "portainer_api/api_key"), optional: true };
  const reason: Reason = {
    ...why,
    origins: [...passwordOrigins(site), key, ...portainerNameOrigins(site), ...why.origins],
  };
  const [unit] = Object.keys(resource.units);
  return explained(resource, { why: reason, unitAt: () => unit });
}

function registryKnowledge({ name, from }: PortainerRegistry): Parameters<typeof explained>[1] {
  const reason = (says: string, key: string): Reason => ({
    origins: [{ at: from, keys: [key], says }],
    about: [`registry:${name}`],
  });
  const units: Readonly<Record<string, Reason>> = {
    url: reason("what the names of its images begin with", "url"),
    user: reason("the user that pulls", "username"),
    password: reason("the user's password", "password"),
  };
  return {
    why: reason("declares the registry", "name"),
    unit: (unit) => units[unit],
    unitAt: ([key]) => (key === "username" ? "user" : key === "given" ? "password" : key),
  };
}

function agent(site: Site, environment: PortainerEnvironment, resource: Resource): Explained {
  const why = environmentReason(environment);
  const image: Reason = {
    ...why,
    origins: [settingOrigin(site, "the agents' image", "docker/portainer_agent_image"), ...why.origins],
  };
  const port: Reason = {
    origins: [settingOrigin(site, "the agents' port", "network/portainer_agent_port"), ...why.origins],
    about: [...why.about, `port:${environment.guest.host}:${environment.port}`],
  };
  const secret: Reason = {
    ...why,
    note: "a secret that Phoenix makes once, so that agents know their server",
  };
  const units: Readonly<Record<string, Reason>> = { image, ports: port, "agent secret": secret };
  return explained(resource, {
    why,
    unit: (unit) => units[unit],
    unitAt: ([section, key]) =>
      section === "definition"
        ? key === "port"
          ? "ports"
          : key === "restart"
            ? "container"
            : key
        : section === "secret"
          ? "agent secret"
          : section === "state"
            ? "container"
            : section,
    files: [
      secretFile(environment.guest.host, paths.agentEnvironment, "AGENT_SECRET=(secret)\n", {
        ...secret,
        unit: "agent secret",
      }),
    ],
  });
}

function registration(site: Site, environment: PortainerEnvironment, resource: Resource): Explained {
  const why = environmentReason(environment);
  const { guest, port, kind } = environment;
  const url: Reason =
    kind === "local"
      ? { ...why, origins: [...why.origins, guestOrigin(guest)], note: "the server's own Docker socket" }
      : {
          origins: [
            addressOrigin(guest),
            settingOrigin(site, "the agents' port", "network/portainer_agent_port"),
            ...why.origins,
          ],
          about: [...why.about, `port:${guest.host}:${port}`],
        };
  const tls: Reason = {
    ...why,
    note: "an agent makes a new certificate at each start: it cannot be verified",
  };
  return explained(resource, {
    why,
    unit: (unit) => (unit === "url" ? url : unit === "TLS" ? tls : why),
    unitAt: ([key = ""]) => (key.startsWith("tls") ? "TLS" : key),
  });
}
