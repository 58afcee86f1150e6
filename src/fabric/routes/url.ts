/** Urls in labels: Traefik asks them from the mesh, which is another machine than the one that runs the containers. */

import type { Fault } from "../../formats/fault.ts";

/** What is wrong with the host of a url: a name without a dot is known on the container's network only. */
export function unknownToMesh(host: string): Fault | undefined {
  if (host.includes(".") || host.startsWith("[")) return undefined;
  return {
    message: `${host} is a name of the container's network`,
    hint: "the mesh is another machine: use an address",
  };
}

/** What is wrong with the address that a forwardAuth middleware asks. */
export function authAddressFault(address: string): Fault | undefined {
  const [, host] = /^https?:\/\/(?:[^/?#@\s]*@)?(\[[0-9a-f:.]+\]|[^/:?#@\s]+)/i.exec(address.trim()) ?? [];
  if (host !== undefined) return unknownToMesh(host);
  return {
    message: `${JSON.stringify(address)} is no url`,
    hint: "http://10.0.0.9:9091/api/authz/forward-auth",
  };
}
