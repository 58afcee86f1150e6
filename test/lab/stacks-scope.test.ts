/** Which stacks a sync works on: a named one alone, and those that nothing declares any more wherever they run. */
import { expect, test } from "vitest";
import { stacks } from "../../src/components/stacks/index.ts";
import type { PortainerEnvironment } from "../../src/model.ts";
import { planLab, type SessionOptions, syncLab } from "./session.ts";
import { labSite } from "./site.ts";
import { jobs, stack, stacksLab, web, withStacks } from "./stacks-site.ts";

test("a stack that is named is synced alone, whatever is wrong with the others", async () => {
  const lab = await stacksLab();
  const sync = async (options: SessionOptions = {}) =>
    (await syncLab(lab.directory, withStacks(web, jobs), [stacks], options)).components[0]!;
  const alone = { resources: ["stacks/jobs"] } as const;
  const [planned] = (await planLab(lab.directory, withStacks(web, jobs), [stacks], alone)).components;
  expect(planned?.changes).toMatchObject([{ verb: "create", desired: { id: "stacks/jobs" } }]);
  expect(await sync(alone)).toMatchObject({ outcome: "changed", resources: 1 });
  expect(await lab.running()).toEqual(["jobs-queue-1"]);
  expect(await sync(alone)).toMatchObject({ outcome: "unchanged", checks: [{ status: "pass" }] });

  await sync();
  await lab.docker("stop", "web-web-1");
  await lab.docker("stop", "jobs-queue-1");
  expect(await sync(alone)).toMatchObject({ outcome: "changed", checks: [{ resource: "stacks/jobs" }] });
  expect(await lab.running()).toEqual(["jobs-queue-1"]);
});

test("the last stack of the primary's own engine is an orphan, and its containers go with consent", async () => {
  const lab = await stacksLab();
  const { portainer } = labSite;
  const primary = portainer!.guest;
  const own: PortainerEnvironment = {
    name: "own",
    guest: primary,
    kind: "local",
    port: 9001,
    from: primary.from,
  };
  const wiki = stack("wiki", "services:\n  app:\n    image: wiki:1\n    restart: always\n", {
    guest: primary,
    portainerEnvironment: "own",
    share: primary.shares[0]!,
  });
  const environments = [...portainer!.environments, own];
  const declared = { ...withStacks(wiki), portainer: { ...portainer!, environments } };
  const emptied = withStacks();
  await lab.api.createEnvironment({ name: "own", kind: "local", url: "unix:///var/run/docker.sock" });
  const running = async () =>
    lab.world.host("vm/1001").expect({ argv: ["docker", "ps", "--format", "{{.Names}}"], effect: "read" });
  const sync = async (site = emptied, options: SessionOptions = {}) =>
    (await syncLab(lab.directory, site, [stacks], options)).components[0]!;

  expect(await sync(declared)).toMatchObject({ outcome: "changed" });
  expect(await running()).toContain("wiki-app-1");
  const [planned] = (await planLab(lab.directory, emptied, [stacks])).components;
  expect(planned?.orphans).toMatchObject([{ id: "stacks/wiki", host: "vm/1001" }]);
  expect(await sync()).toMatchObject({ outcome: "unchanged", orphans: ["stacks/wiki"] });
  expect(await running()).toContain("wiki-app-1");

  expect(await sync(emptied, { allow: ["prune"] })).toMatchObject({ outcome: "changed", orphans: [] });
  expect(await running()).not.toContain("wiki-app-1");
  expect(await sync()).toMatchObject({ outcome: "unchanged", orphans: [], notes: [] });
});
