/** What the mesh's static configuration must have for the routes to work. It belongs to its administrator: it is only read. */
import type { Fault } from "../../formats/fault.ts";
import { addressRange, contains } from "../../formats/ipv4/index.ts";
import { type JsonObject, listOf, membersOf } from "../../formats/json/index.ts";
import { parseConfiguration } from "../../formats/traefik/index.ts";
import { paths } from "./compile.ts";

const where = `in ${paths.static} of the mesh, then restart Traefik`;

/**
 * Reads traefik.yml. After an error no route can be served; after a warning they can.
 * @param gateway the address that requests come from
 */
export function staticFaults(text: string, gateway: string | undefined): readonly Fault[] {
  const root = parseConfiguration(text);
  const provider = providerFault(membersOf(membersOf(root.providers).file));
  const entryPoint = entryPointFault(membersOf(membersOf(root.entryPoints).web), gateway);
  return [provider, entryPoint].filter((fault) => fault !== undefined);
}

function providerFault({ directory, watch }: JsonObject): Fault | undefined {
  const watched = typeof directory === "string" ? directory : undefined;
  if (watched?.replace(/\/$/, "") !== paths.directory)
    return {
      message: `Traefik watches ${watched ?? "no directory"}, not ${paths.directory}`,
      hint: `set providers.file.directory to ${paths.directory} ${where}`,
    };
  if (watch !== false) return undefined;
  return {
    message: "Traefik does not watch its directory: each change needs a reload",
    hint: `remove providers.file.watch ${where}`,
    severity: "warning",
  };
}

function entryPointFault(web: JsonObject, gateway: string | undefined): Fault | undefined {
  if (!/:80$/.test(String(web.address ?? "").replace(/\/tcp$/, "")))
    return {
      message: "Traefik has no entry point web on port 80",
      hint: `set entryPoints.web.address to ":80" ${where}`,
    };
  const { insecure, trustedIPs } = membersOf(web.forwardedHeaders);
  const trusted = listOf(trustedIPs);
  if (gateway === undefined || insecure === true || trusted.some((range) => covers(range, gateway)))
    return undefined;
  return {
    message: `Traefik does not trust the forwarded headers of the gateway (${gateway}): services see http and the gateway's address`,
    hint: `set entryPoints.web.forwardedHeaders.trustedIPs to ["${gateway}/32"] ${where}`,
    severity: "warning",
  };
}

/** Whether an IPv4 network in CIDR notation, or an address, holds `address`. */
function covers(range: string, address: string): boolean {
  const [outer, inner] = [addressRange(range), addressRange(address)];
  return outer !== undefined && inner !== undefined && contains(outer, inner);
}
