/** Portainer's server, which the site declares as a Compose file: found by its image. */
import { type Compose, type ComposeService, readCompose } from "../formats/compose/index.ts";

/** The Compose project that the server runs in. */
export const serverProject = "portainer";

/** The name of an agent's container. */
export const agentContainer = "portainer_agent";

/** The label that the containers of the server and of its agents have from Phoenix: their definition. */
export const definitionLabel = "phoenix.definition";

/** An image of Portainer's server, of either edition. */
export const serverImage = /(?:^|\/)portainer\/portainer(?:-ce|-ee)?(?:[:@]|$)/;

/** The service that runs the server; undefined when none of them does. */
export function serverService({ services }: Compose): ComposeService | undefined {
  return services.find(({ image = "" }) => serverImage.test(image));
}

/** The name of the container that runs the server; undefined when the Compose file declares none. */
export function serverContainer(text: string): string | undefined {
  const { compose } = readCompose(text, new Map(), serverProject);
  const service = compose === undefined ? undefined : serverService(compose);
  return service === undefined ? undefined : containerName(service);
}

/** The container's name, as Compose chooses it where the file does not. */
export function containerName({ name, containerName: declared }: ComposeService): string {
  return declared ?? `${serverProject}-${name}-1`;
}
