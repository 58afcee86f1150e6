/** The APIs of one run, each opened by its first call: a run that needs none contacts none. */
import type { Clock } from "../component.ts";
import { defined } from "../defined.ts";
import { NotReadyError } from "../errors.ts";
import type { Network } from "../hosts/network.ts";
import type { Site } from "../model.ts";
import type { Secret } from "../secret.ts";
import type { Apis } from "./apis.ts";
import { createPortainerClient } from "./portainer/client.ts";
import type { PortainerApi } from "./portainer/index.ts";
import { StepCaClient } from "./step-ca/client.ts";
import type { StepCaApi } from "./step-ca/index.ts";

export interface ApisOptions {
  /** PEM of the site's root certificate; asked for with each request, so the caller keeps it. @throws NotReadyError when there is none yet */
  readonly root: () => Promise<string>;
  /** The administrator's password that worked last, if it is known. */
  readonly previousPassword?: () => Promise<Secret | undefined>;
}

/** One instance of each client, so that one login serves the whole run. */
export function openApis(site: Site, network: Network, clock: Clock, options: ApisOptions): Apis {
  let portainer: PortainerApi | undefined;
  let stepCa: StepCaApi | undefined;
  return {
    get portainer() {
      portainer ??= openPortainer(site, network, clock, options);
      return portainer;
    },
    get stepCa() {
      if (site.ca === undefined) throw new NotReadyError("the site declares no CA");
      stepCa ??= new StepCaClient({ network, clock, ca: site.ca });
      return stepCa;
    },
  };
}

function openPortainer(site: Site, network: Network, clock: Clock, options: ApisOptions): PortainerApi {
  const { root, previousPassword } = options;
  const { portainer, externalPortainer, ca } = site;
  if (externalPortainer !== undefined) {
    const {
      address,
      port,
      hostname,
      adminUser: user,
      adminPassword,
      apiKey,
      fingerprint,
    } = externalPortainer;
    return createPortainerClient({
      ...{ network, clock, address, port, hostname, user },
      root: ca === undefined ? async () => undefined : root,
      ...defined({ password: adminPassword, apiKey, fingerprint }),
    });
  }
  if (portainer === undefined)
    throw new NotReadyError("the site declares no Portainer server", {
      hint: 'give a virtual machine "portainer_role": "primary"',
    });
  const { guest, port, hostname, adminUser: user, adminPassword, apiKey } = portainer;
  return createPortainerClient({
    ...{ network, clock, root, address: guest.address, port, hostname, user },
    ...defined({ password: adminPassword, apiKey, previousPassword }),
  });
}
