/** Finds the gateway, the mesh and the CA by what the configuration says about them, never by an id. See docs/site.md. */
import type { RoleGuest, Roles } from "../../model.ts";
import type { SourceRef } from "../../resource.ts";
import type { Problems } from "../text/problems.ts";
import { type GuestEntry, isAddressed } from "./guests.ts";

export type RoleName = keyof Roles;

interface RoleWords {
  readonly title: string;
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
    features: /^(?:nginx|gateway|nginx[_-]gateway)$/,
    words: /(?:^|[^a-z])(?:nginx|gateway)/,
    directories: /^\/etc\/nginx(?:\/|$)/,
  },
  mesh: {
    title: "the mesh (Traefik)",
    features: /^(?:traefik|mesh|traefik[_-]mesh)$/,
    words: /(?:^|[^a-z])(?:traefik|mesh(?![a-z]))/,
    directories: /^\/etc\/traefik(?:\/|$)/,
  },
  ca: {
    title: "the CA (Step-CA)",
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

/**
 * The three roles; undefined, with problems reported, when one of them is missing or ambiguous.
 * @param caName the host name in the CA's certificate, when it is declared
 * @param at the place of the containers, for problems about a missing one
 */
export function findRoles(
  entries: readonly GuestEntry[],
  caName: string | undefined,
  domain: string | undefined,
  at: SourceRef,
  problems: Problems,
): Roles | undefined {
  const containers = entries.filter(({ guest }) => guest.kind === "lxc" && !guest.template);
  checkDeclared(entries, problems);
  const caAddresses = new Set(
    entries.flatMap(({ cell }) => {
      const host = /^https?:\/\/([^/:]+)/.exec(cell.get("bootstrap_ca_url")?.text ?? "")?.[1];
      return host === undefined ? [] : [host];
    }),
  );
  const find = (role: RoleName, structural: Evidence): RoleGuest | undefined =>
    findRole(role, containers, structural, at, problems);
  const gateway = find("gateway", mountsBelow(roles.gateway.directories));
  const mesh = find("mesh", mountsBelow(roles.mesh.directories));
  const ca = find("ca", ({ guest, cell }) => {
    const service = cell.get("traefik_service")?.get("name")?.text;
    const isNamed = caName !== undefined && service !== undefined && `${service}.${domain}` === caName;
    return isNamed || (guest.address !== undefined && caAddresses.has(guest.address));
  });
  if (gateway === undefined || mesh === undefined || ca === undefined) return undefined;
  const same = gateway.host === mesh.host || gateway.host === ca.host || mesh.host === ca.host;
  if (!same) return { gateway, mesh, ca };
  const message = `gateway, mesh and CA must be three containers, got ${gateway.host}, ${mesh.host}, ${ca.host}`;
  const hint = 'add "fabric_role" to the entry of each of them';
  return problems.report("PHX0211", gateway.from, message, { hint });
}

const mountsBelow =
  (directory: RegExp): Evidence =>
  ({ guest }) =>
    guest.mounts.some(({ guestPath }) => directory.test(guestPath));

function findRole(
  role: RoleName,
  containers: readonly GuestEntry[],
  structural: Evidence,
  at: SourceRef,
  problems: Problems,
): RoleGuest | undefined {
  const { title, features } = roles[role];
  const says = (text: string | undefined): boolean => text !== undefined && saysRole(role, text);
  const evidence: readonly Evidence[] = [
    (entry) => declaredRoles(entry).includes(role),
    ({ cell }) =>
      (cell.get("features")?.each ?? []).some(({ text }) => features.test(text?.toLowerCase() ?? "")),
    ({ guest }) => says(guest.name),
    ({ cell }) =>
      (cell.get("traefik_service")?.each ?? []).some((service) => says(service.get("name")?.text)),
    ({ cell }) => (cell.get("application_script")?.each ?? []).some(({ text }) => says(text)),
    structural,
  ];
  let candidates = containers;
  for (const fits of evidence) {
    const fitting = candidates.filter(fits);
    if (fitting.length > 0) candidates = fitting;
    // Two containers that both declare the role are a contradiction; their names must not decide.
    if (fitting.length === 1 || (fitting.length > 1 && fits === evidence[0])) break;
  }
  const [found, ...others] = candidates;
  const isFound = found !== undefined && evidence.some((fits) => fits(found));
  const hint = `add "fabric_role": "${role}" to its entry`;
  if (!isFound) return problems.report("PHX0210", at, `cannot tell which container is ${title}`, { hint });
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
