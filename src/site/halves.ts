/** What a site declares by halves: something that needs a part which the site does not have. */
import { nearest } from "../formats/text/nearest.ts";
import type { Certificate, Roles, Service } from "../model.ts";
import type { SourceRef } from "../resource.ts";
import type { Cell } from "./text/cell.ts";
import type { Problems } from "./text/problems.ts";

/** How many other places of one cause are named. */
const maxRelated = 4;

interface Declared {
  readonly roles: Roles;
  readonly services: readonly Service[];
  readonly certificates: readonly Certificate[];
  /** The CA's settings, which need a CA. */
  readonly caSettings: SourceRef | undefined;
}

/** Reports each missing role once, at the first thing that needs it. */
export function checkHalves(
  { roles, services, certificates, caSettings }: Declared,
  problems: Problems,
): void {
  const routed = services.filter(({ path }) => path === "routed");
  const [service, ...others] = routed.map(({ from }) => from);
  const missing = [
    ...(roles.gateway === undefined ? ["the gateway (Nginx)"] : []),
    ...(roles.mesh === undefined ? ["the mesh (Traefik)"] : []),
  ];
  if (service !== undefined && missing.length > 0) {
    const message = `${routed[0]?.names[0]} cannot be routed: no container is ${missing.join(" or ")}`;
    const role = roles.gateway === undefined ? "gateway" : "mesh";
    problems.report("PHX0210", service, message, {
      related: others.slice(0, maxRelated),
      hint: `add "fabric_role": "${role}" to the entry of its container, or "external": true to the service when somebody else's proxy serves it`,
    });
  }
  const [certificate, ...more] = certificates.map(({ from }) => from);
  const needsCa = certificate ?? caSettings;
  if (roles.ca === undefined && needsCa !== undefined) {
    const what = certificate === undefined ? "step_ca is declared" : "certificates are declared";
    problems.report("PHX0210", needsCa, `${what}, and no container is the CA (Step-CA)`, {
      related: more.slice(0, maxRelated),
      hint: 'add "fabric_role": "ca" to the entry of its container',
    });
  }
}

/** Reports a missing domain. @param named what has names below it, as far as the site has that */
export function checkDomain(config: Cell, named: readonly unknown[], problems: Problems): void {
  const misspelled = config.entries().some(([key]) => nearest(key, ["domain_name"]) !== undefined);
  if (config.get("domain_name") !== undefined || misspelled || !named.some(Boolean)) return;
  problems.report("PHX0104", config, 'the hypervisor\'s configuration needs "domain_name"', {
    hint: '"domain_name": "example.home.arpa": DNS, services and certificates have their names below it',
  });
}
