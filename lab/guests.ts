/** Guests as the hypervisor knows them: their configuration files under /etc/pve, and whether they run. */
import { NotReadyError } from "../src/errors.ts";
import type { GuestName } from "../src/resource.ts";
import { configPath } from "./config-path.ts";
import type { LabGuest } from "./facts.ts";
import type { Lab } from "./parts.ts";

const document = "guests";

type States = Readonly<Record<string, "running" | "stopped">>;

export function guestState(lab: Pick<Lab, "store" | "fault">, host: GuestName): "running" | "stopped" {
  if (lab.fault("guest-down", host) !== undefined) return "stopped";
  return lab.store.read<States>(document)?.[host] ?? "running";
}

export function setGuestState(lab: Pick<Lab, "store">, host: GuestName, state: "running" | "stopped"): void {
  lab.store.write(document, { ...lab.store.read<States>(document), [host]: state });
}

/** The guest with this number and of this kind, if its configuration file is there. */
export function guestWith({ facts, files }: Lab, kind: LabGuest["kind"], id: string): LabGuest | undefined {
  const guest = facts.guests.find((each) => each.kind === kind && String(each.id) === id);
  return guest !== undefined && files.status("pve", configPath(kind, guest.id)) !== undefined
    ? guest
    : undefined;
}

/** The guests whose configuration files are there, by their numbers. */
export function guestsThere(lab: Lab): readonly LabGuest[] {
  return lab.facts.guests
    .filter(({ kind, id }) => guestWith(lab, kind, String(id)) !== undefined)
    .toSorted((a, b) => a.id - b.id);
}

/** A guest's configuration, keys in the file's order; sections of snapshots are left out. */
export function guestConfig(
  { files }: Pick<Lab, "files">,
  kind: LabGuest["kind"],
  id: number,
): Map<string, string> {
  const text = files.text("pve", configPath(kind, id));
  if (text === undefined) throw new NotReadyError(`${configPath(kind, id)} is not there`);
  const [current = ""] = text.split(/^\[/m);
  return new Map(
    current.split("\n").flatMap((line) => {
      const at = line.indexOf(": ");
      return at < 0 || line.startsWith("#") ? [] : [[line.slice(0, at), line.slice(at + 2)] as const];
    }),
  );
}

/** Sets values of a guest's configuration, as `pct set` and `qm set` do. */
export function setGuestConfig(
  lab: Pick<Lab, "files">,
  kind: LabGuest["kind"],
  id: number,
  values: ReadonlyMap<string, string>,
): void {
  const path = configPath(kind, id);
  const [current = "", ...snapshots] = (lab.files.text("pve", path) ?? "").split(/^(?=\[)/m);
  const kept = current.split("\n").filter((line) => line !== "" && !values.has(line.split(":", 1)[0] ?? ""));
  const lines = [...kept, ...[...values].map(([key, value]) => `${key}: ${value}`)];
  const text = [lines.map((line) => `${line}\n`).join(""), ...snapshots].join("");
  lab.files.write("pve", path, text, { mode: "640" });
}

/** Whether Proxmox filters the guest's first interface: its `firewall=1`. */
export function hasFilteredInterface(lab: Lab, { kind, id }: LabGuest): boolean {
  const interfaces = guestConfig(lab, kind, id).get("net0") ?? "";
  return interfaces.split(",").includes("firewall=1");
}
