/** systemd units of lab hosts: what is installed, enabled and running, and what a start or reload makes a service load. */
import { randomBytes } from "node:crypto";
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

/** What a unit does besides being there. */
export interface UnitBehaviour {
  /** Loads everything that the service reads at its start; a returned text says why it cannot start. */
  readonly start?: (lab: Lab, host: HostName) => Promise<string | undefined>;
  /** ExecReload; absent where the unit cannot be reloaded. A returned text is why it failed; the old state goes on. */
  readonly reload?: (lab: Lab, host: HostName) => Promise<string | undefined>;
}

const behaviours: Readonly<Record<string, UnitBehaviour>> = {
  dnsmasq: {
    start: async (lab, host) => (await import("./dns/dnsmasq-config.ts")).startDnsmasq(lab, host),
    // SIGHUP reads hosts files again, and those are always read anew here.
    reload: async () => undefined,
  },
  nginx: {
    start: async (lab, host) => (await import("./nginx/load.ts")).loadNginx(lab, host),
    reload: async (lab, host) => (await import("./nginx/load.ts")).loadNginx(lab, host),
  },
  traefik: {
    start: async (lab, host) => (await import("./traefik/load.ts")).startTraefik(lab, host),
    // SIGHUP: the file provider reads its directory again. A file that it refuses is a line in its log, no exit code.
    reload: async (lab, host) => (await import("./traefik/load.ts")).readDynamic(lab, host, "always"),
  },
  "step-ca": { reload: async () => undefined },
  docker: { reload: async () => undefined },
  pveproxy: { reload: async () => undefined },
  "pve-firewall": { reload: async () => undefined },
  "nfs-server": { reload: async () => undefined },
  ssh: { reload: async () => undefined },
};

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

export function canReload(name: string): boolean {
  return behaviours[unitName(name)]?.reload !== undefined;
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

/** Starts a unit, whatever it did before. @returns why it did not start; it is failed then */
export async function startUnit(lab: Lab, host: HostName, name: string): Promise<string | undefined> {
  const problem = await behaviours[unitName(name)]?.start?.(lab, host);
  const invocation = randomBytes(16).toString("hex");
  if (problem !== undefined) {
    setUnit(lab, host, name, { state: "failed", mainPid: 0, startedMs: 0, invocation, log: problem });
    return problem;
  }
  const mainPid = nextPid(lab);
  setUnit(lab, host, name, { state: "active", mainPid, startedMs: lab.clock.now(), invocation });
  return undefined;
}

export function stopUnit(lab: Lab, host: HostName, name: string): void {
  setUnit(lab, host, name, { state: "inactive", mainPid: 0, startedMs: 0 });
}

/** Reloads a running unit. @returns why that failed; it goes on with what it had */
export async function reloadUnit(lab: Lab, host: HostName, name: string): Promise<string | undefined> {
  return behaviours[unitName(name)]?.reload?.(lab, host);
}

function nextPid(lab: Lab): number {
  const last = lab.store.read<number>("last-pid") ?? 1000;
  lab.store.write("last-pid", last + 7);
  return last + 7;
}

function documentOf(host: HostName): string {
  return `units/${treeOf(host)}`;
}
