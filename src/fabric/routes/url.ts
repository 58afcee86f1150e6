/** URLs in labels: Traefik requests them from the mesh, a different machine than the one that runs the containers. */
import type { Fault } from "../../formats/fault.ts";

/** A host without a dot is a name on the container's network, which the mesh cannot resolve. */
export function unknownToMesh(host: string): Fault | undefined {
  if (host.includes(".") || host.startsWith("[")) return undefined;
  return {
    message: `${host} is a name on the container's network`,
    hint: "use an address: the mesh is another machine",
  };
}

/** The fault of the address that a forwardAuth middleware requests. */
export function authAddressFault(address: string): Fault | undefined {
  const [, host] = /^https?:\/\/(?:[^/?#@\s]*@)?(\[[0-9a-f:.]+\]|[^/:?#@\s]+)/i.exec(address.trim()) ?? [];
  if (host !== undefined) return unknownToMesh(host);
  return {
    message: `${JSON.stringify(address)} is not a valid URL`,
    hint: "http://10.0.0.9:9091/api/authz/forward-auth",
  };
}
