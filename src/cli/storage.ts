/** Whether containers on other nodes see the directories that Phoenix writes on "pve": asked of the machines, which alone know. */
import { isUnavailable } from "../errors.ts";
import { describeHost } from "../fabric/guests.ts";
import { type RemoteMount, remoteMounts } from "../fabric/node-storage.ts";
import { nodeOf } from "../fabric/nodes.ts";
import type { World } from "../hosts/world.ts";
import type { Site } from "../model.ts";
import { placeOf } from "../render/text-changes.ts";
import type { HostName } from "../resource.ts";

/** What is wrong with them, a sentence each with its place; none on a single host, and for a node that does not answer. */
export async function storageFaults(site: Site, world: Pick<World, "host">): Promise<readonly string[]> {
  const found = await Promise.all(remoteMounts(site).map((mount) => faultOf(mount, site, world)));
  return found.flat();
}

async function faultOf(
  mount: RemoteMount,
  site: Site,
  world: Pick<World, "host">,
): Promise<readonly string[]> {
  const { guest, node, hostPath, isShared } = mount;
  const look = () => Promise.all([seen(world, "pve", hostPath), seen(world, node.host, hostPath)]);
  let [own, theirs] = await look();
  // Somebody may have written between the two looks.
  if (isShared && own !== theirs) [own, theirs] = await look();
  const where = `${placeOf(guest.from)}: ${describeHost(site, guest.host)} is on node ${node.name}`;
  if (own === "unknown" || theirs === "unknown") return [];
  if (theirs === "absent") return own === "absent" ? [] : [`${where}, which does not have its ${hostPath}`];
  if (!isShared || own === theirs) return [];
  const pve = nodeOf(site, "pve").name;
  return [`${where}, whose ${hostPath} is another directory than that of ${pve}`];
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
