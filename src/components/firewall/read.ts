/** Reads the firewall's files and the state of its daemon. */

import type { Io } from "../../component.ts";
import { NotReadyError } from "../../errors.ts";
import { declared } from "../../fabric/declared.ts";
import { nodesOf, nodeTitle, type SiteNode } from "../../fabric/nodes.ts";
import { rulesOf } from "../../formats/pve-firewall/index.ts";
import type { FileState, Host } from "../../hosts/host.ts";
import type { Resource } from "../../resource.ts";
import { askNodes } from "../nodes.ts";
import { commands } from "./commands.ts";
import { isOursIn, liveResources, paths, serviceId, serviceResource } from "./compile.ts";
import { parsed } from "./files.ts";
import { undoPaths, undoUnit } from "./undo.ts";

export async function read(io: Io): Promise<readonly Resource[]> {
  const ofNodes = askNodes(
    io,
    nodesOf(io.site),
    (node) => (declared(io.site, "firewall").enabled ? [serviceId(node)] : []),
    readNode,
  );
  const [texts, units] = await Promise.all([readInstalled(io), ofNodes]);
  const files = parsed(texts);
  const cluster = files.get(paths.cluster);
  const isOurs = isOursIn(io.site);
  const foreign = cluster === undefined ? [] : rulesOf(cluster).filter((rule) => !isOurs(rule));
  if (foreign.length > 0) {
    const count = foreign.length === 1 ? "1 rule" : `${foreign.length} rules`;
    io.note(
      `${count} in cluster.fw [RULES] that the site does not declare: kept, and in force on the hypervisor`,
    );
  }
  if (units.some(({ undoArmed }) => undoArmed))
    io.note("the firewall's undo of an earlier run is armed: it restores the previous rules soon");
  const daemons = units.map(({ node, daemon }) => serviceResource(node, daemon));
  return [...liveResources(io.site, files), ...(declared(io.site, "firewall").enabled ? daemons : [])];
}

/** The texts of cluster.fw and of every guest's file. @throws NotReadyError when /etc/pve is not mounted */
export async function readInstalled(io: Io): Promise<ReadonlyMap<string, FileState>> {
  const host = io.host("pve");
  const names = await host.list(paths.directory);
  const files = names
    .filter((name) => /^(?:cluster|\d+)\.fw$/.test(name))
    .map((name) => `${paths.directory}/${name}`);
  const found = await host.readFiles([...files, paths.members]);
  if (!found.has(paths.members)) {
    throw new NotReadyError(
      "/etc/pve is not mounted on the hypervisor: Proxmox's cluster file system is not running",
      {
        hint: "`systemctl status pve-cluster` shows why; files written there now would be lost",
      },
    );
  }
  return new Map([...found].filter(([path]) => path !== paths.members));
}

export interface Units {
  readonly daemon: { readonly active: boolean; readonly enabled: boolean };
  /** An unconfirmed change waits for its undo: the timer or, after a restart, the unit that runs at boot. */
  readonly undoArmed: boolean;
}

export interface NodeUnits extends Units {
  readonly node: SiteNode;
}

export async function readNode(node: SiteNode, host: Host): Promise<NodeUnits> {
  return { node, ...(await readUnits(host, nodeTitle(node))) };
}

/** @param title what messages call the host @throws NotReadyError where pve-firewall is not installed */
export async function readUnits(host: Host, title = "the hypervisor"): Promise<Units> {
  const [shown, atBoot] = await Promise.all([
    host.expect(commands.showUnits),
    host.readFiles([undoPaths.wantedAtBoot]),
  ]);
  const blocks = shown.split(/\n\n+/);
  const of = (id: string): readonly string[] =>
    blocks.map((block) => block.split("\n")).find((lines) => lines.includes(`Id=${id}`)) ?? [];
  const daemon = of("pve-firewall.service");
  if (!daemon.includes("LoadState=loaded")) {
    throw new NotReadyError(`pve-firewall is not installed on ${title}`, {
      hint: "it is part of Proxmox VE: `apt-get install pve-firewall`",
    });
  }
  return {
    daemon: {
      active: daemon.includes("ActiveState=active"),
      enabled: daemon.includes("UnitFileState=enabled"),
    },
    undoArmed: of(`${undoUnit}.timer`).includes("ActiveState=active") || atBoot.size > 0,
  };
}
