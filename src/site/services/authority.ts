/** The CA: its address, its provisioner, and where its root certificate and the provisioner's password may be. */
import { ports } from "../../fabric/ports.ts";
import type { CertificateAuthority, HostPath, Mount, RoleGuest } from "../../model.ts";
import { hostName, qualified } from "../machines/addresses.ts";
import { absolute, type GuestEntry } from "../machines/guests.ts";
import type { Cell } from "../text/cell.ts";
import type { Problems } from "../text/problems.ts";

/** Names of the files: the ones of the original shell system first, then those of `step ca init`. */
const rootNames = ["phoenix_root_ca.crt", "root_ca.crt", "certs/root_ca.crt"];
const passwordNames = [
  "provisioner_password.txt",
  "secrets/provisioner_password.txt",
  "secrets/password.txt",
  "password.txt",
];
/** Directories of the CA in its guest, besides mounted ones. */
const ownDirectories = ["/etc/step-ca/ssl", "/root/.step", "/etc/step-ca"];

export function readAuthority(
  config: Cell,
  domain: string,
  declaredName: string | undefined,
  ca: RoleGuest,
  entries: readonly GuestEntry[],
  problems: Problems,
): CertificateAuthority {
  const settings = config.get("step_ca");
  const service = entries.find(({ guest }) => guest.host === ca.host)?.cell.get("traefik_service")?.each[0];
  const serviceName = hostName(service?.get("name")?.text ?? "");
  const port =
    settings?.get("port")?.integer ??
    service?.get("port")?.integer ??
    bootstrapPort(entries, ca.address) ??
    ports.ca;
  const hostname = declaredName ?? qualified(serviceName ?? "ca", domain);
  const rootFile = absolute(settings?.get("root_certificate_file"), problems);
  const passwordFile = absolute(settings?.get("provisioner_password_file"), problems);
  return {
    url: `https://${ca.address}:${port}`,
    hostname,
    port,
    provisioner: settings?.get("provisioner_name")?.text ?? `admin@${domain}`,
    rootFiles: candidates(ca, rootFile, rootNames),
    passwordFiles: candidates(ca, passwordFile, passwordNames),
  };
}

/** The port in a guest's `bootstrap_ca_url` that names the CA's address. */
function bootstrapPort(entries: readonly GuestEntry[], address: string): number | undefined {
  for (const { cell } of entries) {
    const [, host, port] = /^https:\/\/([^/:]+):(\d+)/.exec(cell.get("bootstrap_ca_url")?.text ?? "") ?? [];
    if (host === address && port !== undefined) return Number(port);
  }
  return undefined;
}

/** Where the root certificate may be without a declaration. */
export function rootPlaces(ca: Pick<RoleGuest, "host" | "mounts">): readonly HostPath[] {
  return candidates(ca, undefined, rootNames);
}

/** Where the provisioner's password may be without a declaration. */
export function passwordPlaces(ca: Pick<RoleGuest, "host" | "mounts">): readonly HostPath[] {
  return candidates(ca, undefined, passwordNames);
}

/** Mount points on the hypervisor come first: reading a file there does not need a running guest. */
function candidates(
  ca: Pick<RoleGuest, "host" | "mounts">,
  declared: string | undefined,
  names: readonly string[],
): readonly HostPath[] {
  const mounts = ca.mounts.filter(isOfCa);
  const files: readonly HostPath[] = [
    ...(declared === undefined ? [] : [{ host: "pve" as const, path: declared }]),
    ...mounts.flatMap(({ hostPath }) =>
      names.map((name) => ({ host: "pve" as const, path: `${hostPath}/${name}` })),
    ),
    ...[...mounts.map(({ guestPath }) => guestPath), ...ownDirectories].flatMap((directory) =>
      names.map((name) => ({ host: ca.host, path: `${directory}/${name}` })),
    ),
  ];
  return [...new Map(files.map((file) => [`${file.host} ${file.path}`, file])).values()];
}

function isOfCa({ guestPath }: Mount): boolean {
  return /(?:step|\bca\b|ssl|cert|pki)/i.test(guestPath);
}
