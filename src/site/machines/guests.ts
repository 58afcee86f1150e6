/** The guests: containers by id or in a list, virtual machines in a list or by id. */
import { defined } from "../../defined.ts";
import { addressNumber } from "../../formats/ipv4/index.ts";
import type { Guest, GuestFirewall, Hypervisor, Mount, RoleGuest, Share } from "../../model.ts";
import type { GuestName } from "../../resource.ts";
import { readRules } from "../firewall/index.ts";
import type { Cell } from "../text/cell.ts";
import type { Problems } from "../text/problems.ts";
import { parseInterface } from "./addresses.ts";

/** A guest as its own entry declares it, with the entry. */
export interface GuestEntry {
  readonly guest: Guest;
  readonly cell: Cell;
  /** The declared address, for problems about it. */
  readonly addressCell: Cell | undefined;
}

/** Whether a guest has a fixed address. */
export function isAddressed(guest: Guest): guest is RoleGuest {
  return guest.address !== undefined;
}

interface Surroundings {
  readonly hypervisor: Hypervisor | undefined;
  /** The NFS server of volumes that do not name one. */
  readonly nfsServer: string | undefined;
  readonly problems: Problems;
}

/** The list or map of guests in a file: the member under `key`, or the whole file. */
export function guestsIn(root: Cell, key: string): Cell | undefined {
  return root.shape?.kind === "object" ? root.get(key) : root;
}

export function readGuests(
  cell: Cell | undefined,
  kind: Guest["kind"],
  around: Surroundings,
): readonly GuestEntry[] {
  if (cell === undefined) return [];
  const entries: readonly (readonly [key: string | undefined, entry: Cell])[] = cell.isObject
    ? cell.entries().filter(([key]) => /^\d+$/.test(key))
    : cell.items.map((item) => [undefined, item] as const);
  return entries.flatMap(([key, entry]) =>
    entry.isObject ? (readGuest(key, entry, kind, around) ?? []) : [],
  );
}

const idKeys = { lxc: "ctid", vm: "vmid" } as const;

function readGuest(
  key: string | undefined,
  cell: Cell,
  kind: Guest["kind"],
  around: Surroundings,
): GuestEntry | undefined {
  const { problems } = around;
  const inside = cell.get(idKeys[kind]);
  const id = key === undefined ? inside?.integer : Number(key);
  if (id === undefined) {
    if (inside === undefined)
      problems.report("PHX0201", cell, "this guest has no id", { hint: `add "${idKeys[kind]}"` });
    return undefined;
  }
  if (inside?.integer !== undefined && inside.integer !== id)
    problems.report("PHX0201", inside, `the id ${inside.integer} contradicts the key ${id}`, {
      related: [cell.ref],
    });
  const name = cell.get("name");
  if (name?.text === undefined) return undefined;
  const host: GuestName = `${kind}/${id}`;
  const { addressCell, address } = readAddress(cell, around);
  const role = readPortainerRole(cell, kind, problems);
  const firewall = readGuestFirewall(cell, problems);
  const template = isTemplate(cell, role);
  const network = cell.get("network_config")?.get("name")?.text;
  const guest: Guest = {
    host,
    kind,
    id,
    name: name.text,
    ...defined({ address, interface: network }),
    template,
    ...defined({ firewall: template ? undefined : firewall }),
    mounts: readMounts(cell, problems),
    shares: readShares(cell, around),
    ...defined({ portainerRole: role }),
    from: cell.ref,
  };
  return { guest, cell, addressCell };
}

/** No address for "dhcp", "manual" and an absent key. */
function readAddress(cell: Cell, { problems }: Surroundings): { addressCell?: Cell; address?: string } {
  const network = cell.get("network_config");
  const written = network?.isObject === true ? network.get("ip") : network;
  const text = written?.text?.split(",")[0]?.trim();
  if (written === undefined || text === undefined || text === "") return {};
  if (/^(?:dhcp|manual|auto)$/i.test(text)) return {};
  const parsed = parseInterface(text);
  if (parsed !== undefined) return { addressCell: written, address: parsed.address };
  const { ref } = written;
  problems.invalid("PHX0207", { ref, text }, "IPv4 address", 'write it like 10.0.0.12/24, or "dhcp"');
  return {};
}

/**
 * `is_template` decides where it is present. Else a guest is a template when it has a template snapshot, is not started at boot
 * and serves nothing.
 */
function isTemplate(cell: Cell, role: Guest["portainerRole"]): boolean {
  const declared = cell.get("is_template")?.flag;
  if (declared !== undefined) return declared;
  if (cell.get("template_snapshot_name") === undefined) return false;
  const runs =
    cell.get("start_at_boot")?.flag === true ||
    role !== undefined ||
    cell.get("traefik_service") !== undefined ||
    cell.get("fabric_role") !== undefined ||
    (cell.get("docker_stacks")?.items.length ?? 0) > 0;
  return !runs;
}

/** The words for each role, with older words for the primary and for guests without Docker. */
const roleWords: Readonly<Record<string, "primary" | "agent" | "none">> = {
  primary: "primary",
  server: "primary",
  agent: "agent",
  none: "none",
  infrastructure: "none",
  "": "none",
};

/** The declared role; "unknown" for any other word. */
export function portainerRoleOf(cell: Cell): "primary" | "agent" | "none" | "unknown" {
  const word = cell.get("portainer_role")?.text?.toLowerCase() ?? "none";
  return (Object.hasOwn(roleWords, word) ? roleWords[word] : undefined) ?? "unknown";
}

function readPortainerRole(cell: Cell, kind: Guest["kind"], problems: Problems): Guest["portainerRole"] {
  const written = cell.get("portainer_role");
  const role = portainerRoleOf(cell);
  if (written === undefined || role === "none") return undefined;
  if (role === "unknown")
    return problems.report("PHX0709", written, `unknown Portainer role ${JSON.stringify(written.text)}`, {
      hint: "use primary, agent or none",
    });
  if (kind === "vm") return role;
  const message = "Portainer runs on virtual machines only; this container's role is ignored";
  return problems.report("PHX0709", written, message, { severity: "warning" });
}

function readGuestFirewall(cell: Cell, problems: Problems): GuestFirewall | undefined {
  const firewall = cell.get("firewall");
  const enabled = firewall?.get("enabled")?.flag;
  if (firewall === undefined) return undefined;
  const rules = readRules(firewall.get("rules"), "guest", problems);
  return enabled === undefined ? undefined : { enabled, rules };
}

function readMounts(cell: Cell, problems: Problems): readonly Mount[] {
  return (cell.get("mount_points")?.items ?? []).flatMap((mount) => {
    const hostPath = absolute(mount.get("host_path"), problems);
    const guestPath = absolute(mount.get("container_path"), problems);
    return hostPath === undefined || guestPath === undefined ? [] : [{ hostPath, guestPath }];
  });
}

/** Volumes of type nfs; the first is the guest's persistent storage. */
function readShares(cell: Cell, { hypervisor, nfsServer, problems }: Surroundings): readonly Share[] {
  return (cell.get("volumes")?.items ?? []).flatMap((volume) => {
    if (volume.get("type")?.text?.toLowerCase() !== "nfs") return [];
    const path = absolute(volume.get("path"), problems);
    const mountPoint = absolute(volume.get("mount_point"), problems);
    const server = volume.get("server");
    const address = server?.text ?? nfsServer;
    if (path === undefined || mountPoint === undefined || address === undefined) {
      const missing = (["path", "mount_point"] as const).filter((key) => volume.get(key) === undefined);
      const wanted = [...missing, ...(address === undefined ? ["server"] : [])];
      if (wanted.length > 0 && hypervisor !== undefined)
        problems.report("PHX0214", volume, `this NFS volume has no ${wanted.join(" and no ")}`);
      return [];
    }
    if (server?.text !== undefined && addressNumber(server.text) === undefined) {
      problems.invalid("PHX0214", server, "IPv4 address");
      return [];
    }
    const name = volume.get("name")?.text ?? "persistent-storage";
    return [{ name, server: address, path, mountPoint, from: volume.ref }];
  });
}

/** An absolute path without a slash at its end; undefined, with a problem reported, for anything else. */
export function absolute(cell: Cell | undefined, problems: Problems): string | undefined {
  const path = cell?.text;
  if (cell === undefined || path === undefined) return undefined;
  const isPlain = path.startsWith("/") && !path.split("/").includes("..") && !/[\p{Cc}$]/u.test(path);
  const hint = path.includes("$") ? "Nginx and Compose would take $ for a variable" : undefined;
  if (!isPlain) return problems.invalid("PHX0213", cell, "absolute path", hint);
  return path.replace(/\/{2,}/g, "/").replace(/(?<=.)\/$/, "");
}
