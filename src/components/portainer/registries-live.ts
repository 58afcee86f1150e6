/** Registries of the site in Portainer. Portainer shows no password, so a file on its machine has the fingerprint of the one that it was given. */
import type { RegistryState } from "../../apis/portainer/index.ts";
import type { Io } from "../../component.ts";
import { portainerDirectory } from "../../fabric/portainer-files.ts";
import { parseJson, textsOf } from "../../formats/json/index.ts";
import type { Portainer, PortainerRegistry } from "../../model.ts";
import { type Change, canonicalJson, type Resource } from "../../resource.ts";
import { registryResource } from "./registries.ts";
import { writePrivate } from "./secrets.ts";

const givenFile = `${portainerDirectory}/registries.json`;

/** The declared ones by their names. Others are not ours. */
export async function readRegistries(io: Io, portainer: Portainer): Promise<readonly Resource[]> {
  if (portainer.registries.length === 0) return [];
  const [live, given] = await Promise.all([io.apis.portainer.registries(), readGiven(io, portainer)]);
  return portainer.registries.flatMap((declared) => {
    const found = live.find(({ name }) => name === declared.name);
    return found === undefined
      ? []
      : [liveRegistry(portainer, declared, found, given[declared.name] ?? "unknown")];
  });
}

function liveRegistry(
  portainer: Portainer,
  declared: PortainerRegistry,
  found: RegistryState,
  given: string,
): Resource {
  const isSame = given === declared.password.fingerprint();
  return registryResource(portainer, declared, found, given, isSame ? declared.password : undefined);
}

async function readGiven(io: Io, { guest }: Portainer): Promise<Readonly<Record<string, string>>> {
  const files = await io.host(guest.host).readFiles([givenFile]);
  return textsOf(parseJson(files.get(givenFile)?.text ?? ""));
}

/** A rollback removes what was added; a password that was replaced is not known any more. */
export async function applyRegistry(
  change: Change,
  portainer: Portainer,
  registry: PortainerRegistry,
  io: Io,
): Promise<void> {
  const api = io.apis.portainer;
  const found = (await api.registries()).find(({ name }) => name === registry.name);
  if (change.verb === "delete") {
    if (found !== undefined) await api.deleteRegistry(found.id);
    return;
  }
  if (found === undefined) await api.createRegistry(registry);
  else await api.updateRegistry(found.id, registry);
  const given = { ...(await readGiven(io, portainer)), [registry.name]: registry.password.fingerprint() };
  const text = `${canonicalJson(given)}\n`;
  await writePrivate(io.host(portainer.guest.host), [
    { path: givenFile, text, mode: "600", owner: "root:root" },
  ]);
}
