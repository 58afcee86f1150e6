/** Asking the nodes of a cluster. One that is down is left alone, and the others go on. */
import type { Io } from "../component.ts";
import { NotReadyError, TransportError } from "../errors.ts";
import { nodeOf, nodeTitle, type SiteNode } from "../fabric/nodes.ts";
import type { Host } from "../hosts/host.ts";
import { type Change, type HostName, type ResourceId, subjectOf } from "../resource.ts";

/**
 * The answers of these nodes, which are asked side by side. The resources of one that cannot be asked are reported by `io.unread`; "pve"
 * is none of those: its errors are thrown.
 * @param idsOf what is unknown while a node does not answer; nothing is reported where that is nothing
 */
export async function askNodes<T>(
  io: Io,
  nodes: readonly SiteNode[],
  idsOf: (node: SiteNode) => readonly ResourceId[],
  ask: (node: SiteNode, host: Host) => Promise<T>,
): Promise<readonly T[]> {
  const answers = nodes.map(async (node): Promise<readonly T[]> => {
    try {
      if (!node.online) throw offline(node);
      return [await ask(node, io.host(node.host))];
    } catch (error) {
      const isDown = error instanceof TransportError || error instanceof NotReadyError;
      if (node.host === "pve" || !isDown) throw error;
      const ids = idsOf(node);
      if (ids.length > 0) io.unread(ids, error);
      return [];
    }
  });
  return (await Promise.all(answers)).flat();
}

export function offline(node: SiteNode): TransportError {
  const title = nodeTitle(node);
  return new TransportError(title, `${title} is offline`, {
    hint: "start it; a sync then brings it to what is declared",
  });
}

/** The nodes that changes are about, each once. */
export function nodesTouched({ site }: Io, changes: readonly Change[]): readonly SiteNode[] {
  const hosts = new Set<HostName>(changes.map((change) => subjectOf(change).host));
  return [...hosts].map((host) => nodeOf(site, host));
}
