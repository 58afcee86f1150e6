/** The firewall of the site's machines as some files make it, for questions about connections. */
import type { Io } from "../../component.ts";
import { nodesOf, type SiteNode } from "../../fabric/nodes.ts";
import { emptyFile } from "../../formats/pve-firewall/index.ts";
import type { InstalledFirewall } from "../../formats/pve-firewall/installed.ts";
import { type FirewallFiles, guestPath, hostPath, paths } from "./compile.ts";
import { parsed } from "./files.ts";
import { readInstalled } from "./read.ts";

/** Every file that decides: cluster.fw, those of guests, and each node's own. */
export async function readDeciding(io: Io): Promise<FirewallFiles> {
  const own = io.host("pve").readFiles(nodesOf(io.site).map(hostPath));
  const [texts, others] = await Promise.all([readInstalled(io), own]);
  return parsed(new Map([...others, ...texts]));
}

/** What these files make of the site's guests and of one node, "pve" unless given. */
export function installed(io: Io, files: FirewallFiles, node?: SiteNode): InstalledFirewall {
  const { site } = io;
  const guests = site.guests.flatMap(({ id }) => {
    const file = files.get(guestPath(id));
    return file === undefined ? [] : [[id, file] as const];
  });
  const containers = site.guests.flatMap(({ kind, id, address }) =>
    kind === "lxc" && address !== undefined ? [[id, address] as const] : [],
  );
  return {
    cluster: files.get(paths.cluster) ?? emptyFile,
    host: files.get(node === undefined ? paths.host : hostPath(node)) ?? emptyFile,
    guests: new Map(guests),
    containers: new Map(containers),
    localNetwork: site.hypervisor.network,
    now: Math.floor(io.clock.now() / 1000),
  };
}
