/** Ports of a Compose service, short forms and long. */
import { defined } from "../../defined.ts";
import { addressNumber } from "../ipv4/index.ts";
import { isIpv6Address } from "../ipv6/index.ts";
import type { ComposeFault, ComposeNode, Place } from "./document.ts";

/** A container's port, and where the machine publishes it. */
export interface ComposePort {
  /** In the container. */
  readonly target: number;
  /** On the machine; absent when Docker chooses one. */
  readonly published?: number;
  /** The only address that it is published at; absent for every address. */
  readonly hostIp?: string;
  /** "tcp", "udp" or "sctp". */
  readonly protocol: string;
  /** "host" and "ingress" are a Swarm's words: at the machines that run it, or at every member. */
  readonly mode?: string;
  readonly place: Place;
}

/** Whether two ports cannot be published by one machine: they have the same number, and an address in common. */
export function isClash(one: ComposePort, other: ComposePort): boolean {
  if (one.published !== other.published || one.protocol !== other.protocol) return false;
  return one.hostIp === other.hostIp || one.hostIp === undefined || other.hostIp === undefined;
}

export interface ReadPorts {
  readonly ports: readonly ComposePort[];
  readonly faults: readonly ComposeFault[];
}

/** The ports of `ports`, each once; those with a variable without a value are left out. */
export function portsOf(service: ComposeNode): ReadPorts {
  const ports = new Map<string, ComposePort>();
  const faults: ComposeFault[] = [];
  for (const item of service.get("ports").items) {
    if (item.isUnknown) continue;
    const read = item.isMapping ? longPort(item) : shortPorts(item.text ?? "", item.place);
    faults.push(...read.faults);
    for (const port of read.ports) ports.set(keyOf(port), port);
  }
  return { ports: [...ports.values()], faults };
}

function keyOf({ target, published, hostIp, protocol }: ComposePort): string {
  return JSON.stringify([target, published, hostIp, protocol]);
}

function refused(message: string, place: Place, hint?: string): ReadPorts {
  return { ports: [], faults: [defined({ message, place, hint })] };
}

function longPort(item: ComposeNode): ReadPorts {
  const text = (key: string): string => item.get(key).text ?? "";
  const invalid = (key: string, what: string): ReadPorts =>
    refused(
      `${JSON.stringify(text(key))} is not a valid ${what}`,
      item.member(key)?.value.place ?? item.place,
    );
  if (item.member("target") === undefined) return refused('a port must have "target"', item.place);
  const target = portNumber(text("target"));
  if (target === undefined || target === 0) return invalid("target", "port of a container");
  const published = text("published") === "" ? [] : rangeOf(text("published"));
  if (published === undefined) return invalid("published", "port of the machine");
  if (text("host_ip") !== "" && !isAddress(text("host_ip"))) return invalid("host_ip", "address");
  if (!isProtocol(text("protocol"))) return invalid("protocol", "protocol");
  const port = portOf(target, published, text("host_ip"), text("protocol"), item.place);
  return { ports: [defined({ ...port, mode: text("mode") || undefined })], faults: [] };
}

/** "80", "8080:80", "127.0.0.1:8080:80/udp", "8000-8002:80-82", "[::1]:8080:80" (go-connections, nat). */
function shortPorts(text: string, place: Place): ReadPorts {
  const invalid = (part: string, what: string): ReadPorts =>
    refused(`${JSON.stringify(part)} is not a valid ${what}`, place, portHint);
  const parts = text.split(":");
  const [container = "", protocol = "", more] = (parts.pop() ?? "").split("/");
  const host = parts.pop() ?? "";
  const address = parts.join(":");
  const targets = rangeOf(container);
  if (targets === undefined || targets.includes(0)) return invalid(container, "port of a container");
  const published = host === "" ? [] : rangeOf(host);
  if (published === undefined) return invalid(host, "port of the machine");
  const hostIp = /^\[(.*)\]$/.exec(address)?.[1] ?? address;
  if (address !== "" && !isAddress(hostIp)) return invalid(address, "address");
  if (!isProtocol(protocol)) return invalid(protocol, "protocol");
  if (targets.length > 1 && published.length > 0 && published.length !== targets.length)
    return refused(`${JSON.stringify(text)} has ranges of different lengths`, place);
  const [only] = targets;
  const ports =
    targets.length === 1 && only !== undefined
      ? [portOf(only, published, hostIp, protocol, place)]
      : targets.map((target, at) => portOf(target, published.slice(at, at + 1), hostIp, protocol, place));
  return { ports, faults: olderFaults(address, more, place) };
}

const portHint = "[ADDRESS:][PORT:]PORT[/tcp], without spaces";

/** What only one of the versions of Compose reads. */
function olderFaults(address: string, more: string | undefined, place: Place): readonly ComposeFault[] {
  const severity = "warning";
  if (more !== undefined) return [{ message: "Compose 2.40 refuses two protocols", place, severity }];
  if (!address.includes(":") || address.startsWith("[")) return [];
  const message = "Compose 2.26 (Debian 13) refuses an IPv6 address without brackets";
  return [{ message, place, severity, hint: `[${address}]` }];
}

function isProtocol(text: string): boolean {
  return ["", "tcp", "udp", "sctp"].includes(text.toLowerCase());
}

function isAddress(text: string): boolean {
  return addressNumber(text) !== undefined || isIpv6Address(text);
}

/** One port of a container; of a range of published ports Docker takes one that is free. */
function portOf(
  target: number,
  published: readonly number[],
  hostIp: string,
  protocol: string,
  place: Place,
): ComposePort {
  return defined({
    target,
    published: published.length > 1 ? undefined : published[0] || undefined,
    hostIp: ["", "0.0.0.0", "::"].includes(hostIp) ? undefined : hostIp,
    protocol: protocol === "" ? "tcp" : protocol.toLowerCase(),
    place,
  });
}

function rangeOf(text: string): readonly number[] | undefined {
  const [first, last, more] = text.split("-");
  const from = portNumber(first ?? "");
  const to = last === undefined ? from : portNumber(last);
  if (from === undefined || to === undefined || to < from || more !== undefined) return undefined;
  return Array.from({ length: to - from + 1 }, (_, at) => from + at);
}

function portNumber(text: string): number | undefined {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined;
}
