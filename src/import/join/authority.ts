/** The site's CA: the one container whose Step-CA has all that it needs to issue certificates. Pure. */
import { ports } from "../../fabric/ports.ts";
import type { FoundAuthority } from "../found/web.ts";
import type { FoundGuest, FoundRecord, Left } from "../found.ts";
import { addressOf } from "../guests.ts";
import { type DraftObject, noted } from "../json.ts";

export interface JoinedAuthority {
  readonly guest: FoundGuest;
  readonly authority: FoundAuthority;
  /** `step_ca` of the hypervisor's configuration. */
  readonly settings: DraftObject;
}

export function joinAuthority(
  authorities: readonly FoundAuthority[],
  guests: readonly FoundGuest[],
  records: readonly FoundRecord[],
  domain: string | undefined,
): { readonly authority: JoinedAuthority | undefined; readonly left: readonly Left[] } {
  const left: Left[] = [];
  const leave = ({ source }: FoundAuthority, reason: string): void =>
    void left.push({ source, what: "Step-CA", reason });
  const usable = authorities.flatMap((authority) => {
    const guest = guests.find(({ host }) => host === authority.host);
    const faults = [...authority.faults, ...placeFaults(guest), ...provisionerFaults(authority, domain)];
    if (guest !== undefined && faults.length === 0) return [{ authority, guest }];
    leave(authority, `it cannot issue the site's certificates: ${faults.join("; ")}`);
    return [];
  });
  const [only, ...more] = usable;
  if (only === undefined) return { authority: undefined, left };
  if (more.length > 0) {
    const hosts = usable.map(({ guest }) => guest.host).join(" and ");
    for (const { authority } of usable)
      leave(authority, `${hosts} could both be the CA: add "fabric_role": "ca" to the right one`);
    return { authority: undefined, left };
  }
  return { authority: { ...only, settings: settingsOf(only.authority, only.guest, records, domain) }, left };
}

function placeFaults(guest: FoundGuest | undefined): readonly string[] {
  if (guest?.kind !== "lxc") return ["the CA of a site is a container"];
  return addressOf(guest) === undefined ? ["its guest has no fixed address"] : [];
}

/** One provisioner, or the one that a site has without saying so. */
function provisionerFaults({ provisioners }: FoundAuthority, domain: string | undefined): readonly string[] {
  if (provisioners.length < 2 || provisioners.includes(`admin@${domain}`)) return [];
  return [
    `it has several JWK provisioners (${provisioners.join(", ")}): name one in step_ca.provisioner_name`,
  ];
}

function settingsOf(
  { provisioners, dnsNames, port, source }: FoundAuthority,
  guest: FoundGuest,
  records: readonly FoundRecord[],
  domain: string | undefined,
): DraftObject {
  const usual = `admin@${domain}`;
  const [first] = provisioners;
  return {
    dns_name: noted(nameOf(dnsNames, guest, records, domain), source),
    provisioner_name: provisioners.includes(usual) ? usual : first,
    port: port === ports.ca ? undefined : port,
  };
}

/** The CA accepts each of its names; the one that clients know already is best. */
function nameOf(
  names: readonly string[],
  guest: FoundGuest,
  records: readonly FoundRecord[],
  domain: string | undefined,
): string {
  const hosts = names.filter((name) => !/^[\d.]+$/.test(name) && !name.includes(":") && name !== "localhost");
  const isKnown = (name: string): boolean =>
    records.some((record) => record.name === name && record.address === addressOf(guest));
  const isWithin = (name: string): boolean => domain !== undefined && name.endsWith(`.${domain}`);
  return hosts.find(isKnown) ?? hosts.find(isWithin) ?? hosts[0] ?? "";
}
