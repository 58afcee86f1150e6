/** The firewall files that are installed on the testbed's hypervisor. */
import { existsSync, readFileSync } from "node:fs";
import { type FirewallConfig, nothing, readFirewall } from "../../../lab/pve-firewall/read.ts";

export const clusterFile = "/etc/pve/firewall/cluster.fw";

/** @param cluster cluster.fw, whose names the file's rules may use as well */
export function readInstalled(
  path: string,
  place: "cluster" | "host" | "guest",
  cluster = nothing,
): FirewallConfig {
  return existsSync(path) ? readFirewall(path, readFileSync(path, "utf8"), place, cluster) : nothing;
}
