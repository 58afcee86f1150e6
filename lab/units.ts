/** systemd units of lab hosts: what is installed, enabled and running. */
import type { HostName } from "../src/resource.ts";
import type { Lab } from "./parts.ts";
import { treeOf } from "./tree.ts";

export interface UnitState {
  readonly enabled: boolean;
  readonly state: "active" | "inactive" | "failed";
  /** 0 while it does not run. */
  readonly mainPid: number;
  /** Changes with every start. */
  readonly invocation: string;
  /** Milliseconds since the epoch; 0 while it does not run. */
  readonly startedMs: number;
  /** Why the last start failed, as its own log would say. */
  readonly log?: string;
}

type Units = Readonly<Record<string, UnitState>>;

/** "nginx" for "nginx.service". */
export function unitName(name: string): string {
  return name.replace(/\.service$/, "");
}

export function unitsOf(lab: Pick<Lab, "store">, host: HostName): Units {
  return lab.store.read<Units>(documentOf(host)) ?? {};
}

export function unitOn(lab: Pick<Lab, "store">, host: HostName, name: string): UnitState | undefined {
  const units = unitsOf(lab, host);
  const unit = unitName(name);
  return Object.hasOwn(units, unit) ? units[unit] : undefined;
}

/** Whether the unit is there, and with it the program of the same name. */
export function isInstalled(lab: Pick<Lab, "store">, host: HostName, name: string): boolean {
  return unitOn(lab, host, name) !== undefined;
}

export function isActive(lab: Pick<Lab, "store">, host: HostName, name: string): boolean {
  return unitOn(lab, host, name)?.state === "active";
}

/** Changes what is known of a unit; an unknown one is installed by it. */
export function setUnit(
  lab: Pick<Lab, "store">,
  host: HostName,
  name: string,
  change: Partial<UnitState>,
): void {
  const stopped: UnitState = { enabled: false, state: "inactive", mainPid: 0, invocation: "", startedMs: 0 };
  const { log: _, ...before } = unitOn(lab, host, name) ?? stopped;
  lab.store.write(documentOf(host), { ...unitsOf(lab, host), [unitName(name)]: { ...before, ...change } });
}

export function stopUnit(lab: Lab, host: HostName, name: string): void {
  setUnit(lab, host, name, { state: "inactive", mainPid: 0, startedMs: 0 });
}

function documentOf(host: HostName): string {
  return `units/${treeOf(host)}`;
}
