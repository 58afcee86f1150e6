/** Starting and reloading the units of lab hosts: what each service loads then. */
import { randomBytes } from "node:crypto";
import type { HostName } from "../src/resource.ts";
import type { Lab } from "./parts.ts";
import { setUnit, unitName } from "./units.ts";

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
  keepalived: {
    start: async (lab, host) => (await import("./keepalived/pair.ts")).loadKeepalived(lab, host),
    // SIGHUP: it keeps what it had where it cannot use the new configuration.
    reload: async (lab, host) => void (await import("./keepalived/pair.ts")).loadKeepalived(lab, host),
  },
  "step-ca": { reload: async () => undefined },
  docker: { reload: async () => undefined },
  pveproxy: { reload: async () => undefined },
  "pve-firewall": { reload: async () => undefined },
  "nfs-server": { start: exportAgain, reload: exportAgain },
  ssh: { reload: async () => undefined },
};

/** The NFS server reads /etc/exports when it starts, and when it is reloaded. */
async function exportAgain(lab: Lab, host: HostName): Promise<undefined> {
  (await import("./programs/machine.ts")).readExports(lab, host);
}

export function canReload(name: string): boolean {
  return behaviours[unitName(name)]?.reload !== undefined;
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

/** Reloads a running unit. @returns why that failed; it goes on with what it had */
export async function reloadUnit(lab: Lab, host: HostName, name: string): Promise<string | undefined> {
  return behaviours[unitName(name)]?.reload?.(lab, host);
}

function nextPid(lab: Lab): number {
  const last = lab.store.read<number>("last-pid") ?? 1000;
  lab.store.write("last-pid", last + 7);
  return last + 7;
}
