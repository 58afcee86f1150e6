/** Compose's short and long forms of ports, volumes, variables and labels, made one. Pure. */
import { isIP } from "node:net";
import { posix } from "node:path";
import { splitWords } from "./command-line.ts";
import { invalid } from "./compose-errors.ts";
import type { ContainerMount, PublishedPort } from "./state.ts";

export type YamlObject = Readonly<Record<string, unknown>>;

export function isYamlObject(value: unknown): value is YamlObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function listOf(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

/** A command as a list, or as a line with quotes. @throws Error when a quote is left open */
export function wordsOf(value: unknown): readonly string[] {
  if (typeof value === "string") return splitWords(value);
  return listOf(value).flatMap((each) => (each === null ? [] : [String(each)]));
}

/** `environment` and `labels`: a map, or a list of NAME=value. A name alone has no value. */
export function pairsOf(value: unknown): ReadonlyMap<string, string | undefined> {
  const scalar = (each: unknown): string | undefined =>
    each === null || each === undefined ? undefined : scalarText(each);
  if (isYamlObject(value)) return new Map(Object.entries(value).map(([name, each]) => [name, scalar(each)]));
  return new Map(
    listOf(value).map((each) => {
      const [name, ...rest] = String(each).split("=");
      return [name ?? "", rest.length === 0 ? undefined : rest.join("=")];
    }),
  );
}

/** A scalar as Go prints it. */
function scalarText(value: unknown): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  return value === Number.NEGATIVE_INFINITY ? "-Inf" : String(value);
}

/** @throws Error in Compose's words */
export function portsOf(value: unknown): readonly PublishedPort[] {
  return listOf(value).flatMap((each) => (isYamlObject(each) ? [longPort(each)] : shortPorts(String(each))));
}

function longPort(port: YamlObject): PublishedPort {
  const address = String(port.host_ip ?? "");
  if (address !== "" && !isIP(address)) throw new Error(`invalid ip address: ${address}`);
  if (port.target === undefined) throw new Error("a port is missing its target");
  const published = String(port.published ?? "");
  return {
    container: Number(port.target ?? 0),
    protocol: String(port.protocol ?? "tcp"),
    address: address === "" ? "0.0.0.0" : address,
    ...hostPorts(published === "" ? "0" : published),
  };
}

/** "80", "8080:80", "127.0.0.1:8080:80/udp", "[::1]:8080:80", "8000-8002:80-82". */
function shortPorts(text: string): readonly PublishedPort[] {
  const [, places = "", protocol = "tcp"] = /^([^/]*)(?:\/(.*))?$/.exec(text) ?? [];
  if (!/^(tcp|udp|sctp|)$/i.test(protocol)) throw new Error(`Invalid proto: ${protocol}`);
  if (/^$|:$/.test(places)) throw new Error(`No port specified: ${text}<empty>`);
  const parts = places.split(":");
  const container = range(parts.pop() ?? "", "containerPort");
  if (container[0] === 0) throw new Error("a port is missing its target");
  const host = parts.pop() ?? "";
  const address = parts.join(":").replace(/^\[(.*)\]$/, "$1");
  if (address !== "" && !isIP(address)) throw new Error(`Invalid ip address: ${address}`);
  const hosts = host === "" ? [] : range(host, "hostPort");
  const spread = hosts.length > container.length && container.length === 1;
  if (hosts.length > 0 && hosts.length !== container.length && !spread)
    throw new Error(
      `invalid ranges specified for container and host Ports: ${container.join("-")} and ${host}`,
    );
  return container.map((port, at) => ({
    container: port,
    protocol: protocol === "" ? "tcp" : protocol.toLowerCase(),
    address: address === "" ? "0.0.0.0" : address,
    ...(spread ? hostPorts(host) : { host: hosts[at] ?? 0 }),
  }));
}

/** A port, or a range in which the engine looks for a free one. What is neither is the engine's to refuse. */
function hostPorts(text: string): Pick<PublishedPort, "host" | "upTo"> {
  const [, first, last] = /^(\d+)-(\d+)$/.exec(text) ?? [];
  return first === undefined ? { host: Number(text) } : { host: Number(first), upTo: Number(last) };
}

function range(text: string, what: string): readonly number[] {
  const [, first = "", last = first] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? [];
  const [from, to] = [Number(first), Number(last)];
  if (first === "" || to < from || to > 65_535) throw new Error(`Invalid ${what}: ${text}`);
  return Array.from({ length: to - from + 1 }, (_, at) => from + at);
}

/**
 * Mounts of a service. Names stay names as the file has them.
 * @param directory what relative paths stand for
 */
export function mountsOf(value: unknown, directory: string): readonly ContainerMount[] {
  return listOf(value).flatMap((each) => {
    if (!isYamlObject(each)) return [shortMount(String(each), directory)];
    const type = String(each.type ?? "volume");
    const source = String(each.source ?? "");
    const target = String(each.target ?? "");
    if (target === "") throw invalid("service volume is missing a mount target");
    if (type === "bind" && source === "")
      throw invalid('invalid mount config for type "bind": field Source must not be empty');
    if (type !== "bind" && type !== "volume") return [];
    const bind = isYamlObject(each.bind) ? each.bind : {};
    return [
      {
        type,
        source: type === "bind" ? absolute(source, directory) : source,
        target,
        readOnly: each.read_only === true,
        create: bind.create_host_path === true,
      },
    ];
  });
}

/** "name:/path", "./dir:/path:ro", "/path" for a volume without a name. @throws ComposeError */
export function shortMount(text: string, directory: string): ContainerMount {
  if (text === "") throw invalid("invalid empty volume spec");
  const parts = text.split(":");
  if (parts.includes("")) throw invalid(`invalid spec: ${text}: empty section between colons`);
  if (parts.length > 3) throw invalid(`invalid spec: ${text}: too many colons`);
  const [first = "", target, mode = ""] = parts;
  if (target === undefined)
    return { type: "volume", source: "", target: first, readOnly: false, create: false };
  const bind = /^[./~]/.test(first);
  return {
    type: bind ? "bind" : "volume",
    source: bind ? absolute(first, directory) : first,
    target,
    readOnly: mode.split(",").includes("ro"),
    create: bind,
  };
}

function absolute(path: string, directory: string): string {
  return posix.resolve(directory, path.replace(/^~(?=\/|$)/, "/root"));
}
