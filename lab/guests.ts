/** Guests as the hypervisor knows them: their configuration files under /etc/pve, and whether they run. */
import { NotReadyError } from "../src/errors.ts";
import type { GuestName } from "../src/resource.ts";
import { configOf, guestsAt, nodeOfGuest } from "./cluster.ts";
import { guestBy, type LabGuest } from "./facts.ts";
import type { NodeHost } from "./nodes.ts";
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

/** The guest with this number and of this kind, if a node has its configuration. */
export function guestWith(
  lab: Lab,
  node: NodeHost,
  kind: LabGuest["kind"],
  id: string,
): LabGuest | undefined {
  const guest = guestBy(lab.facts, `${kind}/${Number(id)}`);
  return guest !== undefined && isOn(lab, node, guest) ? guest : undefined;
}

function isOn(lab: Lab, node: NodeHost, guest: LabGuest): boolean {
  return (
    nodeOfGuest(lab, guest)?.host === node && lab.files.status("pve", configOf(lab, guest)) !== undefined
  );
}

/** The guests whose configurations a node has, by their numbers. */
export function guestsOn(lab: Lab, node: NodeHost): readonly LabGuest[] {
  return guestsAt(lab, node)
    .filter((guest) => lab.files.status("pve", configOf(lab, guest)) !== undefined)
    .toSorted((a, b) => a.id - b.id);
}

/** A guest's configuration, keys in the file's order; sections of snapshots are left out. */
export function guestConfig(
  lab: Pick<Lab, "files" | "facts" | "directory">,
  guest: LabGuest,
): Map<string, string> {
  const path = configOf(lab, guest);
  const text = lab.files.text("pve", path);
  if (text === undefined) throw new NotReadyError(`${path} is not there`);
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
  lab: Pick<Lab, "files" | "facts" | "directory">,
  guest: LabGuest,
  values: ReadonlyMap<string, string>,
): void {
  const path = configOf(lab, guest);
  const [current = "", ...snapshots] = (lab.files.text("pve", path) ?? "").split(/^(?=\[)/m);
  const kept = current.split("\n").filter((line) => line !== "" && !values.has(line.split(":", 1)[0] ?? ""));
  const lines = [...kept, ...[...values].map(([key, value]) => `${key}: ${value}`)];
  const text = [lines.map((line) => `${line}\n`).join(""), ...snapshots].join("");
  lab.files.write(nodeOfGuest(lab, guest)?.host ?? "pve", path, text, { mode: "640" });
}

/** Whether Proxmox filters the guest's first interface: its `firewall=1`. */
export function hasFilteredInterface(lab: Lab, guest: LabGuest): boolean {
  const interfaces = guestConfig(lab, guest).get("net0") ?? "";
  return interfaces.split(",").includes("firewall=1");
}
