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
  const { problems, isFatal } = readKeepalived(text, configurationFile, interfaces);
  if (isFatal) return problems.join("\n");
  lab.store.write(storeKey(host), text);
  return undefined;
}

interface Member {
  readonly host: HostName;
  readonly address: string;
  readonly instance: VrrpInstance;
}

/**
 * The guests that have a shared address now: several when they do not hear each other. The one with the highest priority has it; that
 * a real one leaves it where it is when the first comes back (`nopreempt`) would need a memory.
 */
export async function holdersOf(lab: Lab, address: string): Promise<readonly HostName[]> {
  const members = lab.facts.guests.flatMap((guest): readonly Member[] => {
    const instance = instanceOn(lab, guest.host, address);
    return instance === undefined ? [] : [{ host: guest.host, address: guest.address ?? "", instance }];
  });
  const holders = await Promise.all(
    members.map(async (member) => {
      const heard = await heardBy(
        lab,
        member,
        members.filter((other) => other !== member),
      );
      const isBeaten = heard.some(({ instance }) => instance.priority > member.instance.priority);
      return isBeaten ? [] : [member.host];
    }),
  );
  return holders.flat();
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
