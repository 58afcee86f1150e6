/** Values of guests' configurations that findings want otherwise. Proxmox takes a value whole, so the wishes of all are joined. Pure. */
import type { Guest } from "../model.ts";
import type { Finding, Setting } from "./prerequisite.ts";

/** The tool for a guest's kind. */
export function toolOf({ kind }: Pick<Guest, "kind">): string {
  return kind === "lxc" ? "pct" : "qm";
}

/** A finding's settings, and the one command of the guest's node that makes them. */
export function setting(guest: Guest, ...settings: readonly Setting[]): Pick<Finding, "fix" | "settings"> {
  const keys = new Set(settings.map(({ key }) => key));
  const words = [...keys].flatMap((key) => {
    const same = settings.filter((each) => each.key === key);
    return [`--${key}`, same.reduce((value, { edit }) => edit(value), same[0]?.live ?? "")];
  });
  return { settings, fix: { on: "node", argv: [toolOf(guest), "set", String(guest.id), ...words] } };
}

/**
 * The findings of one guest with commands that may be run in any order, one of them or all: a command that sets a value has
 * it as all the findings want it.
 */
export function composed<Each extends Finding>(found: readonly Each[], guest: Guest): readonly Each[] {
  const all = found.flatMap(({ settings = [] }) => settings);
  return found.map((one) => {
    if (one.settings === undefined) return one;
    const keys = one.settings.map(({ key }) => key);
    const shared = all.filter(({ key }) => keys.includes(key));
    return { ...one, fix: setting(guest, ...shared).fix };
  });
}
