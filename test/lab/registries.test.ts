/** Private registries: declared in the site, or made by a person in Portainer; their images are pulled with their credentials. */
import { describe, expect, test } from "vitest";
import { privateRegistry } from "../../lab/docker/registry.ts";
import { portainer } from "../../src/components/portainer/index.ts";
import { registryId } from "../../src/components/portainer/registries.ts";
import { stacks } from "../../src/components/stacks/index.ts";
import { exitCodeOf } from "../../src/engine/outcome.ts";
import { registryOf } from "../../src/formats/docker/registries.ts";
import type { Site } from "../../src/model.ts";
import { Secret } from "../../src/secret.ts";
import { planLab, syncLab } from "./session.ts";
import { stack, stacksLab, withStacks } from "./stacks-site.ts";

const from = { file: "etc/phoenix_hypervisor_config.json", line: 1, column: 1 };
const declared = {
  name: "house",
  url: privateRegistry.host,
  username: privateRegistry.username,
  password: new Secret(privateRegistry.password),
  from,
};
const app = stack("app", `services:\n  app:\n    image: ${privateRegistry.host}/house/app:1\n`);
const site = withStacks(app);

describe.each(["2.39.1", "2.45.0"] as const)(
  "an image of a private registry, with Portainer %s",
  (version) => {
    test("is refused without credentials, with a remedy, and nothing is touched", async () => {
      const lab = await stacksLab(version);
      const result = (await syncLab(lab.directory, site, [stacks])).components[0]!;
      expect(result).toMatchObject({ outcome: "failed", changes: [] });
      expect(result.reason).toContain("no basic auth credentials");
      expect(result.hint).toContain("portainer_api.registries");
      expect(await lab.api.stacks()).toEqual([]);
    });

    test("is pulled with the credentials of a registry that a person added", async () => {
      const lab = await stacksLab(version);
      await lab.api.createRegistry({ ...declared, name: "by hand", url: `https://${privateRegistry.host}/` });
      expect(exitCodeOf(await syncLab(lab.directory, site, [stacks]))).toBe(0);
      expect(await lab.running()).toEqual(["app-app-1"]);
    });
  },
);

describe("a registry of the site", () => {
  const withRegistry = (password: string): Site => ({
    ...site,
    portainer: { ...site.portainer!, registries: [{ ...declared, password: new Secret(password) }] },
  });
  const changesOf = async (directory: string, of: Site) =>
    (await planLab(directory, of, [portainer])).components[0]!.changes.filter(
      (change) => change.verb !== "delete" && change.desired.id === registryId(declared),
    );

  test("is added to Portainer, updated when its password changes, and never shown", async () => {
    const lab = await stacksLab();
    expect(await changesOf(lab.directory, withRegistry("wrong"))).toMatchObject([{ verb: "create" }]);
    for (const password of ["wrong", privateRegistry.password]) {
      const [change] = await changesOf(lab.directory, withRegistry(password));
      expect(JSON.stringify(change)).not.toContain(password);
      await portainer.apply(change!, await ioOf(lab, withRegistry(password)));
      expect(await changesOf(lab.directory, withRegistry(password))).toEqual([]);
    }
    expect(await lab.api.registries()).toMatchObject([{ name: "house", url: privateRegistry.host }]);
    expect(exitCodeOf(await syncLab(lab.directory, site, [stacks]))).toBe(0);
  });
});

async function ioOf(
  lab: Awaited<ReturnType<typeof stacksLab>>,
  of: Site,
): Promise<Parameters<typeof portainer.apply>[1]> {
  const { world, api } = lab;
  return {
    site: of,
    host: (name) => world.host(name),
    network: world.network,
    clock: world.clock,
    apis: { portainer: api },
  } as Parameters<typeof portainer.apply>[1];
}

test.each([
  ["nginx", "docker.io", true],
  ["library/nginx:1.27", "https://index.docker.io/v1/", true],
  ["me/app:2", "docker.io", true],
  ["ghcr.io/me/app@sha256:00", "ghcr.io", true],
  ["ghcr.io.evil.net/me/app", "ghcr.io", false],
  ["registry.example.net:5000/app", "registry.example.net:5000", true],
  ["registry.example.net/app", "registry.example.net:5000", false],
  ["registry.gitlab.com/group/app", "registry.gitlab.com/group", true],
  ["registry.gitlab.com/grouped/app", "registry.gitlab.com/group", false],
  ["localhost/app", "localhost", true],
])("%s and the registry %s", (image, url, matches) => {
  const found = registryOf(image, [
    { id: 1, name: "anonymous", url, username: "" },
    { id: 2, name: "a", url, username: "puller" },
  ]);
  expect(found?.id).toBe(matches ? 2 : undefined);
});

test("of several registries the one that says most of an image's name is used", () => {
  const both = ["registry.gitlab.com", "registry.gitlab.com/group"].map((url, id) => ({
    ...{ id, name: url, url, username: "a" },
  }));
  expect(registryOf("registry.gitlab.com/group/app", both)?.id).toBe(1);
  expect(registryOf("registry.gitlab.com/other/app", both)?.id).toBe(0);
});
