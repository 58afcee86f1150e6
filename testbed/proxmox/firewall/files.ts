/** The firewall files that are installed on the testbed's hypervisor. */
import { existsSync, readFileSync } from "node:fs";
import { type Netbase, readNetbase } from "../../../lab/pve-firewall/netbase.ts";
import { type FirewallConfig, nothing, readFirewall } from "../../../lab/pve-firewall/read.ts";

export const clusterFile = "/etc/pve/firewall/cluster.fw";

/** The names of ports and protocols on this machine. */
export function hostNetbase(): Netbase {
  return readNetbase(readFileSync("/etc/services", "utf8"), readFileSync("/etc/protocols", "utf8"));
}

/** @param cluster cluster.fw, whose names the file's rules may use as well */
export function readInstalled(
  path: string,
  place: "cluster" | "host" | "guest",
  cluster = nothing,
): FirewallConfig {
  if (!existsSync(path)) return nothing;
  return readFirewall(path, readFileSync(path, "utf8"), place, hostNetbase(), cluster);
}
