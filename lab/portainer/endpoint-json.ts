/** An environment as Portainer's API shows it, and the look at its engine that is called a snapshot. */
import type { PortainerProcess } from "./call.ts";
import type { Endpoint } from "./database.ts";
import { UnreachableError } from "./exchange.ts";

export interface Snapshot {
  /** 1 up, 2 down. */
  readonly status: 1 | 2;
  /** Why it is down. */
  readonly words?: string;
  /** The engine's own numbers. */
  readonly info?: unknown;
}

export async function snapshotStatus({ engines }: PortainerProcess, endpoint: Endpoint): Promise<Snapshot> {
  const ask = (path: string) =>
    engines.request(endpoint, { method: "GET", path, query: new URLSearchParams(), body: "" });
  try {
    const ping = await ask("/_ping");
    if (ping.status !== 200)
      return { status: 2, words: `Error response from daemon: ${String(ping.body ?? ping.status)}` };
    const { body = "{}" } = await ask("/info");
    return { status: 1, info: JSON.parse(String(body)) };
  } catch (error) {
    if (error instanceof UnreachableError) return { status: 2, words: error.message };
    throw error;
  }
}

export function endpointJson(
  endpoint: Endpoint,
  snapshots: readonly unknown[],
): Readonly<Record<string, unknown>> {
  return {
    ...endpoint,
    Snapshots: snapshots,
    UserAccessPolicies: {},
    TeamAccessPolicies: {},
    EdgeKey: "",
    SecuritySettings: { allowBindMountsForRegularUsers: true, enableHostManagementFeatures: false },
    Kubernetes: { Snapshots: null },
  };
}
