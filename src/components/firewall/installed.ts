/** The firewall of the site's machines as some files make it, for questions about connections. */
import type { Io } from "../../component.ts";
import { emptyFile } from "../../formats/pve-firewall/index.ts";
import type { InstalledFirewall } from "../../formats/pve-firewall/installed.ts";
import { type FirewallFiles, guestPath, paths } from "./compile.ts";
import { parsed } from "./files.ts";
import { readInstalled } from "./read.ts";

/** As the files on the hypervisor make it now. */
export async function readFirewall(io: Io): Promise<InstalledFirewall> {
  const [texts, own] = await Promise.all([readInstalled(io), io.host("pve").readFiles([paths.host])]);
  return installed(io, parsed(texts), parsed(own).get(paths.host) ?? emptyFile);
}

/** @param host the node's own file */
export function installed(io: Io, files: FirewallFiles, host: InstalledFirewall["host"]): InstalledFirewall {
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
    host,
    guests: new Map(guests),
    containers: new Map(containers),
    localNetwork: site.hypervisor.network,
    now: Math.floor(io.clock.now() / 1000),
  };
}
