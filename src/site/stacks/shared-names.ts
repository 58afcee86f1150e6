/** Names that Docker gives once on each machine: two stacks cannot both have one. */
import type { SourceRef } from "../../resource.ts";
import { Claims } from "../text/claims.ts";
import type { Problems } from "../text/problems.ts";
import type { PublishedBy } from "./published-ports.ts";

interface Owner {
  readonly title: string;
  readonly from: SourceRef;
}

/** Reports containers and networks that two stacks of one machine would make. */
export function checkSharedNames(stacks: readonly PublishedBy[], problems: Problems): void {
  const containers = new Claims<Owner>();
  const networks = new Claims<Owner>();
  for (const { host, title, file, compose } of stacks) {
    for (const { containerName, place, profiles } of compose.services) {
      if (containerName === undefined || profiles.length > 0) continue;
      const from = { file, ...place };
      const other = containers.take(`${host} ${containerName}`, { title, from });
      if (other === undefined || other.title === title) continue;
      const message = `${title} and ${other.title} both have a container called ${containerName} on ${host}`;
      problems.report("PHX0417", from, message, { related: [other.from] });
    }
    for (const { name, external, place } of compose.networks) {
      if (external) continue;
      const from = { file, ...place };
      const other = networks.take(`${host} ${name}`, { title, from });
      if (other === undefined || other.title === title) continue;
      const message = `${title} and ${other.title} both make the network ${name} on ${host}`;
      problems.report("PHX0418", from, message, { related: [other.from] });
    }
  }
}
