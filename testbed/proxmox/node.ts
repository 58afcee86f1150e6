/** This node of the testbed and the others of its cluster, if it is in one. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import type { Cluster } from "../furnish/fabric.ts";
import { Refusal } from "./command-line.ts";

/** This node's name. */
export const node = hostname();

export interface Hypervisor {
  readonly address: string;
  readonly prefix: number;
  readonly bridge: string;
  readonly cluster?: Cluster;
}

export function hypervisor(): Hypervisor {
  const path = "/etc/testbed/hypervisor.json";
  if (!existsSync(path)) throw new Refusal(`${path} does not exist: this is not a machine of the testbed`);
  return JSON.parse(readFileSync(path, "utf8"));
}

export interface Member {
  readonly name: string;
  readonly id: number;
  readonly address: string;
  readonly online: boolean;
}

/** The nodes as /etc/pve shows them; this one where it is alone. */
export function members(): readonly Member[] {
  const { nodelist } = JSON.parse(readFileSync("/etc/pve/.members", "utf8"));
  if (nodelist === undefined) return [{ name: node, id: 0, address: hypervisor().address, online: true }];
  const entries = Object.entries<{ id: number; ip: string; online: number }>(nodelist);
  return entries.map(([name, { id, ip, online }]) => ({ name, id, address: ip, online: online === 1 }));
}

/** Runs a program of Proxmox's on another node as its own tools do (PVE/SSHInfo.pm). @throws Refusal when it fails */
export function onNode({ name, address }: Member, argv: readonly string[]): string {
  const own = `/etc/pve/nodes/${name}/ssh_known_hosts`;
  const keys = existsSync(own) ? ["-o", `UserKnownHostsFile=${own}`, "-o", "GlobalKnownHostsFile=none"] : [];
  const options = ["-e", "none", "-o", "BatchMode=yes", "-o", `HostKeyAlias=${name}`, ...keys];
  const { status, stdout, stderr } = spawnSync("ssh", [...options, `root@${address}`, ...argv], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (status !== 0) throw new Refusal(stderr.trimEnd(), status ?? 255);
  return stdout;
}
