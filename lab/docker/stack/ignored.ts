/** What `docker stack deploy` says it ignores (docker/cli 26.1). Pure. */
import type { YamlObject } from "../compose-values.ts";
import { membersOf } from "./names.ts";

/** Keys of a service that do nothing in a Swarm. */
const unsupported = [
  ...["build", "cgroupns_mode", "cgroup_parent", "devices", "domainname", "external_links", "ipc", "links"],
  ...[
    "mac_address",
    "network_mode",
    "pid",
    "privileged",
    "restart",
    "security_opt",
    "shm_size",
    "userns_mode",
  ],
];

const deprecated: Readonly<Record<string, string>> = {
  container_name: "Setting the container name is not supported.",
  expose:
    "Exposing ports is unnecessary - services on the same network can access each other's containers on any port.",
};

/** Lines for standard error. */
export function warn(document: YamlObject, err: string[]): void {
  const keys = new Set(membersOf(document, "services").flatMap(([, service]) => Object.keys(service)));
  const ignored = unsupported.filter((key) => keys.has(key)).sort();
  if (ignored.length > 0) err.push(`Ignoring unsupported options: ${ignored.join(", ")}`, "");
  const old = Object.entries(deprecated).filter(([key]) => keys.has(key));
  if (old.length > 0)
    err.push("Ignoring deprecated options:", "", ...old.flatMap(([key, words]) => [`${key}: ${words}`, ""]));
  for (const [, service] of membersOf(document, "services"))
    for (const port of Array.isArray(service.ports) ? service.ports : [])
      if (
        typeof port === "string" &&
        /^(?:[\d.]+|\[[^\]]+\]):\S+:\d/.test(port) &&
        !port.startsWith("0.0.0.0:")
      )
        err.push(
          `level=warning msg="ignoring IP-address (${port.includes("/") ? port : `${port}/tcp`}) service will listen on '0.0.0.0'"`,
        );
}
