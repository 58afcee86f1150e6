/** How notices leave: HTTP from the machine that phoenix runs on, mail from the hypervisor. */

import type { Host } from "../hosts/host.ts";
import type { World } from "../hosts/world.ts";
import type { Site } from "../model.ts";
import type { Outlet } from "../notices/deliver.ts";
import type { HostName } from "../resource.ts";

/** A lab tells nobody outside of this machine: it may be a copy of a site whose people would be alarmed. */
const here = /^(?:127\.\d+\.\d+\.\d+|localhost|\[::1\])$/;

/** @param pve the hypervisor, where it is not the world's own (see `Session.lastWords`) */
export function openOutlet(site: Site, world: World, isLab: boolean, pve: Host = world.host("pve")): Outlet {
  let roots: Promise<readonly string[]> | undefined;
  return {
    request: async (request) => {
      if (isLab && !here.test(new URL(request.url).hostname))
        throw new Error("a lab sends to this machine only");
      const { requestOutside } = await import("../hosts/outside.ts");
      roots ??= siteRoots(site, (name) => (name === "pve" ? pve : world.host(name)));
      return requestOutside(request, /^https:/i.test(request.url) ? await roots : []);
    },
    mail: async ({ to, text }, timeoutMs) => {
      const argv = ["sendmail", "-i", "--", ...to];
      await pve.expect({ argv, stdin: text, effect: "change", timeoutMs });
    },
  };
}

/** The root of the site's own CA, where there is one. */
async function siteRoots(site: Site, host: (name: HostName) => Host): Promise<readonly string[]> {
  if (site.ca === undefined) return [];
  const { findRoot } = await import("../fabric/ca-files.ts");
  return findRoot(site.ca.rootFiles, host).then(
    ({ pem }) => [pem],
    () => [],
  );
}
