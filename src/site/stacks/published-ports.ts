/** Ports that two containers of one machine cannot both publish. */
import type { Compose, ComposePort } from "../../formats/compose/index.ts";
import { isClash } from "../../formats/compose/ports.ts";
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
  readonly port: ComposePort;
  readonly from: SourceRef;
}

/**
 * Reports ports that containers of two stacks on one machine publish: those of one stack are a fault of its Compose file.
 * @param agents the machines with a Portainer agent
 */
export function checkPublishedPorts(
  published: readonly PublishedBy[],
  agents: readonly { readonly host: GuestName; readonly port: number; readonly from: SourceRef }[],
  problems: Problems,
): void {
  const claims = new Map<string, Claim[]>();
  for (const { host, port: number, from } of agents) {
    const port = { target: number, published: number, protocol: "tcp", place: from };
    claims.set(`${host} ${number}`, [{ title: "Portainer's agent", port, from }]);
  }
  for (const { host, title, file, compose } of published)
    for (const { ports } of compose.services)
      for (const port of ports) {
        if (port.published === undefined) continue;
        const key = `${host} ${port.published}`;
        const from = { file, ...port.place };
        const others = claims.get(key) ?? [];
        const other = others.find((one) => one.title !== title && isClash(one.port, port));
        if (other !== undefined) {
          const message = `${title} and ${other.title} both publish port ${port.published}/${port.protocol} on ${host}`;
          problems.report("PHX0409", from, message, { related: [other.from] });
        }
        claims.set(key, [...others, { title, port, from }]);
      }
}
