/** The nodes that the site names against those that the cluster has. */
import type { Site } from "../model.ts";
import { type Problem, problemOf } from "../problem.ts";
import { nodesOf } from "./nodes.ts";

/** Nodes that `dns_server.nodes` names and the cluster does not have. Nothing is known where no machine was asked, nor on a single host. */
export function unknownNodes(site: Site): readonly Problem[] {
  const { cluster, dns } = site;
  if (cluster === undefined) return [];
  const names = nodesOf(site).flatMap(({ name }) => name ?? []);
  const unknown = (dns?.nodes ?? []).filter(({ name }) => !names.includes(name));
  return unknown.map(({ name, from }) =>
    problemOf("PHX0313", from, `unknown node "${name}"`, {
      hint: `the cluster ${cluster.name} has ${names.join(", ")}`,
    }),
  );
}
