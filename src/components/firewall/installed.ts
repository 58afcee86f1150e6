/** The firewall of the site's machines as some files make it, for questions about connections. */
import type { Io } from "../../component.ts";
import { emptyFile } from "../../formats/pve-firewall/index.ts";
import type { InstalledFirewall } from "../../formats/pve-firewall/installed.ts";
import { type FirewallFiles, guestPath, paths } from "./compile.ts";
import { parsed } from "./files.ts";
import { readInstalled } from "./read.ts";

/** Every file on the hypervisor that decides: cluster.fw, those of guests, and the node's own. */
export async function readDeciding(io: Io): Promise<FirewallFiles> {
  const [texts, own] = await Promise.all([readInstalled(io), io.host("pve").readFiles([paths.host])]);
  return parsed(new Map([...own, ...texts]));
}

/** What these files make of the site's machines. */
export function installed(io: Io, files: FirewallFiles): InstalledFirewall {
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
    host: files.get(paths.host) ?? emptyFile,
    guests: new Map(guests),
    containers: new Map(containers),
    localNetwork: site.hypervisor.network,
    now: Math.floor(io.clock.now() / 1000),
  };
}
