/** Which images the testbed makes for a site, and how one archive holds them. */
import { describe, expect, test } from "vitest";
import { archiveFiles } from "../../testbed/docker/archive.ts";
import { imagesOf } from "../../testbed/docker/images.ts";
import { composeImages } from "../../testbed/docker/site-images.ts";

const compose = `services:
  search:
    image: search/engine:2
    ports: ["6333:6333", "5353:53/udp", "\${PORT}:\${PORT}"]
  chat:
    image: chat
    labels:
      - traefik.http.services.chat.loadbalancer.server.port=8443
      - traefik.http.services.chat.loadbalancer.server.scheme=https
  search-2:
    image: search/engine:2
`;

describe("a compose file's images", () => {
  const injected = {
    "search-2": [{ key: "traefik.http.services.s.loadbalancer.server.port", value: "7000" }],
  };
  const wanted = composeImages(compose, new Map([["PORT", "8000"]]), injected);

  test("listen where ports and labels say, once for each name", () => {
    expect(imagesOf(wanted).map(({ name, env, exposed }) => [name, env.at(-1), exposed])).toEqual([
      ["chat:latest", "PHOENIX_TESTBED_PORTS=8443/tls", [8443]],
      ["search/engine:2", "PHOENIX_TESTBED_PORTS=6333 7000 8000", [6333, 7000, 8000]],
    ]);
  });

  test("Portainer's play the version of their tag, systems run what they are told", () => {
    const names = ["portainer/portainer-ce:2.44.0", "portainer/agent", "alpine:3", "it-exits:1"];
    const images = imagesOf(names.map((name) => ({ name, ports: [] })));
    expect(
      images.map(({ name, layers, entrypoint }) => [name, layers.at(-1), entrypoint !== undefined]),
    ).toEqual([
      ["alpine:3", "node", false],
      ["it-exits:1", "service", true],
      ["portainer/agent:latest", "agent", true],
      ["portainer/portainer-ce:2.44.0", "portainer", true],
    ]);
    expect(images[3]?.env).toContain("PHOENIX_TESTBED_TAG=2.44.0");
    expect(images[1]?.env).toContain("PHOENIX_TESTBED_EXITS=1");
  });

  test("make one archive, with a configuration for each and its layers by digest", () => {
    const digests = { node: "a1", compose: "b2", portainer: "c3", agent: "d4", service: "e5" };
    const files = new Map(archiveFiles(imagesOf(wanted), digests));
    const manifest = JSON.parse(files.get("manifest.json") ?? "");
    expect(manifest.map(({ RepoTags, Layers }: Record<string, string[]>) => [RepoTags, Layers])).toEqual([
      [["chat:latest"], ["node.tar", "service.tar"]],
      [["search/engine:2"], ["node.tar", "service.tar"]],
    ]);
    const config = JSON.parse(files.get(manifest[0].Config) ?? "");
    expect(config.rootfs.diff_ids).toEqual(["sha256:a1", "sha256:e5"]);
    expect(config.config.ExposedPorts).toEqual({ "8443/tcp": {} });
  });
});
