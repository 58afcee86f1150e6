/** From the cells of all files to one Site: every reference resolved, every default filled in. */
import type { Hypervisor, Roles, Site } from "../model.ts";
import { readFirewall } from "./firewall/index.ts";
import { readHostName } from "./machines/addresses.ts";
import { checkGuests, checkReferences } from "./machines/guest-checks.ts";
import { type GuestEntry, guestsIn, readGuests } from "./machines/guests.ts";
import { readDns, readDomain, readHypervisor } from "./machines/hypervisor.ts";
import { findRoles } from "./machines/roles.ts";
import type { SecretReader } from "./secrets/index.ts";
import { readAuthority } from "./services/authority.ts";
import { checkHooks, readCertificates } from "./services/certificates.ts";
import { assignCertificates, certificateRecords } from "./services/served-certificates.ts";
import { checkRecords, readServices } from "./services/services.ts";
import { type Assignment, readAssignments, withStackRules } from "./stacks/assignments.ts";
import type { DeclaredStack } from "./stacks/files.ts";
import { agentPortOf, readPortainer } from "./stacks/portainer.ts";
import { readDocker } from "./stacks/resolve-docker.ts";
import type { Cell } from "./text/cell.ts";
import type { Problems } from "./text/problems.ts";
import type { SiteFiles } from "./text/source-file.ts";

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
  const { entries, assignments } = withStackRules(...readMachines(cells, hypervisor, problems), problems);
  const certificates = readCertificates(manifest, problems);
  const domain = config === undefined ? undefined : readDomain(config, problems);
  const docker = await readDocker(
    { entries, assignments, stacks: cells.stacks, config, hasMachines: cells.vms !== undefined },
    domain ?? noDomain,
    { files, secrets, problems },
  );
  if (config === undefined) return undefined;
  const firewall = readFirewall(config, problems);
  const dns = readDns(config, domain ?? noDomain, hypervisor, recordsOf(entries), problems);
  const caName = readHostName(config.get("step_ca")?.get("dns_name"), problems);
  const roles = rolesOf(cells, entries, caName, domain ?? noDomain, problems);
  if (domain === undefined || hypervisor === undefined || roles === undefined) return undefined;

  const ca = readAuthority(config, domain, caName, roles, entries, problems);
  const fabric = { domain, roles, ca, portainer: docker.settings, agentPort: agentPortOf(config) };
  const services = readServices(entries, docker.services, fabric, problems);
  checkRecords(dns.records, services, roles.gateway.address, problems);
  const served = { hypervisor, roles, services, portainer: docker.settings };
  const assigned =
    manifest === undefined ? [] : assignCertificates(certificates, served, manifest.ref, problems);
  const guests = entries.map(({ guest }) => guest);
  checkHooks(certificates, guests, problems);
  const known = new Set([...services.flatMap(({ names }) => names), ...dns.records.map(({ name }) => name)]);
  const records = [...dns.records, ...certificateRecords(assigned, guests, hypervisor, known)];
  const portainer = await readPortainer(config, docker, assigned, hypervisor, secrets, problems);
  if (firewall === undefined) return undefined;
  return {
    root: cells.root,
    domain,
    hypervisor,
    guests,
    roles,
    dns: { ...dns, records },
    firewall,
    ca,
    certificates: assigned,
    portainer,
    services,
    stacks: docker.stacks,
  };
}

function readMachines(
  { config, lxc, vms, stacks }: SiteCells,
  hypervisor: Hypervisor | undefined,
  problems: Problems,
): readonly [readonly GuestEntry[], readonly Assignment[]] {
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
  return [entries, readAssignments(entries, stacks, problems)];
}

function recordsOf(
  entries: readonly GuestEntry[],
): readonly { readonly records: Cell; readonly address: string | undefined }[] {
  return entries.flatMap(({ cell, guest }) => {
    const records = cell.get("dns_records");
    return records === undefined ? [] : [{ records, address: guest.address }];
  });
}

function rolesOf(
  { lxc }: SiteCells,
  entries: readonly GuestEntry[],
  caName: string | undefined,
  domain: string,
  problems: Problems,
): Roles | undefined {
  // When the containers' file is missing, the roles are not reported too.
  if (lxc === undefined) return undefined;
  const at = (guestsIn(lxc, "lxc_configs") ?? lxc).ref;
  return findRoles(entries, caName, domain, at, problems);
}
