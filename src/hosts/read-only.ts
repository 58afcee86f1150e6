/** A world that cannot be changed, over one that can: a run that takes the lock looks through it. */
import type { HostName } from "../resource.ts";
import { readOnly } from "./decorators.ts";
import type { Host } from "./host.ts";
import { createHost } from "./script-host.ts";
import type { World } from "./world.ts";

/** The same machines, connections and clock. An attempt to change something is a bug. */
export function readOnlyWorld(world: World): World {
  const hosts = new Map<HostName, Host>();
  return {
    ...world,
    network: readOnly.network(world.network),
    host: (name) => {
      const known = hosts.get(name);
      if (known !== undefined) return known;
      const host = createHost(
        name,
        readOnly.exec((command) => world.host(name).run(command), name),
      );
      hosts.set(name, host);
      return host;
    },
  };
}
