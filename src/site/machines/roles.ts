/** Finds the gateway, the mesh and the CA by what the configuration says about them, never by an id. See docs/site.md. */
import { defined } from "../../defined.ts";
import type { Guest, RoleGuest, Roles } from "../../model.ts";
import type { Problems } from "../text/problems.ts";
import { type GuestEntry, isAddressed } from "./guests.ts";

export type RoleName = keyof Roles;

interface RoleWords {
  readonly title: string;
  /** Features that declare the role. Others, names and paths are evidence that counts only where the site needs the role. */
  readonly declares: RegExp;
  /** Features of a container with this role. */
  readonly features: RegExp;
  /** Words in the name of the container, its service or its script. */
  readonly words: RegExp;
  /** Directories of the software in the container. */
  readonly directories: RegExp;
}

const roles: Readonly<Record<RoleName, RoleWords>> = {
  gateway: {
    title: "the gateway (Nginx)",
    declares: /^(?:gateway|nginx[_-]gateway)$/,
    features: /^(?:nginx|gateway|nginx[_-]gateway)$/,
    words: /(?:^|[^a-z])(?:nginx|gateway)/,
    directories: /^\/etc\/nginx(?:\/|$)/,
  },
  mesh: {
    title: "the mesh (Traefik)",
    declares: /^(?:mesh|traefik[_-]mesh)$/,
    features: /^(?:traefik|mesh|traefik[_-]mesh)$/,
    words: /(?:^|[^a-z])(?:traefik|mesh(?![a-z]))/,
    directories: /^\/etc\/traefik(?:\/|$)/,
  },
  ca: {
    title: "the CA (Step-CA)",
    declares: /^(?:step[_-]?ca|ca)$/,
    features: /^(?:step[_-]?ca|ca)$/,
    words: /(?:^|[^a-z])(?:step[ _-]?ca|ca)(?![a-z])/,
    directories: /^$/,
  },
};

/** Whether a name says that its bearer has the role. */
export function saysRole(role: RoleName, name: string): boolean {
  return roles[role].words.test(name.toLowerCase());
}

/** One kind of evidence. The strongest that fits a container decides; weaker ones only choose among the containers that are left. */
type Evidence = (entry: GuestEntry) => boolean;

/** Whether the site needs a guest in this role, which this guest may be. */
export type RoleNeed = (role: RoleName, guest: Guest) => boolean;

/**
 * The roles of the site's containers; undefined, with problems reported, when one of them is ambiguous. A role that neither an
 * entry declares nor the site needs is nobody's: a container called nginx may be anything.
 * @param caName the host name in the CA's certificate, when it is declared
 */
export function findRoles(
  entries: readonly GuestEntry[],
  caName: string | undefined,
  domain: string | undefined,
  isNeeded: RoleNeed,
  problems: Problems,
): Roles | undefined {
  // What the standby gateway is like says nothing about who is the gateway.
  const containers = entries.filter(
    (entry) =>
      entry.guest.kind === "lxc" &&
      !entry.guest.template &&
      !declaredRoles(entry).includes("standby_gateway"),
  );
  const before = problems.errors;
  checkDeclared(entries, problems);
  const caAddresses = new Set(
    entries.flatMap(({ cell }) => {
      const host = /^https?:\/\/([^/:]+)/.exec(cell.get("bootstrap_ca_url")?.text ?? "")?.[1];
      return host === undefined ? [] : [host];
    }),
  );
  const find = (role: RoleName, structural: Evidence, need = isNeeded): RoleGuest | undefined =>
    findRole(role, containers, structural, need, problems);
  const gateway = find("gateway", mountsBelow(roles.gateway.directories));
  // The gateway passes everything to the mesh.
  const needsMesh: RoleNeed = gateway === undefined ? isNeeded : () => true;
  const mesh = find("mesh", mountsBelow(roles.mesh.directories), needsMesh);
  const ca = find("ca", ({ guest, cell }) => {
    const service = cell.get("traefik_service")?.get("name")?.text;
    const isNamed = caName !== undefined && service !== undefined && `${service}.${domain}` === caName;
    return isNamed || (guest.address !== undefined && caAddresses.has(guest.address));
  });
  const found = [gateway, mesh, ca].filter((guest) => guest !== undefined);
  const hosts = found.map(({ host }) => host);
  if (new Set(hosts).size < hosts.length) {
    const message = `gateway, mesh and CA must be three containers, got ${hosts.join(", ")}`;
    const hint = 'add "fabric_role" to the entry of each of them';
    problems.report("PHX0211", found[0]?.from ?? { file: "", line: 1, column: 1 }, message, { hint });
  }
  return problems.errors > before ? undefined : defined({ gateway, mesh, ca });
}

/** A container that an entry shows to have a role, whether or not the site needs one. */
export function showsRole(entry: GuestEntry): boolean {
  return (Object.keys(roles) as RoleName[]).some((role) => evidenceOf(role).some((fits) => fits(entry)));
}

const mountsBelow =
  (directory: RegExp): Evidence =>
  ({ guest }) =>
    guest.mounts.some(({ guestPath }) => directory.test(guestPath));

/** What an entry says about a role, the strongest first: its declaration, its software, its names. */
function evidenceOf(role: RoleName): readonly Evidence[] {
  const { features } = roles[role];
  const says = (text: string | undefined): boolean => text !== undefined && saysRole(role, text);
  return [
    (entry) => declaredRoles(entry).includes(role),
    (entry) => hasFeature(entry, features),
    ({ guest }) => says(guest.name),
    ({ cell }) =>
      (cell.get("traefik_service")?.each ?? []).some((service) => says(service.get("name")?.text)),
    ({ cell }) => (cell.get("application_script")?.each ?? []).some(({ text }) => says(text)),
  ];
}

function hasFeature({ cell }: GuestEntry, features: RegExp): boolean {
  return (cell.get("features")?.each ?? []).some(({ text }) => features.test(text?.toLowerCase() ?? ""));
}

function findRole(
  role: RoleName,
  containers: readonly GuestEntry[],
  structural: Evidence,
  isNeeded: RoleNeed,
  problems: Problems,
): RoleGuest | undefined {
  const { title, declares } = roles[role];
  const evidence = [...evidenceOf(role), structural];
  let candidates = containers.filter(
    (entry) =>
      declaredRoles(entry).includes(role) || hasFeature(entry, declares) || isNeeded(role, entry.guest),
  );
  for (const fits of evidence) {
    const fitting = candidates.filter(fits);
    if (fitting.length > 0) candidates = fitting;
    // Two containers that both declare the role are a contradiction; their names must not decide.
    if (fitting.length === 1 || (fitting.length > 1 && fits === evidence[0])) break;
  }
  const [found, ...others] = candidates;
  if (found === undefined || !evidence.some((fits) => fits(found))) return undefined;
  const hint = `add "fabric_role": "${role}" to its entry`;
  if (others.length > 0) {
    const names = candidates.map(({ guest }) => `${guest.host} (${guest.name})`).slice(0, 5);
    const message = `several containers could be ${title}: ${names.join(", ")}`;
    const related = others.slice(0, 4).map(({ guest }) => guest.from);
    return problems.report("PHX0211", found.guest.from, message, { related, hint });
  }
  const { guest } = found;
  if (!isAddressed(guest))
    return problems.report("PHX0212", guest.from, `${guest.host}, ${title}, has no fixed address`, {
      hint: "give it one in network_config.ip",
    });
  return guest;
}

function declaredRoles({ cell }: GuestEntry): readonly string[] {
  return (cell.get("fabric_role")?.each ?? []).map(({ text }) => text?.toLowerCase() ?? "");
}

/** Reports roles of guests that cannot have one. */
function checkDeclared(entries: readonly GuestEntry[], problems: Problems): void {
  for (const { guest, cell } of entries) {
    const declared = cell.get("fabric_role");
    if (declared === undefined || (guest.kind === "lxc" && !guest.template)) continue;
    const what = guest.template ? "a template" : "a virtual machine";
    const message = `${guest.host} is ${what}; gateway, mesh and CA must be running containers`;
    problems.report("PHX0212", declared, message);
  }
}
