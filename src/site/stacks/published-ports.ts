/** Ports that two containers of one machine cannot both publish. */
import type { Compose } from "../../formats/compose/index.ts";
import type { GuestName, SourceRef } from "../../resource.ts";
import type { Problems } from "../text/problems.ts";

export interface PublishedBy {
  readonly host: GuestName;
  /** "stack wiki". */
  readonly title: string;
  readonly file: string;
  readonly compose: Compose;
}

interface Claim {
  readonly title: string;
  readonly hostIp: string;
  readonly from: SourceRef;
}

const everywhere = "0.0.0.0";

/** Reports ports that two containers of one machine publish; `agents` are the machines with a Portainer agent. */
export function checkPublishedPorts(
  published: readonly PublishedBy[],
  agents: readonly { readonly host: GuestName; readonly port: number; readonly from: SourceRef }[],
  problems: Problems,
): void {
  const claims = new Map<string, Claim[]>();
  for (const { host, port, from } of agents)
    claims.set(`${host} ${port}/tcp`, [{ title: "Portainer's agent", hostIp: everywhere, from }]);
  for (const { host, title, file, compose } of published)
    for (const { ports } of compose.services)
      for (const { published: port, hostIp = everywhere, protocol, place } of ports) {
        if (port === undefined) continue;
        const key = `${host} ${port}/${protocol}`;
        const from = { file, ...place };
        const others = claims.get(key) ?? [];
        const other = others.find((one) => overlaps(one.hostIp, hostIp));
        if (other !== undefined) {
          const message = `${title} and ${other.title} both publish port ${port}/${protocol} on ${host}`;
          problems.report("PHX0409", from, message, { related: [other.from] });
        }
        claims.set(key, [...others, { title, hostIp, from }]);
      }
}

function overlaps(one: string, other: string): boolean {
  return one === other || one === everywhere || other === everywhere;
}
