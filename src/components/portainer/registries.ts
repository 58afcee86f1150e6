/** Registries of the site as resources. Pure. */
import type { RegistryState } from "../../apis/portainer/index.ts";
import type { Portainer, PortainerRegistry } from "../../model.ts";
import { canonicalJson, type Resource, type ResourceId } from "../../resource.ts";

export function registryId({ name }: Pick<PortainerRegistry, "name">): ResourceId {
  return `portainer/registry-${name}`;
}

/** @param given the fingerprint of the password that Portainer was given */
export function registryResource(
  { guest }: Portainer,
  { name, from }: PortainerRegistry,
  { url, username }: Pick<RegistryState, "url" | "username">,
  given: string,
): Resource {
  const units = { url, user: username, password: `fingerprint ${given}` };
  const text = canonicalJson({ name, url, username, given });
  const places = Object.fromEntries(Object.keys(units).map((unit) => [unit, from]));
  return { id: registryId({ name }), host: guest.host, text, units, from: places };
}

export function compileRegistries(portainer: Portainer): readonly Resource[] {
  return portainer.registries.map((each) =>
    registryResource(portainer, each, each, each.password.fingerprint()),
  );
}
