/** Who has an address that keepalived moves: worked out when somebody asks, as the machines are then. */
import type { HostName } from "../../src/resource.ts";
import { guestState } from "../guests.ts";
import type { Lab } from "../parts.ts";
import { isActive } from "../units.ts";
import { readKeepalived, type VrrpInstance } from "./config.ts";

export const configurationFile = "/etc/keepalived/keepalived.conf";

/** Of a container. */
const interfaces = ["lo", "eth0"];

/** What a daemon has loaded since its start or last reload, by host. */
const storeKey = (host: HostName): string => `keepalived-${host.replace("/", "-")}`;

/** Reads the configuration. @returns why the daemon cannot use it */
export function loadKeepalived(lab: Lab, host: HostName): string | undefined {
  const text = lab.files.text(host, configurationFile) ?? "";
  const { instances, problems, isFatal } = readKeepalived(text, configurationFile, interfaces);
  if (isFatal) return problems.join("\n");
  for (const address of instances.flatMap(({ shared }) => shared))
    if (lab.store.read(holdersKey(address)) === undefined) lab.store.write(holdersKey(address), []);
  lab.store.write(storeKey(host), text);
  return undefined;
}

interface Member {
  readonly host: HostName;
  readonly address: string;
  readonly instance: VrrpInstance;
}

/**
 * The guests that have a shared address now: several when they do not hear each other. Who has it is looked at when somebody asks, so
 * that a change of a moment between two looks is not noticed.
 */
export async function holdersOf(lab: Lab, address: string): Promise<readonly HostName[]> {
  const members = lab.facts.guests.flatMap((guest): readonly Member[] => {
    const instance = instanceOn(lab, guest.host, address);
    return instance === undefined ? [] : [{ host: guest.host, address: guest.address ?? "", instance }];
  });
  const before = lab.store.read<readonly HostName[]>(holdersKey(address)) ?? [];
  const found = await Promise.all(
    members.map(async (member) => {
      const others = members.filter((other) => other !== member);
      return isBeaten(member, await heardBy(lab, member, others), before) ? [] : [member.host];
    }),
  );
  const holders = found.flat();
  if (holders.join() !== before.join()) lab.store.settle(holdersKey(address), before, holders);
  return holders;
}

/** Who had an address at the last look. */
const holdersKey = (address: string): string => `keepalived-holders-${address}`;

/** Whether a machine leaves the address to one that it hears. */
function isBeaten(
  { host, instance }: Member,
  heard: readonly Member[],
  before: readonly HostName[],
): boolean {
  const holders = heard.filter((other) => before.includes(other.host));
  if (!before.includes(host) && instance.isPatient && holders.length > 0) return true;
  const rivals = before.includes(host)
    ? heard.filter((other) => holders.includes(other) || !other.instance.isPatient)
    : heard;
  return rivals.some((other) => other.instance.priority > instance.priority);
}

/** The shared addresses that a guest has now. */
export async function sharedOn(lab: Lab, host: HostName): Promise<readonly string[]> {
  const text = lab.store.read<string>(storeKey(host)) ?? "";
  const addresses = readKeepalived(text, configurationFile, interfaces).instances.flatMap(
    ({ shared }) => shared,
  );
  const held = await Promise.all(
    addresses.map(async (address) => (await holdersOf(lab, address)).includes(host)),
  );
  return addresses.filter((_, at) => held[at]);
}

/** The instance of a running daemon that would take the address: its tracked units run. */
function instanceOn(lab: Lab, host: HostName, address: string): VrrpInstance | undefined {
  if (guestState(lab, host as `lxc/${number}`) !== "running" || !isActive(lab, host, "keepalived"))
    return undefined;
  const text = lab.store.read<string>(storeKey(host)) ?? "";
  return readKeepalived(text, configurationFile, interfaces).instances.find(
    ({ shared, tracked }) => shared.includes(address) && tracked.every((unit) => isActive(lab, host, unit)),
  );
}

/** Those whose advertisements arrive: they name this machine as their peer, and its firewall lets them in. */
async function heardBy(lab: Lab, member: Member, others: readonly Member[]): Promise<readonly Member[]> {
  const { verdictOf } = await import("../firewall.ts");
  const heard = await Promise.all(
    others.map(async (other) => {
      const { host: from, address: source, instance } = other;
      if (!instance.peers.includes(member.address) || instance.routerId !== member.instance.routerId)
        return [];
      const packet = { from, to: member.host, source, destination: member.address } as const;
      return (await verdictOf(lab, { ...packet, protocol: "vrrp" })) === "ACCEPT" ? [other] : [];
    }),
  );
  return heard.flat();
}
