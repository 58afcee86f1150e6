/** Whether containers on other nodes see the directories that Phoenix writes on "pve": asked of the machines, which alone know. */
import { isUnavailable } from "../errors.ts";
import { type RemoteMount, remoteMounts } from "../fabric/node-storage.ts";
import { nodeOf } from "../fabric/nodes.ts";
import type { World } from "../hosts/world.ts";
import type { Guest, Site } from "../model.ts";
import type { HostName } from "../resource.ts";

export interface StorageFault {
  readonly guest: Guest;
  /** "is on node pve2, which does not have its /tank/certs": of the guest. */
  readonly message: string;
}

/** What is wrong with them; nothing on a single host, and for a node that does not answer. */
export async function storageFaults(
  site: Site,
  world: Pick<World, "host">,
): Promise<readonly StorageFault[]> {
  const found = await Promise.all(remoteMounts(site).map((mount) => faultOf(mount, site, world)));
  return found.flat();
}

async function faultOf(
  { guest, node, hostPath, isShared }: RemoteMount,
  site: Site,
  world: Pick<World, "host">,
): Promise<readonly StorageFault[]> {
  const look = () => Promise.all([seen(world, "pve", hostPath), seen(world, node.host, hostPath)]);
  let [own, theirs] = await look();
  // Somebody may have written between the two looks.
  if (isShared && own !== theirs) [own, theirs] = await look();
  if (own === "unknown" || theirs === "unknown") return [];
  const where = `is on node ${node.name}`;
  if (theirs === "absent")
    return own === "absent" ? [] : [{ guest, message: `${where}, which does not have its ${hostPath}` }];
  if (!isShared || own === theirs) return [];
  const pve = nodeOf(site, "pve").name;
  return [{ guest, message: `${where}, whose ${hostPath} is another directory than that of ${pve}` }];
}

/** What tells one directory from another: its inode and when it was changed. */
async function seen({ host }: Pick<World, "host">, name: HostName, path: string): Promise<string> {
  try {
    const { exitCode, stdout } = await host(name).run({
      argv: ["stat", "-L", "-c", "%i %Y", path],
      effect: "read",
    });
    return exitCode === 0 ? stdout.trim() : "absent";
  } catch (error) {
    if (isUnavailable(error)) return "unknown";
    throw error;
  }
}
