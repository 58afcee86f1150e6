/** Who serves a certificate, as a client reaches it. */
import { gatewayNames } from "../../fabric/services.ts";
import type { Certificate, Site } from "../../model.ts";
import type { GuestName } from "../../resource.ts";

export interface Server {
  readonly host: GuestName;
  readonly address: string;
  readonly port: number;
  /** A name of the certificate that the server serves it for. */
  readonly servername: string;
}

/** undefined where the site does not tell who serves it. */
export function serverOf(site: Site, { serves, commonName, names }: Certificate): Server | undefined {
  const { portainer, roles } = site;
  if (serves === "portainer" && portainer !== undefined) {
    const { guest, port, hostname } = portainer;
    return { host: guest.host, address: guest.address, port, servername: hostname };
  }
  if (serves !== "gateway" || roles.gateway === undefined) return undefined;
  const servername = gatewayNames(site).find((name) => names.includes(name)) ?? commonName;
  return { host: roles.gateway.host, address: roles.gateway.address, port: 443, servername };
}
