/** What the mesh's static configuration must have for the routes to work. It belongs to its administrator: it is only read. */
import { addressRange, contains } from "../../formats/ipv4/index.ts";
import { membersOf, parsed } from "../../formats/traefik/index.ts";
import { paths } from "./compile.ts";

export interface StaticProblem {
  readonly message: string;
  readonly hint: string;
  /** No route can be served. */
  readonly fatal: boolean;
}

const where = `in ${paths.static} of the mesh, then restart Traefik`;

/**
 * Reads traefik.yml.
 * @param gateway the address that requests come from
 */
export function staticProblems(text: string, gateway: string): readonly StaticProblem[] {
  const root = parsed(text);
  const provider = providerProblem(membersOf(membersOf(root.providers).file));
  const entryPoint = entryPointProblem(membersOf(membersOf(root.entryPoints).web), gateway);
  return [provider, entryPoint].filter((problem) => problem !== undefined);
}

function providerProblem({ directory, watch }: Readonly<Record<string, unknown>>): StaticProblem | undefined {
  const watched = typeof directory === "string" ? directory : undefined;
  if (watched?.replace(/\/$/, "") !== paths.directory)
    return {
      message: `Traefik watches ${watched ?? "no directory"}, not ${paths.directory}`,
      hint: `set providers.file.directory to ${paths.directory} ${where}`,
      fatal: true,
    };
  if (watch !== false) return undefined;
  return {
    message: "Traefik does not watch its directory: each change needs a reload",
    hint: `remove providers.file.watch ${where}`,
    fatal: false,
  };
}

function entryPointProblem(
  web: Readonly<Record<string, unknown>>,
  gateway: string,
): StaticProblem | undefined {
  if (!/:80$/.test(String(web.address ?? "").replace(/\/tcp$/, "")))
    return {
      message: "Traefik has no entry point web on port 80",
      hint: `set entryPoints.web.address to ":80" ${where}`,
      fatal: true,
    };
  const { insecure, trustedIPs } = membersOf(web.forwardedHeaders);
  const trusted = Array.isArray(trustedIPs) ? trustedIPs.map(String) : [];
  if (insecure === true || trusted.some((range) => covers(range, gateway))) return undefined;
  return {
    message: `Traefik does not trust the forwarded headers of the gateway (${gateway}): services see http and the gateway's address`,
    hint: `set entryPoints.web.forwardedHeaders.trustedIPs to ["${gateway}/32"] ${where}`,
    fatal: false,
  };
}

/** Whether an IPv4 network in CIDR notation, or an address, holds `address`. */
function covers(range: string, address: string): boolean {
  const [outer, inner] = [addressRange(range), addressRange(address)];
  return outer !== undefined && inner !== undefined && contains(outer, inner);
}
