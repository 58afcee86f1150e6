/** Entries that a list has twice, which Compose takes as one (compose-go's EnforceUnicity). Pure. */
import { isYamlObject, type YamlObject } from "./compose-values.ts";

const byName = (item: unknown): unknown =>
  typeof item === "string" ? item.split("=", 1)[0] : JSON.stringify(item);
const whole = (item: unknown): unknown => (typeof item === "string" ? item : JSON.stringify(item));

/** What makes two entries of a service's list the same. Lists that are not here keep their repeats, and the schema refuses some. */
const identities = new Map<string, (item: unknown) => unknown>([
  ...["annotations", "environment", "labels", "sysctls"].map((key) => [key, byName] as const),
  ...[
    "cap_add",
    "cap_drop",
    "dns",
    "dns_opt",
    "dns_search",
    "expose",
    "links",
    "ports",
    "profiles",
    "tmpfs",
  ].map((key) => [key, whole] as const),
]);

/** The same document with one entry each: the last one, in the place of the first. */
export function withoutRepeats(root: YamlObject): YamlObject {
  if (!isYamlObject(root.services)) return root;
  const services = Object.entries(root.services).map(([name, service]) => [
    name,
    isYamlObject(service) ? Object.fromEntries(Object.entries(service).map(unique)) : service,
  ]);
  return { ...root, services: Object.fromEntries(services) };
}

function unique([key, value]: [string, unknown]): [string, unknown] {
  const identity = identities.get(key);
  if (identity === undefined || !Array.isArray(value)) return [key, value];
  return [key, [...new Map(value.map((item) => [identity(item), item])).values()]];
}
