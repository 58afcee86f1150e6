/** What the gateway should serve: every name in the list of services with its options, all forwarded to the mesh. */

import { roleOf } from "../../fabric/declared.ts";
import { pathInGuest } from "../../fabric/guests.ts";
import { gatewayNames } from "../../fabric/services.ts";
import {
  configurationHash,
  type GatewayServer,
  gatewayConfig,
  gatewayUnits,
} from "../../formats/nginx/index.ts";
import type { FileState } from "../../hosts/host.ts";
import { type Certificate, defaultServiceOptions, type ServiceOptions, type Site } from "../../model.ts";
import type { Resource, ResourceId } from "../../resource.ts";
import { countWords, serviceResource } from "../resources.ts";

export const serviceId = "nginx/service";

export const paths = {
  available: "/etc/nginx/sites-available/gateway",
  enabled: "/etc/nginx/sites-enabled/gateway",
  distribution: "/etc/nginx/sites-enabled/default",
} as const;

/** The mesh's plain HTTP entry point. */
const meshPort = 80;

export function compile(site: Site): readonly Resource[] {
  const certificate = gatewayCertificate(site);
  if (certificate === undefined) return [];
  return [
    gatewayResource(
      site,
      gatewayConfig({
        mesh: { address: roleOf(site, "mesh").address, port: meshPort },
        certificate: certificate.inGuest,
        servers: serversOf(site),
      }),
    ),
    linkResource(site, "nginx/enabled", paths.available),
    linkResource(site, "nginx/distribution-site", undefined),
    serviceResource(serviceId, roleOf(site, "gateway").host, { active: true, enabled: true }),
  ];
}

/** The certificate that the gateway serves, with its paths inside the gateway guest. */
export function gatewayCertificate(
  site: Site,
): (Certificate & { inGuest: { certPath: string; keyPath: string } }) | undefined {
  const { gateway } = site.roles;
  if (gateway === undefined) return undefined;
  for (const certificate of site.certificates) {
    if (certificate.serves !== "gateway") continue;
    const certPath = pathInGuest(gateway, certificate.certPath);
    const keyPath = pathInGuest(gateway, certificate.keyPath);
    if (certPath !== undefined && keyPath !== undefined)
      return { ...certificate, inGuest: { certPath, keyPath } };
  }
  return undefined;
}

function serversOf(site: Site): readonly GatewayServer[] {
  const options = new Map(
    site.services.flatMap((service) => service.names.map((name) => [name, service.options])),
  );
  const servers = new Map<string, { names: string[]; options: ServiceOptions }>();
  for (const name of gatewayNames(site)) {
    const wanted = options.get(name) ?? defaultServiceOptions;
    const key = `${wanted.maxBodyBytes} ${wanted.readTimeoutSeconds} ${wanted.buffering}`;
    const server = servers.get(key) ?? { names: [], options: wanted };
    server.names.push(name);
    servers.set(key, server);
  }
  return [...servers.values()].map((server) => ({ names: server.names, ...server.options }));
}

export function gatewayResource(site: Site, text: string): Resource {
  const from = Object.fromEntries(
    site.services.flatMap(({ names, from }) => names.map((name) => [name, from])),
  );
  const summary = countWords(gatewayNames(site).length, "name");
  const host = roleOf(site, "gateway").host;
  return { id: "nginx/gateway", host, text, units: gatewayUnits(text), summary, from };
}

/** A symbolic link in sites-enabled; without a target it must be absent. */
export function linkResource(site: Site, id: ResourceId, target: string | undefined): Resource {
  const link = id === "nginx/enabled" ? paths.enabled : paths.distribution;
  return {
    id,
    host: roleOf(site, "gateway").host,
    text: target === undefined ? "not enabled" : `enabled: ${target}`,
    units: { [link]: target === undefined ? "absent" : `a link to ${target}` },
  };
}

/** Debian's own site, as it is enabled on installation; what people put in its place is theirs. */
export function isDistribution(file: FileState | undefined): boolean {
  return file?.link !== undefined && /^(\/etc\/nginx|\.\.)\/sites-available\/default$/.test(file.link);
}

/** The target in the text of a link resource. */
export function targetOf(resource: Resource): string | undefined {
  return /^enabled: (.*)$/s.exec(resource.text)?.[1];
}

/** The hash that the gateway serves once it runs this site's configuration. */
export function expectedHash(site: Site): string | undefined {
  const text = compile(site).find(({ id }) => id === "nginx/gateway")?.text;
  return text === undefined ? undefined : configurationHash(text);
}
