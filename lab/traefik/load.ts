/** What the mesh's Traefik has loaded: its static configuration at start, its watched directory whenever that changes. */
import { createHash } from "node:crypto";
import { parse } from "yaml";
import type { HostName } from "../../src/resource.ts";
import type { Lab } from "../parts.ts";
import { treeOf } from "../tree.ts";
import {
  type DynamicConfiguration,
  decodeDynamic,
  emptyConfiguration,
  RefusedFile,
  type Section,
} from "./decode.ts";
import { fieldsOf } from "./values.ts";

export interface TraefikStatic {
  /** Port by entry point. */
  readonly entryPoints: Readonly<
    Record<string, { readonly port: number; readonly trusted: readonly string[] }>
  >;
  /** The watched directory; absent when the file provider is off or could not start. */
  readonly directory?: string;
  readonly watch: boolean;
  /** Whether the API answers on the entry point `traefik`. */
  readonly api: boolean;
  readonly ping: boolean;
}

export interface LoadedTraefik {
  readonly static: TraefikStatic;
  readonly dynamic: DynamicConfiguration;
  /** Digest of the directory when it was last read, loaded or not. */
  readonly seen: string;
  /** Why the last read was refused. */
  readonly refusal?: string;
  /** Names that a later file wanted as well. */
  readonly startMs: number;
}

const staticFile = "/etc/traefik/traefik.yml";

export function loadedTraefik(lab: Pick<Lab, "store">, host: HostName): LoadedTraefik | undefined {
  return lab.store.read<LoadedTraefik>(documentOf(host));
}

/** @returns why it does not start */
export async function startTraefik(lab: Lab, host: HostName): Promise<string | undefined> {
  const text = lab.files.text(host, staticFile);
  if (text === undefined) return `traefik: command error: ${staticFile}: no such file`;
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    return `traefik: command error: ${String(error).split("\n", 1)[0]}`;
  }
  const configuration = staticOf(value);
  const { directory } = configuration;
  const usable = directory !== undefined && lab.files.status(host, directory)?.kind === "directory";
  const { directory: _, ...withoutProvider } = configuration;
  lab.store.write(documentOf(host), {
    static: usable ? configuration : withoutProvider,
    dynamic: emptyConfiguration,
    seen: "",
    startMs: lab.clock.now(),
  } satisfies LoadedTraefik);
  await readDynamic(lab, host, "always");
  return undefined;
}

/**
 * Reads the watched directory. One bad file, and the whole previous configuration stays; a refusal is a line in the log
 * and no failure of anybody.
 */
export async function readDynamic(lab: Lab, host: HostName, when: "always" | "changed"): Promise<undefined> {
  const loaded = loadedTraefik(lab, host);
  if (loaded?.static.directory === undefined || (when === "changed" && !loaded.static.watch))
    return undefined;
  const files = filesIn(lab, host, loaded.static.directory);
  const seen = createHash("sha256")
    .update(JSON.stringify([...files]))
    .digest("hex");
  if (when === "changed" && seen === loaded.seen) return undefined;
  const { refusal: _, ...kept } = loaded;
  try {
    const dynamic = merged([...files].map(([name, text]) => decodedFile(name, text)));
    lab.store.write(documentOf(host), { ...kept, dynamic, seen } satisfies LoadedTraefik);
  } catch (error) {
    if (!(error instanceof RefusedFile)) throw error;
    lab.store.write(documentOf(host), { ...kept, seen, refusal: error.message } satisfies LoadedTraefik);
  }
  return undefined;
}

/** Files that the provider reads, hidden ones as well, sub-directories too, in the order of their names. */
function filesIn(lab: Lab, host: HostName, directory: string): ReadonlyMap<string, string> {
  const { files } = lab;
  if (files.status(host, directory)?.kind !== "directory") return new Map();
  const found = files.list(host, directory).flatMap((name): (readonly [string, string])[] => {
    const path = `${directory}/${name}`;
    const kind = files.status(host, path)?.kind;
    if (kind === "directory") return [...filesIn(lab, host, path)];
    return kind === "file" && /\.(ya?ml|toml)$/i.test(name) ? [[path, files.text(host, path) ?? ""]] : [];
  });
  return new Map(found);
}

function decodedFile(path: string, text: string): DynamicConfiguration {
  try {
    if (/\.toml$/i.test(path)) throw new RefusedFile("the lab reads YAML and JSON, no TOML");
    return decodeDynamic(text);
  } catch (error) {
    if (error instanceof RefusedFile) throw new RefusedFile(`${path}: ${error.message}`);
    throw error;
  }
}

/** A name that an earlier file has taken is skipped. */
function merged(files: readonly DynamicConfiguration[]): DynamicConfiguration {
  const section = (name: Exclude<keyof DynamicConfiguration, "tlsOptions">): Section =>
    Object.fromEntries(files.toReversed().flatMap((file) => Object.entries(file[name])));
  return {
    routers: section("routers"),
    services: section("services"),
    middlewares: section("middlewares"),
    serversTransports: section("serversTransports"),
    tlsOptions: files.flatMap(({ tlsOptions }) => tlsOptions),
  };
}

function staticOf(value: unknown): TraefikStatic {
  const root = fieldsOf(value);
  const points = fieldsOf(root.entryPoints);
  const api = fieldsOf(root.api);
  const file = fieldsOf(fieldsOf(root.providers).file);
  const entryPoints = Object.fromEntries(
    Object.entries(points).map(([name, point]) => {
      const { address, forwardedHeaders } = fieldsOf(point);
      const port = Number(/:(\d+)(?:\/tcp)?$/.exec(String(address))?.[1] ?? 0);
      const { trustedIPs, insecure } = fieldsOf(forwardedHeaders);
      const trusted =
        insecure === true ? ["0.0.0.0/0"] : Array.isArray(trustedIPs) ? trustedIPs.map(String) : [];
      return [name, { port, trusted }];
    }),
  );
  const insecureApi = api.insecure === true || api.insecure === "true";
  return {
    entryPoints:
      insecureApi && entryPoints.traefik === undefined
        ? { ...entryPoints, traefik: { port: 8080, trusted: [] } }
        : entryPoints,
    ...(typeof file.directory === "string" ? { directory: file.directory } : {}),
    watch: file.watch !== false,
    api: insecureApi,
    ping: root.ping !== undefined,
  };
}

function documentOf(host: HostName): string {
  return `loaded/traefik-${treeOf(host)}`;
}
