/** What registries answer to a pull. Pure. */
import { DockerError } from "./state.ts";

export interface RegistryCredentials {
  readonly username: string;
  readonly password: string;
}

/** What the lab's private registry knows its user by. */
export const privateRegistry = {
  host: "private.example.net:5000",
  username: "puller",
  password: "the token of the puller",
} as const;

/**
 * Every image can be had but those with "missing" in their name; those of the private registry with its user's password.
 * @throws DockerError in the daemon's words (26.1)
 */
export function refusePull(reference: string, credentials: RegistryCredentials | undefined): void {
  const [name = "", tag = ""] = reference.split(/[:@](?!.*\/)/);
  if (name.startsWith(`${privateRegistry.host}/`)) {
    const url = `https://${privateRegistry.host}/v2${name.slice(privateRegistry.host.length)}/manifests/${tag}`;
    const { username, password } = privateRegistry;
    if (credentials === undefined) throw new DockerError(500, `Head "${url}": no basic auth credentials`);
    if (credentials.username !== username || credentials.password !== password)
      throw new DockerError(500, `Head "${url}": unauthorized: authentication required`);
  }
  if (reference.includes("missing"))
    throw new DockerError(
      404,
      `pull access denied for ${name}, repository does not exist or may require 'docker login': denied: requested access to the resource is denied`,
    );
}
