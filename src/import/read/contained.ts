/** Programs that serve names and run as containers: known by their images, read from the files that the guest has of them. Pure. */
import type { FoundContainer, FoundEngine } from "../found/docker.ts";
import type { FoundEndpoint } from "../found/web.ts";

/** A container whose program import knows. */
export interface ContainedProgram {
  readonly program: string;
  readonly engine: FoundEngine;
  readonly container: FoundContainer;
}

/** Programs by their images' names, without registry, tag and digest. */
const images: readonly (readonly [RegExp, string])[] = [
  [/^adguard\/adguardhome$/, "AdGuard Home"],
  [/^pihole\/pihole$/, "Pi-hole"],
  [/^jc21\/nginx-proxy-manager$/, "Nginx Proxy Manager"],
  [/^(?:library\/)?traefik$/, "traefik"],
  [/^(?:library\/)?caddy$/, "caddy"],
  [/^(?:library\/)?haproxy$/, "haproxy"],
];

/** The containers of all guests whose program is one of `names`. */
export function containedPrograms(
  engines: readonly FoundEngine[],
  names: readonly string[],
): readonly ContainedProgram[] {
  return engines.flatMap((engine) =>
    engine.containers.flatMap((container) => {
      const image = imageName(container.image);
      const program = images.find(([pattern]) => pattern.test(image))?.[1];
      return program !== undefined && names.includes(program) ? [{ program, engine, container }] : [];
    }),
  );
}

/** "ghcr.io/traefik/traefik:v3@sha256:…" → "traefik/traefik": a registry has a dot, a port, or is "localhost". */
function imageName(image: string): string {
  const bare = image.replace(/@.*$/, "").replace(/:[^/:]*$/, "");
  const [first = "", ...rest] = bare.split("/");
  return rest.length > 0 && /[.:]|^localhost$/.test(first) ? rest.join("/") : bare;
}

/** Where the guest has a file of a container; undefined where no mount brings it there. */
export function pathOutside({ mounts }: FoundContainer, path: string): string | undefined {
  const [mount] = mounts
    .filter(({ target }) => path === target || path.startsWith(`${target}/`))
    .toSorted((a, b) => b.target.length - a.target.length);
  return mount?.source.startsWith("/") ? mount.source + path.slice(mount.target.length) : undefined;
}

/** The port of the guest by which others reach a container's one. */
export function portOutside({ networks, ports }: FoundContainer, port: number): number | undefined {
  if (networks.includes("host")) return port;
  return ports.find(
    ({ container, protocol, address }) =>
      container === port && protocol === "tcp" && !address.startsWith("127."),
  )?.published;
}

/** What a container asks for, as its guest would ask for it; or why others cannot. */
export function endpointOutside(
  { engine, container }: ContainedProgram,
  { host, port }: FoundEndpoint,
): FoundEndpoint | { readonly reason: string } {
  if (container.networks.includes("host")) return { host, port };
  if (host === "host.docker.internal") return { host: "localhost", port };
  const isItself = host === "localhost" || host === "::1" || host.startsWith("127.");
  const asked = isItself
    ? container
    : engine.containers.find(
        ({ name, labels }) => name === host || labels["com.docker.compose.service"] === host,
      );
  if (asked === undefined) return { host, port };
  const published = portOutside(asked, port);
  if (published !== undefined) return { host: "localhost", port: published };
  return { reason: `container ${asked.name}, which does not publish its port ${port}` };
}

/** "Traefik in container edge", "…, which does not run". */
export function titleOf({ program, container }: ContainedProgram): string {
  const title = `${program} in container ${container.name}`;
  return container.state === "running" ? title : `${title}, which does not run`;
}
