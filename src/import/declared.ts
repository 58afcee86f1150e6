/** How many of each kind of thing it declares. Pure. */
import type { Draft } from "./draft.ts";
import { type DraftValue, isDraftObject, isList, Noted } from "./json.ts";

export function declared({
  config,
  guests,
  certificates,
  stacks,
}: Draft): readonly (readonly [number: number, noun: string])[] {
  const hosts = [...guests.keys()];
  const entries = [...guests.values()];
  const below = (...keys: readonly string[]): number =>
    [config, ...entries].reduce<number>((sum, entry) => sum + itemsAt(entry, keys), 0);
  return (
    [
      [hosts.filter((host) => host.startsWith("lxc/")).length, "container"],
      [hosts.filter((host) => host.startsWith("vm/")).length, "virtual machine"],
      [below("traefik_service"), "service"],
      [certificates.length, "certificate"],
      [stacks.length, "stack"],
      [below("dns_server", "dns_records") + below("dns_records"), "DNS record"],
      [below("firewall", "global_firewall_rules") + below("firewall", "rules"), "firewall rule"],
    ] as const
  ).filter(([n]) => n > 0);
}

/** The number of items at a path; an object counts as one. */
function itemsAt(value: DraftValue | undefined, path: readonly string[]): number {
  if (value instanceof Noted) return itemsAt(value.value, path);
  const [key, ...rest] = path;
  if (key === undefined) return value === undefined ? 0 : isList(value) ? value.length : 1;
  return isDraftObject(value) ? itemsAt(value[key], rest) : 0;
}
