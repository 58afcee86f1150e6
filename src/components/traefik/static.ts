/** What the mesh's static configuration must have for the routes to work. It belongs to its administrator: it is only read. */
import { ports } from "../../fabric/ports.ts";
import type { Fault } from "../../formats/fault.ts";
import { addressRange, contains } from "../../formats/ipv4/index.ts";
import { type JsonObject, listOf, membersOf } from "../../formats/json/index.ts";
import { entryPoint, parseConfiguration } from "../../formats/traefik/index.ts";
import { paths } from "./compile.ts";

const where = `in ${paths.static} of the mesh, then restart Traefik`;

/** A fault of the file, with the value that puts it right. */
export interface StaticFault extends Fault {
  readonly hint: string;
  /** Keys from the file's root to the value: ["providers", "file", "directory"]. */
  readonly path: readonly string[];
  readonly value: string | boolean | readonly string[];
}

/**
 * Reads traefik.yml. After an error no route can be served or proved; after a warning they can.
 * @param gateways the addresses that requests come from
 */
export function staticFaults(text: string, gateways: readonly string[]): readonly StaticFault[] {
  const root = parseConfiguration(text);
  const entryPoints = membersOf(root.entryPoints);
  return [
    providerFault(membersOf(membersOf(root.providers).file)),
    entryPointFault(membersOf(entryPoints.web), gateways),
    apiFault(membersOf(root.api), membersOf(entryPoints.traefik)),
  ].filter((fault) => fault !== undefined);
}

function providerFault({ directory, watch }: JsonObject): StaticFault | undefined {
  const watched = typeof directory === "string" ? directory : undefined;
  if (watched?.replace(/\/$/, "") !== paths.directory)
    return {
      message: `Traefik watches ${watched ?? "no directory"}, not ${paths.directory}`,
      hint: `set providers.file.directory to ${paths.directory} ${where}`,
      path: ["providers", "file", "directory"],
      value: paths.directory,
    };
  if (watch !== false) return undefined;
  return {
    message: "Traefik does not watch its directory: each change needs a reload",
    hint: `set providers.file.watch to true ${where}`,
    severity: "warning",
    path: ["providers", "file", "watch"],
    value: true,
  };
}

function entryPointFault(web: JsonObject, gateways: readonly string[]): StaticFault | undefined {
  if (portOf(web) !== ports.http)
    return {
      message: `Traefik has no entry point ${entryPoint} on port ${ports.http}`,
      hint: `set entryPoints.${entryPoint}.address to ":${ports.http}" ${where}`,
      path: ["entryPoints", entryPoint, "address"],
      value: `:${ports.http}`,
    };
  const { insecure, trustedIPs } = membersOf(web.forwardedHeaders);
  const trusted = listOf(trustedIPs);
  const unknown = gateways.filter((gateway) => !trusted.some((range) => covers(range, gateway)));
  if (insecure === true || unknown.length === 0) return undefined;
  const all = [...trusted, ...unknown.map((gateway) => `${gateway}/32`)];
  return {
    message: `Traefik does not trust the forwarded headers of the gateway (${unknown.join(" and ")}): services see http and the gateway's address`,
    hint: `set entryPoints.web.forwardedHeaders.trustedIPs to ${JSON.stringify(all)} ${where}`,
    severity: "warning",
    path: ["entryPoints", entryPoint, "forwardedHeaders", "trustedIPs"],
    value: all,
  };
}

/** Routers are proved by the API, which Traefik serves without a login on its entry point traefik. */
function apiFault({ insecure }: JsonObject, traefik: JsonObject): StaticFault | undefined {
  if (traefik.address !== undefined && portOf(traefik) !== ports.meshApi)
    return {
      message: `Traefik's entry point traefik is not on port ${ports.meshApi}, where its API is asked`,
      hint: `set entryPoints.traefik.address to ":${ports.meshApi}" ${where}`,
      path: ["entryPoints", "traefik", "address"],
      value: `:${ports.meshApi}`,
    };
  if (insecure === true) return undefined;
  return {
    message: `Traefik does not serve its API on port ${ports.meshApi}, so that nobody can tell whether it takes a router`,
    hint: `set api.insecure to true ${where}; the mesh's firewall is to open port ${ports.meshApi} to the hypervisor alone`,
    path: ["api", "insecure"],
    value: true,
  };
}

/** The port of an entry point: ":80", "0.0.0.0:80/tcp". */
function portOf({ address }: JsonObject): number {
  return Number(/:(\d+)(?:\/tcp)?$/.exec(String(address ?? ""))?.[1] ?? Number.NaN);
}

/** Whether an IPv4 network in CIDR notation, or an address, holds `address`. */
function covers(range: string, address: string): boolean {
  const [outer, inner] = [addressRange(range), addressRange(address)];
  return outer !== undefined && inner !== undefined && contains(outer, inner);
}
