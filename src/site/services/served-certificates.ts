/** Which certificates the gateway and Portainer serve, with all their names, and the DNS records of the names of the other certificates. */
import { native, pathOnShare, spellingOf } from "../../fabric/guest-paths.ts";
import { gatewayNames } from "../../fabric/services.ts";
import { addressNumber } from "../../formats/ipv4/index.ts";
import type { Certificate, DnsRecord, Guest, Hypervisor, RoleGuest, Roles, Service } from "../../model.ts";
import type { SourceRef } from "../../resource.ts";
import type { Problems } from "../text/problems.ts";
import { sortedNames } from "./certificates.ts";

/** What `assignCertificates` needs. */
export interface Served {
  readonly hypervisor: Hypervisor;
  readonly roles: Roles;
  readonly services: readonly Service[];
  readonly portainer: { readonly guest: RoleGuest; readonly hostname: string } | undefined;
}

/**
 * Marks the certificates of the gateway and Portainer and adds every name that they serve.
 * @param at the manifest's place, for problems about a missing certificate; absent where the site has no manifest
 */
export function assignCertificates(
  certificates: readonly Certificate[],
  served: Served,
  at: SourceRef | undefined,
  problems: Problems,
): readonly Certificate[] {
  const gateway = gatewayEntry(certificates, served, at, problems);
  const portainer = portainerEntry(certificates, served, at, problems);
  return certificates.map((certificate) => {
    if (certificate === gateway?.certificate)
      return {
        ...certificate,
        ...gateway.paths,
        names: sortedNames([...certificate.names, ...gatewayNames(served)]),
        serves: "gateway" as const,
      };
    if (certificate === portainer && served.portainer !== undefined)
      return {
        ...certificate,
        names: sortedNames([...certificate.names, served.portainer.hostname, served.portainer.guest.address]),
        serves: "portainer" as const,
      };
    return certificate;
  });
}

interface GatewayEntry {
  readonly certificate: Certificate;
  readonly paths: { readonly certPath: string; readonly keyPath: string };
}

/** The entry whose files the gateway can read; among several the one with the gateway's own name. */
function gatewayEntry(
  certificates: readonly Certificate[],
  { hypervisor, roles: { gateway }, services }: Served,
  at: SourceRef | undefined,
  problems: Problems,
): GatewayEntry | undefined {
  if (gateway === undefined) return undefined;
  const visible = certificates.flatMap((certificate): readonly GatewayEntry[] => {
    const certPath = spellingOf(gateway, certificate.certPath, hypervisor);
    const keyPath = spellingOf(gateway, certificate.keyPath, hypervisor);
    return certPath === undefined || keyPath === undefined
      ? []
      : [{ certificate, paths: { certPath, keyPath } }];
  });
  const ownNames = services.filter(({ guest }) => guest.host === gateway.host).flatMap(({ names }) => names);
  const own = gateway.name.toLowerCase().split(/[^a-z0-9]+/);
  const namesGateway = ({ commonName }: Certificate): boolean =>
    ownNames.includes(commonName) || own.includes(commonName.split(".")[0] ?? "");
  const named = visible.filter(({ certificate }) => namesGateway(certificate));
  const [entry, ...others] = named.length > 0 ? named : visible;
  if (entry !== undefined && others.length === 0) return entry;
  if (entry !== undefined)
    return problems.report("PHX0607", entry.certificate.from, "several certificates could be the gateway's", {
      related: others.map(({ certificate }) => certificate.from),
      hint: `keep only one of them below the mount points of ${gateway.host}`,
    });
  const meant = certificates.find(namesGateway);
  const hint = `its cert_path and key_path must be below a mount point of ${gateway.host} (${gateway.name})`;
  if (meant === undefined)
    problems.report("PHX0605", at ?? gateway.from, "the manifest has no certificate for the gateway", {
      hint,
    });
  else
    problems.report("PHX0606", meant.from, `${gateway.host} cannot read ${meant.keyPath}`, {
      related: [gateway.from],
      hint,
    });
  return undefined;
}

function portainerEntry(
  certificates: readonly Certificate[],
  { hypervisor, portainer }: Served,
  at: SourceRef | undefined,
  problems: Problems,
): Certificate | undefined {
  const [share] = portainer?.guest.shares ?? [];
  if (portainer === undefined || share === undefined) return undefined;
  const { hostname, guest } = portainer;
  const { host } = guest;
  const fitting = certificates.filter(({ certPath, keyPath }) =>
    [certPath, keyPath].every((path) => pathOnShare(share, path, hypervisor) !== undefined),
  );
  const named = fitting.filter(({ names }) => names.includes(hostname));
  const [entry, ...others] = named.length > 0 ? named : fitting;
  if (entry !== undefined && others.length === 0) return entry;
  if (entry !== undefined)
    problems.report("PHX0607", entry.from, "several certificates could be Portainer's", {
      related: others.map(({ from }) => from),
      hint: `keep only one that names ${hostname} on the share ${share.path}`,
    });
  else if (share.server !== hypervisor.address) {
    const message = `Portainer's certificate cannot be on the share of ${host}: its NFS server is ${share.server}, not the hypervisor, ${hypervisor.address}`;
    const hint = `make the first NFS volume of ${host} a directory of the hypervisor: "server": "${hypervisor.address}"`;
    problems.report("PHX0708", share.from, message, { related: at === undefined ? [] : [at], hint });
  } else
    problems.report(
      "PHX0708",
      at ?? guest.from,
      `the manifest has no certificate for Portainer, ${hostname}`,
      {
        related: [share.from],
        hint: `its cert_path and key_path must be on the share of ${host}: ${hypervisor.mountBase}${native(share.path, hypervisor)}/portainer/certs/…`,
      },
    );
  return undefined;
}

/**
 * Records for the names of a certificate that no service and no record has: they get the address of the container that can
 * read the certificate. There are none where several containers can.
 */
export function certificateRecords(
  certificates: readonly Certificate[],
  guests: readonly Guest[],
  hypervisor: Hypervisor,
  known: ReadonlySet<string>,
): readonly DnsRecord[] {
  const mounting = guests.filter(({ mounts, template }) => mounts.length > 0 && !template);
  return certificates.flatMap(({ names, certPath, serves, from }) => {
    if (serves !== undefined) return [];
    const [guest, ...others] = mounting.filter((one) => spellingOf(one, certPath, hypervisor) !== undefined);
    const address = guest?.address;
    if (address === undefined || others.length > 0) return [];
    return names
      .filter((name) => !known.has(name) && !name.startsWith("*.") && addressNumber(name) === undefined)
      .map((name) => ({ name, address, from }));
  });
}
