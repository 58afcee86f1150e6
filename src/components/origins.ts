/** What each component knows about the origins of its resources: loaded by `phoenix why` alone, so that no other command pays for it. */
import type { ComponentName } from "../component.ts";
import type { Site } from "../model.ts";
import type { Explained } from "../origin.ts";
import { parts } from "./parts.ts";

type Explain = (site: Site) => readonly Explained[];

const table: Readonly<Record<ComponentName, () => Promise<{ readonly explain: Explain }>>> = {
  trust: () => import("./trust/origins.ts"),
  dns: () => import("./dns/origins.ts"),
  firewall: () => import("./firewall/origins.ts"),
  certificates: () => import("./certificates/origins.ts"),
  swarm: () => import("./swarm/origins.ts"),
  portainer: () => import("./portainer/origins.ts"),
  traefik: () => import("./traefik/origins.ts"),
  nginx: () => import("./nginx/origins.ts"),
  keepalived: () => import("./keepalived/origins.ts"),
  stacks: () => import("./stacks/origins.ts"),
};

/** Everything that follows from a site, in the order of the components; of those that are off, nothing. Pure. */
export async function explainSite(site: Site): Promise<readonly Explained[]> {
  const taking = Object.entries(table).filter(([name]) => parts[name]?.off(site) === undefined);
  const loaded = await Promise.all(taking.map(([, load]) => load()));
  return loaded.flatMap(({ explain }) => explain(site));
}
