/** Registries of the site as resources. Pure. */
import type { RegistryState } from "../../apis/portainer/index.ts";
import { defined } from "../../defined.ts";
import type { Portainer, PortainerRegistry } from "../../model.ts";
import { canonicalJson, type Resource, type ResourceId } from "../../resource.ts";
import type { Secret } from "../../secret.ts";

export function registryId({ name }: Pick<PortainerRegistry, "name">): ResourceId {
  return `portainer/registry-${name}`;
}

/** @param given the fingerprint of the password that Portainer was given; @param password itself, where it is known */
export function registryResource(
  { guest }: Portainer,
  { name, from }: PortainerRegistry,
  { url, username }: Pick<RegistryState, "url" | "username">,
  given: string,
  password?: Secret,
): Resource {
  const units = { url, user: username, password: `fingerprint ${given}` };
  const text = canonicalJson({ name, url, username, given });
  const places = Object.fromEntries(Object.keys(units).map((unit) => [unit, from]));
  const secrets = defined({ password });
  return { id: registryId({ name }), host: guest.host, text, units, from: places, secrets };
}

export function compileRegistries(portainer: Portainer): readonly Resource[] {
  return portainer.registries.map((each) =>
    registryResource(portainer, each, each, each.password.fingerprint(), each.password),
  );
}
