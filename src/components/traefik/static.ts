/** What the mesh's static configuration must have for the routes to work. It is its administrator's; we only look at it. */
import { addressRange, contains } from "../../formats/ipv4/index.ts";
import { membersOf, parsed } from "../../formats/traefik/index.ts";
import { paths } from "./compile.ts";

export interface StaticProblem {
  readonly message: string;
  readonly hint: string;
  /** Whether it keeps every route from being served. */
  readonly fatal: boolean;
}

/**
 * Reads traefik.yml.
 * @param gateway the address that requests come from
 */
export function staticProblems(text: string, gateway: string): readonly StaticProblem[] {
  const root = parsed(text);
  const problems: StaticProblem[] = [];
  const file = membersOf(membersOf(root.providers).file);
  const where = `in ${paths.static} of the mesh, then restart Traefik`;
  if (typeof file.directory !== "string") {
    problems.push({
      message: "Traefik watches no directory",
      hint: `set providers.file.directory to ${paths.directory} ${where}`,
      fatal: true,
    });
  } else if (file.directory.replace(/\/$/, "") !== paths.directory) {
    problems.push({
      message: `Traefik watches ${file.directory}, not ${paths.directory}`,
      hint: `set providers.file.directory to ${paths.directory} ${where}`,
      fatal: true,
    });
  } else if (file.watch === false) {
    problems.push({
      message: "Traefik does not watch its directory: each change needs a reload",
      hint: `remove providers.file.watch ${where}`,
      fatal: false,
    });
  }
  const web = membersOf(membersOf(root.entryPoints).web);
  if (!/:80$/.test(String(web.address ?? "").replace(/\/tcp$/, ""))) {
    problems.push({
      message: "Traefik has no entry point web on port 80",
      hint: `set entryPoints.web.address to ":80" ${where}`,
      fatal: true,
    });
    return problems;
  }
  const forwarded = membersOf(web.forwardedHeaders);
  const trusted = Array.isArray(forwarded.trustedIPs) ? forwarded.trustedIPs.map(String) : [];
  if (forwarded.insecure !== true && !trusted.some((range) => covers(range, gateway)))
    problems.push({
      message: `Traefik does not believe the gateway (${gateway}) who its clients are: services see http and its address`,
      hint: `set entryPoints.web.forwardedHeaders.trustedIPs to ["${gateway}/32"] ${where}`,
      fatal: false,
    });
  return problems;
}

/** Whether an IPv4 network in CIDR notation, or an address, holds `address`. */
function covers(range: string, address: string): boolean {
  const [outer, inner] = [addressRange(range), addressRange(address)];
  return outer !== undefined && inner !== undefined && contains(outer, inner);
}
