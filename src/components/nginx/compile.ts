/** What the gateway should serve: every name of the one list, each with its treatment, all passed on to the mesh. */
import {
  configurationHash,
  type GatewayServer,
  gatewayConfig,
  gatewayUnits,
} from "../../formats/nginx/index.ts";
import { type Certificate, gatewayNames, pathInGuest, type ServiceOptions, type Site } from "../../model.ts";
import { canonicalJson, type Resource, type ResourceId } from "../../resource.ts";

export const paths = {
  available: "/etc/nginx/sites-available/gateway",
  enabled: "/etc/nginx/sites-enabled/gateway",
  distribution: "/etc/nginx/sites-enabled/default",
} as const;

/** The mesh's plain HTTP entry point. */
export const meshPort = 80;

/** A body limit and a patience that suit uploads, consoles and streams; used for names without a service of their own. */
const defaults: ServiceOptions = { maxBodyBytes: 0, readTimeoutSeconds: 3600, buffering: false };

export function compile(site: Site): readonly Resource[] {
  const certificate = gatewayCertificate(site);
  if (certificate === undefined) return [];
  return [
    gatewayResource(
      site,
      gatewayConfig({
        mesh: { address: site.roles.mesh.address, port: meshPort },
        certificate: certificate.inGuest,
        servers: serversOf(site),
      }),
    ),
    linkResource(site, "nginx/enabled", paths.available),
    linkResource(site, "nginx/distribution-site", undefined),
    serviceResource(site, { active: true, enabled: true }),
  ];
}

/** The certificate that the gateway serves, with its paths as the gateway sees them. */
export function gatewayCertificate(
  site: Site,
): (Certificate & { inGuest: { certPath: string; keyPath: string } }) | undefined {
  for (const certificate of site.certificates) {
    if (certificate.serves !== "gateway") continue;
    const certPath = pathInGuest(site.roles.gateway, certificate.certPath);
    const keyPath = pathInGuest(site.roles.gateway, certificate.keyPath);
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
    const wanted = options.get(name) ?? defaults;
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
  return { id: "nginx/gateway", host: site.roles.gateway.host, text, units: gatewayUnits(text), from };
}

/** A symbolic link in sites-enabled, or its declared absence. */
export function linkResource(site: Site, id: ResourceId, target: string | undefined): Resource {
  const state = target === undefined ? "not enabled" : `enabled: ${target}`;
  return { id, host: site.roles.gateway.host, text: state, units: { [id.slice("nginx/".length)]: state } };
}

/** The target that a link resource's text names. */
export function targetOf(resource: Resource): string | undefined {
  return /^enabled: (.*)$/s.exec(resource.text)?.[1];
}

export function serviceResource(site: Site, state: { active: boolean; enabled: boolean }): Resource {
  const units = { running: state.active ? "yes" : "no", "starts at boot": state.enabled ? "yes" : "no" };
  return { id: "nginx/service", host: site.roles.gateway.host, text: canonicalJson(state), units };
}

/** The hash that a gateway serves once it runs this site's configuration. */
export function expectedHash(site: Site): string | undefined {
  const text = compile(site).find(({ id }) => id === "nginx/gateway")?.text;
  return text === undefined ? undefined : configurationHash(text);
}
