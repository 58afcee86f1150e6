/** The images that a site's virtual machines need, with the ports where each must answer. Pure. */
import { readCompose } from "../../src/formats/compose/index.ts";
import type { Site } from "../../src/model.ts";
import type { ServicePort, WantedImage } from "./images.ts";

export function siteImages({ portainer, stacks }: Site): readonly WantedImage[] {
  const own =
    portainer === undefined
      ? []
      : [{ name: portainer.agentImage, ports: [] }, ...composeImages(portainer.compose.text, new Map(), {})];
  const deployed = stacks.flatMap(({ compose, variables, labels }) => {
    const values = new Map(variables.map(({ name, value }) => [name, value.reveal()]));
    return composeImages(compose.text, values, labels);
  });
  return [...own, ...deployed];
}

/** @param injected labels that are added to the file's own, by service */
export function composeImages(
  text: string,
  variables: ReadonlyMap<string, string>,
  injected: Readonly<Record<string, readonly { readonly key: string; readonly value: string }[]>>,
): readonly WantedImage[] {
  const services = readCompose(text, variables).compose?.services ?? [];
  return services.flatMap(({ name, image, ports, labels }) => {
    if (image === undefined) return [];
    const routed = portsOfLabels([...labels, ...(injected[name] ?? [])]);
    const published = ports
      .filter(({ protocol }) => protocol === "tcp")
      .map(({ target }) => ({ port: target, tls: false }));
    return [{ name: image, ports: [...routed, ...published] }];
  });
}

/** Where Traefik's labels say that the service listens, and whether it wants TLS there. */
function portsOfLabels(
  labels: readonly { readonly key: string; readonly value: string }[],
): readonly ServicePort[] {
  const values = new Map(labels.map(({ key, value }) => [key.toLowerCase(), value]));
  return [...values].flatMap(([key, value]) => {
    const service = /^traefik\.http\.services\.(.+)\.loadbalancer\.server\.port$/.exec(key)?.[1];
    if (service === undefined || !/^\d+$/.test(value)) return [];
    const scheme = values.get(`traefik.http.services.${service}.loadbalancer.server.scheme`);
    return [{ port: Number(value), tls: scheme === "https" }];
  });
}
