/** Ports of a Compose service, short forms and long. */
import { defined } from "../../defined.ts";
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

/** The ports of `ports`; those with a variable without a value are left out. */
export function portsOf(service: ComposeNode): ReadPorts {
  const ports: ComposePort[] = [];
  const faults: ComposeFault[] = [];
  for (const item of service.get("ports").items) {
    if (item.isUnknown) continue;
    const { place } = item;
    const read = item.isMapping ? longPort(item) : shortPorts(item.text ?? "", place);
    if (typeof read === "string") faults.push({ message: read, place });
    else ports.push(...read);
  }
  return { ports, faults };
}

function longPort(item: ComposeNode): readonly ComposePort[] | string {
  const text = (key: string): string => item.get(key).text ?? "";
  const target = portNumber(text("target"));
  if (target === undefined) return `target ${JSON.stringify(text("target"))} is not a valid port`;
  const published = rangeOf(text("published"));
  if (text("published") !== "" && published === undefined)
    return `published ${JSON.stringify(text("published"))} is not a valid port`;
  return [portOf(target, published ?? [], text("host_ip"), text("protocol"), item.place)];
}

/** "80", "8080:80", "127.0.0.1:8080:80/udp", "8000-8002:80-82", "[::1]:8080:80". */
function shortPorts(text: string, place: Place): readonly ComposePort[] | string {
  const [, places = "", protocol = ""] = /^([^/]*)(?:\/([a-z]+))?$/i.exec(text.trim()) ?? [];
  const [, bracketed, rest = ""] = /^(?:\[([^\]]*)\]:)?(.*)$/.exec(places) ?? [];
  const parts = rest.split(":");
  const targets = rangeOf(parts.pop() ?? "");
  if (targets === undefined) return `${JSON.stringify(text)} is not a valid port`;
  const host = parts.pop() ?? "";
  const published = host === "" ? [] : rangeOf(host);
  if (published === undefined) return `published ${JSON.stringify(host)} is not a valid port`;
  const hostIp = bracketed ?? parts.join(":");
  if (targets.length === 1) return [portOf(targets[0] ?? 0, published, hostIp, protocol, place)];
  if (published.length !== 0 && published.length !== targets.length)
    return `${JSON.stringify(text)} has ranges of different lengths`;
  return targets.map((target, at) => portOf(target, published.slice(at, at + 1), hostIp, protocol, place));
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
  const [, first = "", last = first] = /^(\d+)(?:-(\d+))?$/.exec(text.trim()) ?? [];
  if (first === "") return undefined;
  if (first === "0" && last === "0") return [0];
  const [from, to] = [portNumber(first), portNumber(last)];
  if (from === undefined || to === undefined || to < from) return undefined;
  return Array.from({ length: to - from + 1 }, (_, at) => from + at);
}

function portNumber(text: string): number | undefined {
  const port = Number(text);
  return /^\d+$/.test(text) && port >= 1 && port <= 65_535 ? port : undefined;
}
