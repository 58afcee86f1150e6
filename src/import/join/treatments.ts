/** How the gateway treats the requests of a stack's containers: what phoenix.json says beside their labels. Pure. */
import { defined } from "../../defined.ts";
import { readRule } from "../../formats/traefik/rule.ts";
import type { FoundContainer } from "../found/docker.ts";
import type { FoundServer } from "../found/web.ts";
import type { DraftObject } from "../json.ts";
import { treatmentOf } from "./services.ts";

/**
 * The settings of each Compose service of a project whose treatment is not the default one.
 * @param servers the gateway's
 */
export function stackTreatments(
  containers: readonly FoundContainer[],
  project: string,
  servers: readonly FoundServer[],
): ReadonlyMap<string, DraftObject> {
  const found = new Map<string, DraftObject>();
  for (const { labels } of containers) {
    const service = labels["com.docker.compose.service"];
    if (labels["com.docker.compose.project"] !== project || service === undefined) continue;
    const names = Object.entries(labels).flatMap(([key, value]) =>
      /^traefik\.http\.routers\.[^.]+\.rule$/i.test(key) ? readRule(value.replaceAll("$$", "$")).hosts : [],
    );
    // Another server of the name only sends clients to HTTPS.
    const server = servers.find(
      ({ isOurs, name, locations }) =>
        isOurs && names.includes(name) && locations.some(({ target }) => target.kind === "proxy"),
    );
    const treatment = server === undefined ? {} : defined(treatmentOf(server.options));
    if (Object.keys(treatment).length > 0) found.set(service, treatment);
  }
  return found;
}
