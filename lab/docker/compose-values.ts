/** Compose's short and long forms of ports, volumes, variables and labels, made one. Pure. */
import { posix } from "node:path";
import type { ContainerMount, PublishedPort } from "./state.ts";

export type YamlObject = Readonly<Record<string, unknown>>;

export function isYamlObject(value: unknown): value is YamlObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function listOf(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

/** A command as a list, or as a line with quotes. */
export function wordsOf(value: unknown): readonly string[] {
  if (typeof value !== "string") return listOf(value).map(String);
  return [...value.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, plain]) => double ?? single ?? plain ?? "",
  );
}

/** `environment` and `labels`: a map, or a list of NAME=value. A name alone has no value. */
export function pairsOf(value: unknown): ReadonlyMap<string, string | undefined> {
  const scalar = (each: unknown): string | undefined =>
    each === null || each === undefined ? undefined : String(each);
  if (isYamlObject(value)) return new Map(Object.entries(value).map(([name, each]) => [name, scalar(each)]));
  return new Map(
    listOf(value).map((each) => {
      const [name, ...rest] = String(each).split("=");
      return [name ?? "", rest.length === 0 ? undefined : rest.join("=")];
    }),
  );
}

/** @throws Error in Compose's words */
export function portsOf(value: unknown): readonly PublishedPort[] {
  return listOf(value).flatMap((each) => (isYamlObject(each) ? [longPort(each)] : shortPorts(String(each))));
}

function longPort(port: YamlObject): PublishedPort {
  return {
    container: portNumber(String(port.target ?? "")),
    protocol: port.protocol === "udp" ? "udp" : "tcp",
    address: String(port.host_ip ?? "0.0.0.0"),
    host: port.published === undefined || port.published === "" ? 0 : portNumber(String(port.published)),
  };
}

/** "80", "8080:80", "127.0.0.1:8080:80/udp", "8000-8002:80-82". */
function shortPorts(text: string): readonly PublishedPort[] {
  const [places = "", protocol = "tcp"] = text.split("/");
  const parts = places.split(":");
  const container = range(parts.pop() ?? "", text);
  const host = parts.pop();
  const hosts = host === undefined || host === "" ? container.map(() => 0) : range(host, text);
  const address = parts.join(":").replace(/^\[|\]$/g, "") || "0.0.0.0";
  if (hosts.length !== container.length)
    throw new Error(`invalid ranges specified for container and host Ports: ${text}`);
  return container.map((port, at) => ({
    container: port,
    protocol: protocol === "udp" ? "udp" : "tcp",
    address,
    host: hosts[at] ?? 0,
  }));
}

function range(text: string, whole: string): readonly number[] {
  if (text === "") throw new Error(`no port specified: ${whole}<empty>`);
  const [first = "", last = first] = text.split("-");
  const [from, to] = [portNumber(first), portNumber(last)];
  if (to < from) throw new Error(`invalid range: ${text}`);
  return Array.from({ length: to - from + 1 }, (_, at) => from + at);
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) throw new Error(`invalid containerPort: ${text}`);
  return port;
}

/**
 * Mounts of a service. Names stay names as the file has them.
 * @param directory what relative paths stand for
 */
export function mountsOf(value: unknown, directory: string): readonly ContainerMount[] {
  return listOf(value).flatMap((each) => {
    if (!isYamlObject(each)) return [shortMount(String(each), directory)];
    const type = String(each.type ?? "volume");
    if (type !== "bind" && type !== "volume") return [];
    const source = String(each.source ?? "");
    const bind = isYamlObject(each.bind) ? each.bind : {};
    return [
      {
        type,
        source: type === "bind" ? absolute(source, directory) : source,
        target: String(each.target ?? ""),
        readOnly: each.read_only === true,
        create: bind.create_host_path === true,
      },
    ];
  });
}

/** "name:/path", "./dir:/path:ro", "/path" for a volume without a name. */
export function shortMount(text: string, directory: string): ContainerMount {
  const parts = text.split(":");
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
