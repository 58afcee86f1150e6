/** How the gateway treats the requests of a stack's services: what phoenix.json says beside their labels. Pure. */
import { defined } from "../../defined.ts";
import { readRule } from "../../formats/traefik/rule.ts";
import type { FoundContainer } from "../found/docker.ts";
import type { FoundService } from "../found/swarms.ts";
import type { FoundServer } from "../found/web.ts";
import type { DraftObject } from "../json.ts";
import { treatmentOf } from "./services.ts";

/** A Compose service as it runs. */
interface Running {
  readonly service: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** The Compose services of a project that have containers. */
export function composeServices(containers: readonly FoundContainer[], project: string): readonly Running[] {
  return containers.flatMap(({ labels }) => {
    const service = labels["com.docker.compose.service"];
    return labels["com.docker.compose.project"] !== project || service === undefined
      ? []
      : [{ service, labels }];
  });
}

/** The services of a Swarm's stack. */
export function swarmServices(services: readonly FoundService[], stack: string): readonly Running[] {
  return services
    .filter((each) => each.stack === stack)
    .map(({ name, labels }) => ({ service: name.slice(stack.length + 1), labels }));
}

/**
 * The settings of each service whose treatment is not the default one.
 * @param servers the gateway's
 */
export function stackTreatments(
  running: readonly Running[],
  servers: readonly FoundServer[],
): ReadonlyMap<string, DraftObject> {
  const found = new Map<string, DraftObject>();
  for (const { service, labels } of running) {
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
