/** From the cells of all files to one Site: every reference resolved, every default filled in. */
import { defined } from "../defined.ts";
import { spellingOf } from "../fabric/guest-paths.ts";
import { frontAddress } from "../fabric/services.ts";
import type { Certificate, Dns, Guest, Hypervisor, Roles, Service, Site } from "../model.ts";
import { readFirewall } from "./firewall/index.ts";
import { checkDomain, checkHalves } from "./halves.ts";
import { readHostName } from "./machines/addresses.ts";
import { checkStandby, readGatewayPair } from "./machines/gateways.ts";
import { checkGuests, checkReferences } from "./machines/guest-checks.ts";
import { type GuestEntry, guestsIn, readGuests } from "./machines/guests.ts";
import { readDns, readDomain, readHypervisor } from "./machines/hypervisor.ts";
import { findRoles, type RoleNeed, showsRole } from "./machines/roles.ts";
import { readMetrics, readNotices } from "./notices.ts";
import type { SecretReader } from "./secrets/index.ts";
import { readAuthority } from "./services/authority.ts";
import { checkHooks, readCertificates } from "./services/certificates.ts";
import { assignCertificates, certificateRecords } from "./services/served-certificates.ts";
import { checkRecords, readServices } from "./services/services.ts";
import { siteFiles } from "./shapes/files.ts";
import { type Assignment, readAssignments, withStackRules } from "./stacks/assignments.ts";
import { readExternalPortainer } from "./stacks/external-portainer.ts";
import type { DeclaredStack } from "./stacks/files.ts";
import { agentPortOf, readPortainer } from "./stacks/portainer.ts";
import { type Docker, readDocker } from "./stacks/resolve-docker.ts";
import { type DeclaredSwarm, readSwarms, swarmsOf } from "./stacks/swarms.ts";
import type { Cell } from "./text/cell.ts";
import type { Problems } from "./text/problems.ts";
import type { SiteFiles } from "./text/source-file.ts";
import { readUnattended } from "./unattended.ts";

/** The files of a site; undefined for those that could not be read. */
export interface SiteCells {
  readonly root: string;
  readonly config: Cell | undefined;
  readonly lxc: Cell | undefined;
  readonly vms: Cell | undefined;
  readonly manifest: Cell | undefined;
  readonly stacks: ReadonlyMap<string, DeclaredStack>;
}

/** Replaces a domain that could not be read, so that the rest is still checked (RFC 2606). */
const noDomain = "invalid";

/** The site; undefined when too little of it can be understood. Everything that is wrong is reported. */
export async function resolveSite(
  cells: SiteCells,
  files: SiteFiles,
  secrets: SecretReader,
  problems: Problems,
): Promise<Site | undefined> {
  const { config, manifest } = cells;
  const hypervisor = config === undefined ? undefined : readHypervisor(config, problems);
  const { entries, assignments, swarms } = readMachines(cells, hypervisor, problems);
  const certificates = readCertificates(manifest, problems);
  const domain = (config && readDomain(config, problems)) ?? noDomain;
  const docker = await readDocker(
    { entries, assignments, swarms, stacks: cells.stacks, config, hasMachines: cells.vms !== undefined },
    domain,
    { files, secrets, problems },
  );
  if (config === undefined) return undefined;
  const firewall = readFirewall(config, filteredGuest(entries), problems);
  const dns = readDns(config, domain, hypervisor, recordsOf(entries), problems);
  const caName = readHostName(config.get("step_ca")?.get("dns_name"), problems);
  const roles = rolesOf(cells, { entries, certificates, docker, hypervisor }, caName, domain, problems);
  if (hypervisor === undefined || roles === undefined) return undefined;
  const gatewayPair = readGatewayPair(config, entries, roles, hypervisor, problems);
  const ca = roles.ca && readAuthority(config, domain, caName, roles.ca, entries, problems);
  const fabric = { domain, roles, ca, portainer: docker.settings, agentPort: agentPortOf(config) };
  const services = readServices(entries, docker.services, fabric, problems);
  checkRecords(dns?.records ?? [], services, frontAddress({ roles, ...defined({ gatewayPair }) }), problems);
  const served = { hypervisor, roles, services, portainer: docker.settings };
  const manifestAt = files.sources.has(siteFiles.certificates) ? manifest?.ref : undefined;
  const assigned =
    manifest === undefined ? [] : assignCertificates(certificates, served, manifestAt, problems);
  checkHalves({ roles, services, certificates, caSettings: config.get("step_ca")?.keyRef }, problems);
  const guests = entries.map(({ guest }) => guest);
  checkStandby(assigned, gatewayPair, problems);
  checkHooks(certificates, guests, problems);
  const records = [
    ...(dns?.records ?? []),
    ...certificateRecords(assigned, guests, hypervisor, knownNames(services, dns)),
  ];
  const portainer = await readPortainer(config, docker, assigned, hypervisor, secrets, problems);
  const externalPortainer = await readExternalPortainer(config, docker.primary, secrets, problems);
  const notices = await readNotices(config, secrets, problems);
  checkDomain(config, [dns?.enabled, services[0], ca, portainer], problems);
  return {
    root: cells.root,
    domain,
    hypervisor,
    guests,
    roles,
    ...defined({ gatewayPair, dns: dns && { ...dns, records }, firewall, ca, externalPortainer }),
    ...defined({ unattended: readUnattended(config, problems) }),
    certificates: assigned,
    portainer,
    services,
    stacks: docker.stacks,
    swarms: swarmsOf(swarms, entries),
    ...(notices.length === 0 ? {} : { notices }),
    ...defined({ metrics: readMetrics(config, problems) }),
  };
}

/** The first guest that is filtered, and the place that says so. */
function filteredGuest(entries: readonly GuestEntry[]) {
  const found = entries.find(({ guest }) => guest.firewall?.enabled === true && !guest.template);
  return found && { host: found.guest.host, at: found.cell.get("firewall")?.ref };
}

/** Names that certificates need no records for. */
function knownNames(services: readonly Service[], dns: Dns | undefined): ReadonlySet<string> {
  return new Set([
    ...services.flatMap(({ names }) => names),
    ...(dns?.records ?? []).map(({ name }) => name),
  ]);
}

interface Machines {
  readonly entries: readonly GuestEntry[];
  readonly swarms: readonly DeclaredSwarm[];
  readonly assignments: readonly Assignment[];
}

function readMachines(
  { config, lxc, vms, stacks }: SiteCells,
  hypervisor: Hypervisor | undefined,
  problems: Problems,
): Machines {
  const network = config?.get("network");
  const around = { hypervisor, nfsServer: network?.get("nfs_server")?.text, problems };
  const containers = lxc === undefined ? undefined : guestsIn(lxc, "lxc_configs");
  const machines = vms === undefined ? undefined : guestsIn(vms, "vms");
  const entries = [...readGuests(containers, "lxc", around), ...readGuests(machines, "vm", around)];
  const router = network?.get("interfaces")?.each.flatMap((one) => one.get("gateway") ?? [])[0];
  checkGuests(entries, hypervisor, router, problems);
  // A file that cannot be read is reported; what it would have declared is not unknown.
  if (lxc !== undefined && vms !== undefined)
    checkReferences(entries, config?.get("shared_volumes"), problems);
  const swarms = readSwarms(entries, config, problems);
  const assignments = readAssignments(entries, swarms, stacks, problems);
  return { ...withStackRules(entries, assignments, problems), swarms };
}

function recordsOf(
  entries: readonly GuestEntry[],
): readonly { readonly records: Cell; readonly address: string | undefined }[] {
  return entries.flatMap(({ cell, guest }) => {
    const records = cell.get("dns_records");
    return records === undefined ? [] : [{ records, address: guest.address }];
  });
}

/** What a site can need a role for. */
interface Needs {
  readonly entries: readonly GuestEntry[];
  readonly certificates: readonly Certificate[];
  readonly docker: Pick<Docker, "services" | "settings">;
  readonly hypervisor: Hypervisor | undefined;
}

function rolesOf(
  { lxc, config }: SiteCells,
  { entries, certificates, docker, hypervisor }: Needs,
  caName: string | undefined,
  domain: string,
  problems: Problems,
): Roles | undefined {
  // When the containers' file cannot be read, what it would have declared is not reported as missing.
  if (lxc === undefined) return undefined;
  const isRouted =
    docker.services.some(({ path }) => path === "routed") ||
    entries.some(
      (entry) =>
        !entry.guest.template &&
        entry.guest.portainerRole !== "primary" &&
        offersService(entry) &&
        !showsRole(entry),
    );
  const isIssued =
    certificates.length > 0 ||
    docker.settings !== undefined ||
    config?.get("step_ca") !== undefined ||
    entries.some(({ cell }) => cell.get("bootstrap_ca_url") !== undefined);
  const seesCertificate = (guest: Guest): boolean =>
    hypervisor !== undefined &&
    certificates.some(({ certPath }) => spellingOf(guest, certPath, hypervisor) !== undefined);
  const isNeeded: RoleNeed = (role, guest) => {
    if (role === "ca") return isIssued;
    return isRouted || (role === "gateway" && seesCertificate(guest));
  };
  return findRoles(entries, caName, domain, isNeeded, problems);
}

function offersService({ cell }: GuestEntry): boolean {
  return (cell.get("traefik_service")?.each ?? []).some((service) => service.get("external")?.flag !== true);
}
