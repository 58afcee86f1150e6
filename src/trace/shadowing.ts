/** Which router of Traefik takes a request before another one. Pure. */
import { entryPoint } from "../formats/traefik/index.ts";
import { readRule } from "../formats/traefik/rule.ts";
import type { MeshState, SeenRouter } from "./mesh-api.ts";

/** The router that is asked before `own` and takes its requests: of higher priority, on the same entry point, for the same name and path. */
export function shadowing(
  { routers }: Pick<MeshState, "routers">,
  own: SeenRouter,
  name: string,
  path: string,
): SeenRouter | undefined {
  return [...routers.values()]
    .filter(
      (other) =>
        other !== own &&
        other.status === "enabled" &&
        other.entryPoints.includes(entryPoint) &&
        other.priority > own.priority &&
        takes(other.rule, name, path),
    )
    .sort((a, b) => b.priority - a.priority)[0];
}

/** Matchers that look at more than host and path: a rule with one takes some requests only. */
const besides = /(?<!\w)(?:Headers?|HeaderRegexp|Method|Query|QueryRegexp|ClientIP)\(|!/i;

/** Whether a rule takes every request for a name and path. */
function takes(rule: string, name: string, path: string): boolean {
  if (besides.test(rule)) return false;
  const { hosts } = readRule(rule);
  const hostPatterns = argumentsOf(rule, "HostRegexp");
  const isOtherHost = hosts.length + hostPatterns.length > 0;
  if (isOtherHost && !hosts.includes(name) && !hostPatterns.some((each) => matches(each, name))) return false;
  const [exact, prefixes, patterns] = ["Path", "PathPrefix", "PathRegexp"].map((kind) =>
    argumentsOf(rule, kind),
  );
  if ([exact, prefixes, patterns].every((each) => each?.length === 0)) return true;
  return (
    exact?.includes(path) === true ||
    prefixes?.some((each) => path.startsWith(each)) === true ||
    patterns?.some((each) => matches(each, path)) === true
  );
}

function argumentsOf(rule: string, matcher: string): readonly string[] {
  const calls = new RegExp(`(?<!\\w)${matcher}\\(\\s*[\`"]([^\`"]*)[\`"]`, "gi");
  return [...rule.matchAll(calls)].map(([, text = ""]) => text);
}

/** Go's regular expressions of hosts and paths are JavaScript's; what JavaScript cannot read matches nothing. */
function matches(pattern: string, text: string): boolean {
  try {
    return new RegExp(pattern).test(text);
  } catch {
    return false;
  }
}
