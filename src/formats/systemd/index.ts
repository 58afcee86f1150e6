/** A unit of systemd: the commands for it, and how to read its state. */
import type { Command } from "../../hosts/host.ts";

export interface UnitState {
  readonly installed: boolean;
  readonly active: boolean;
  /** Starts at boot. */
  readonly enabled: boolean;
}

/** Reads what `unitCommands(…).show` prints; a missing property counts as no. */
export function unitState(text: string): UnitState {
  const lines = text.split("\n");
  return {
    installed: lines.includes("LoadState=loaded"),
    active: lines.includes("ActiveState=active"),
    enabled: lines.includes("UnitFileState=enabled"),
  };
}

/** @param unit its name without ".service" */
export function unitCommands(
  unit: string,
): Readonly<Record<"show" | "start" | "reload" | "restart", Command>> {
  const systemctl = (...words: readonly string[]): readonly string[] => ["systemctl", ...words];
  const service = `${unit}.service`;
  return {
    show: {
      argv: systemctl("show", service, "--property=LoadState,ActiveState,UnitFileState"),
      effect: "read",
    },
    start: { argv: systemctl("enable", "--now", service), effect: "change", timeoutMs: 60_000 },
    reload: { argv: systemctl("reload", service), effect: "change" },
    restart: { argv: systemctl("restart", service), effect: "change", timeoutMs: 60_000 },
  };
}
