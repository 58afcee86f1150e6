/** Looks at the pair: exactly one gateway has the shared address, and what is behind it answers. */
import { type Check, external, failed, type Io, passed } from "../../component.ts";
import { isUnavailable, messageOf, TransportError } from "../../errors.ts";
import { ports } from "../../fabric/ports.ts";
import { poll } from "../../poll.ts";
import type { ResourceId } from "../../resource.ts";
import { type Member, membersOf } from "./compile.ts";
import { hasAddress } from "./holder.ts";

/** After a start or a reload each waits three advertisements of a second, and its check of Nginx passes twice. Milliseconds. */
const settleMs = 15_000;

/** What was seen of one gateway. */
interface Seen {
  readonly member: Member;
  readonly holds: boolean | undefined;
  readonly reason?: string;
}

export async function verify(io: Io): Promise<readonly Check[]> {
  const { gatewayPair } = io.site;
  const members = membersOf(io.site);
  const [first] = members;
  if (gatewayPair === undefined || first === undefined) return [];
  const { address } = gatewayPair;
  const seen = await poll(
    { clock: io.clock, forMs: settleMs, pauseMs: 500 },
    () => Promise.all(members.map((member) => look(io, member, address))),
    (all) => all.filter(({ holds }) => holds).length === 1,
  );
  const unseen = seen.filter(({ holds }) => holds === undefined);
  return [
    checkHolder(first.configuration, address, seen),
    await checkAnswers(io, first.configuration, address),
    ...unseen.map(({ member, reason = "" }) =>
      external(failed(member.service, `${member.guest.name} can take ${address} over`, reason)),
    ),
  ];
}

async function look(io: Io, member: Member, address: string): Promise<Seen> {
  try {
    return { member, holds: await hasAddress(io.host(member.guest.host), address) };
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    return { member, holds: undefined, reason: messageOf(error) };
  }
}

function checkHolder(id: ResourceId, address: string, seen: readonly Seen[]): Check {
  const claim = `one gateway has ${address}`;
  const holders = seen.filter(({ holds }) => holds);
  if (holders.length === 1) return passed(id, claim);
  const hint = "`journalctl -u keepalived` in both gateways says why";
  if (holders.length === 0) return failed(id, claim, "none of them has it", hint);
  const names = holders.map(({ member }) => member.guest.name).join(" and ");
  return failed(
    id,
    claim,
    `${names} have it: they do not hear each other`,
    `${hint}; a firewall between them must let VRRP through, IP protocol 112`,
  );
}

async function checkAnswers(io: Io, id: ResourceId, address: string): Promise<Check> {
  const claim = `${address}:${ports.https} answers`;
  try {
    const seen = await io.network.connect(address, ports.https);
    if (seen.ok) return passed(id, claim);
    return failed(id, claim, seen.reason, "`ip addr` in the gateways shows who has the address");
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    return failed(id, claim, messageOf(error));
  }
}
