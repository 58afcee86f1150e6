/** From joined names to the services that guests declare. Pure. */

import { ports } from "../../fabric/ports.ts";
import { defaultServiceOptions } from "../../model.ts";
import type { GuestName } from "../../resource.ts";
import type { FoundOptions, FoundServer } from "../found/web.ts";
import type { FoundGuest } from "../found.ts";
import { type DraftObject, type DraftValue, noted } from "../json.ts";
import type { JoinedName } from "./names.ts";

/** Names that belong to one service: one port of one guest, by one router or one server. */
interface ServiceGroup {
  readonly first: JoinedName;
  readonly names: readonly string[];
}

/** The `traefik_service` of each guest. */
export function serviceEntries(
  joined: readonly JoinedName[],
  domain: string | undefined,
): ReadonlyMap<GuestName, DraftValue> {
  const guests = new Map<GuestName, ServiceGroup[]>();
  for (const group of groupsOf(joined)) {
    const { host } = group.first.guest;
    guests.set(host, [...(guests.get(host) ?? []), group]);
  }
  const taken = new Set<string>();
  return new Map(
    [...guests].map(([host, groups]) => {
      const entries = groups.map((group) => noted(entryOf(group, domain, taken), group.first.source));
      const [only, ...more] = entries;
      return [host, only !== undefined && more.length === 0 ? only : entries];
    }),
  );
}

/** Names that the gateway itself answers for: they have its address, and no router. */
export function gatewayEntries(
  servers: readonly FoundServer[],
  guests: readonly FoundGuest[],
): readonly JoinedName[] {
  return servers.flatMap(({ name, host, options, source }) => {
    const guest = guests.find((each) => each.host === host);
    return guest === undefined
      ? []
      : [{ name, guest, port: ports.https, scheme: "https" as const, options, isOurs: true, source }];
  });
}

function groupsOf(joined: readonly JoinedName[]): readonly ServiceGroup[] {
  const groups = new Map<string, { first: JoinedName; names: string[] }>();
  for (const each of joined) {
    const { guest, port, scheme, serverName, options, router, isOurs, source } = each;
    const by = router === undefined ? `${source.host} ${source.path}:${source.line}` : router.name;
    const key = JSON.stringify([guest.host, port, scheme, serverName, options, isOurs, by]);
    const group = groups.get(key) ?? { first: each, names: [] };
    if (!group.names.includes(each.name)) group.names.push(each.name);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ first, names }) => ({ first, names: inRuleOrder(first, names) }));
}

/** As the router's rule names them: the rule is made from the names again. */
function inRuleOrder({ router }: JoinedName, names: readonly string[]): readonly string[] {
  const order = router?.names ?? [];
  return names.toSorted((a, b) => order.indexOf(a) - order.indexOf(b));
}

/** Ports that speak TLS unless a `scheme` says otherwise. */
const tlsPorts: readonly number[] = [443, 8443, 9443];

function entryOf(
  { first, names }: ServiceGroup,
  domain: string | undefined,
  taken: Set<string>,
): DraftObject {
  const { port, scheme, serverName, options, router, isOurs } = first;
  const name = nameOf(names[0] ?? "", isOurs ? router?.name : undefined, domain, taken);
  const plain = [domain === undefined ? name : `${name}.${domain}`];
  return {
    name,
    host: names.join() === plain.join() ? undefined : names.length === 1 ? names[0] : names,
    port,
    scheme: scheme === (tlsPorts.includes(port) ? "https" : "http") ? undefined : scheme,
    server_name: serverName,
    ...(isOurs ? treatmentOf(options) : {}),
    external: isOurs ? undefined : true,
  };
}

/** The service's id: the router's own where Phoenix made it, else the first label of the host name that nobody has. */
function nameOf(
  host: string,
  router: string | undefined,
  domain: string | undefined,
  taken: Set<string>,
): string {
  const isWithin = domain !== undefined && host.endsWith(`.${domain}`);
  const short = isWithin ? host.slice(0, -domain.length - 1) : host;
  const wanted = router ?? (taken.has(idOf(short)) ? idOf(host) : short);
  taken.add(idOf(wanted));
  return wanted;
}

function idOf(name: string): string {
  return name.replace(/[^a-z0-9_-]+/g, "-");
}

/** What differs from a service's defaults. */
export function treatmentOf({ maxBodyBytes, readTimeoutSeconds, buffering }: FoundOptions): DraftObject {
  const given = defaultServiceOptions;
  return {
    max_body_size:
      maxBodyBytes === undefined || maxBodyBytes === given.maxBodyBytes ? undefined : sizeText(maxBodyBytes),
    read_timeout:
      readTimeoutSeconds === undefined || readTimeoutSeconds === given.readTimeoutSeconds
        ? undefined
        : timeText(readTimeoutSeconds),
    buffering: buffering === undefined || buffering === given.buffering ? undefined : buffering,
  };
}

function sizeText(bytes: number): string {
  const units = [
    ["g", 1024 ** 3],
    ["m", 1024 ** 2],
    ["k", 1024],
  ] as const;
  const [unit, factor] = units.find(([, size]) => bytes > 0 && bytes % size === 0) ?? ["", 1];
  return `${bytes / factor}${unit}`;
}

function timeText(seconds: number): string {
  const units = [
    ["d", 86_400],
    ["h", 3600],
    ["m", 60],
  ] as const;
  const [unit, factor] = units.find(([, size]) => seconds % size === 0) ?? ["s", 1];
  return `${seconds / factor}${unit}`;
}
