/** Programs in containers: by which image they are known, and how their guest has what they see. */
import { expect, test } from "vitest";
import type { FoundContainer, FoundEngine } from "../../src/import/found/docker.ts";
import { containedPrograms, endpointOutside, pathOutside } from "../../src/import/read/contained.ts";

function container(name: string, image: string, more: Partial<FoundContainer> = {}): FoundContainer {
  return {
    ...{ name, image, state: "running", labels: {}, args: [], ports: [], mounts: [], networks: ["bridge"] },
    source: { host: "vm/200", path: `docker inspect ${name}` },
    ...more,
  };
}

function engineOf(...containers: readonly FoundContainer[]): FoundEngine {
  return { host: "vm/200", containers, volumes: [], swarm: false };
}

test.each([
  ["traefik", "traefik"],
  ["traefik:v3.2@sha256:0000", "traefik"],
  ["docker.io/library/traefik:latest", "traefik"],
  ["registry.lan:5000/pihole/pihole:2025.02.1", "Pi-hole"],
  ["traefik/whoami:v1.10", undefined],
  ["ghcr.io/someone/caddy:2", undefined],
])("%s is %s", (image, program) => {
  const engine = engineOf(container("x", image));
  expect(containedPrograms([engine], ["traefik", "Pi-hole", "caddy"])[0]?.program).toBe(program);
});

test("a path is the guest's through the innermost mount", () => {
  const mount = (source: string, target: string) => ({
    ...{ type: "bind", name: source, readOnly: false },
    source,
    target,
  });
  const mounts = [mount("/srv/npm", "/data"), mount("/mnt/nginx", "/data/nginx")];
  const npm = container("npm", "jc21/nginx-proxy-manager", { mounts });
  expect(pathOutside(npm, "/data/nginx/proxy_host")).toBe("/mnt/nginx/proxy_host");
  expect(pathOutside(npm, "/data/access")).toBe("/srv/npm/access");
  expect(pathOutside(npm, "/database")).toBeUndefined();
});

test("what a container asks for is a port of its guest only where others reach it", () => {
  const port = (inside: number, published: number, address = "0.0.0.0") => ({
    ...{ container: inside, protocol: "tcp" },
    published,
    address,
  });
  const proxy = container("proxy", "traefik", { ports: [port(8080, 9090)] });
  const engine = engineOf(
    proxy,
    container("app", "app", { ports: [port(80, 8222), port(81, 8333, "127.0.0.1")] }),
  );
  const contained = { program: "traefik", engine, container: proxy };
  expect(endpointOutside(contained, { host: "app", port: 80 })).toEqual({ host: "localhost", port: 8222 });
  expect(endpointOutside(contained, { host: "app", port: 81 })).toEqual({
    reason: "container app, which does not publish its port 81",
  });
  expect(endpointOutside(contained, { host: "127.0.0.1", port: 8080 })).toEqual({
    host: "localhost",
    port: 9090,
  });
  expect(endpointOutside(contained, { host: "10.0.0.9", port: 80 })).toEqual({ host: "10.0.0.9", port: 80 });
  const onHost = { ...contained, container: { ...proxy, networks: ["host"] } };
  expect(endpointOutside(onHost, { host: "127.0.0.1", port: 3000 })).toEqual({
    host: "127.0.0.1",
    port: 3000,
  });
});
