/** An environment is recognized by its name and by its address: a renamed one is not registered a second time. */
import { expect, test } from "vitest";
import type { Io } from "../../src/component.ts";
import { portainer } from "../../src/components/portainer/index.ts";
import { stacks } from "../../src/components/stacks/index.ts";
import type { Site } from "../../src/model.ts";
import { planLab, syncLab } from "./session.ts";
import { jobs, stacksLab, withStacks } from "./stacks-site.ts";

const named = (name: string): Site => {
  const site = withStacks({ ...jobs, portainerEnvironment: name });
  const [environment] = site.portainer!.environments;
  return { ...site, portainer: { ...site.portainer!, environments: [{ ...environment!, name }] } };
};

test.each([
  ["in Portainer", "drphoenix", "somebody's name"],
  ["in the site", "another", "drphoenix"],
])("one that was renamed %s is renamed, and its containers run on", async (_, wanted, live) => {
  const lab = await stacksLab();
  await syncLab(lab.directory, named("drphoenix"), [stacks]);
  const url = "tcp://10.0.0.102:9001";
  await lab.api.updateEnvironment(lab.environmentId, { name: live, kind: "agent", url: `${url}/` });
  const before = await lab.docker("ps", "-q", "--no-trunc");
  const site = named(wanted);
  const change = (await planLab(lab.directory, site, [portainer])).components[0]!.changes.find(
    ({ verb, ...each }) =>
      verb === "update" && JSON.stringify(each).includes(`portainer/environment-${wanted}`),
  );
  const io = { site, apis: { portainer: lab.api }, unchanged: () => {} } as unknown as Io;
  await portainer.apply(change!, io);
  expect(await lab.api.environments()).toMatchObject([{ id: lab.environmentId, name: wanted, url }]);
  const result = await syncLab(lab.directory, site, [stacks]);
  expect(result.components[0]!.outcome).toBe("unchanged");
  expect(await lab.docker("ps", "-q", "--no-trunc")).toBe(before);
});

test("a second registration of the same engine is told, and left alone", async () => {
  const lab = await stacksLab();
  await lab.api.createEnvironment({ name: "double", kind: "agent", url: "tcp://10.0.0.102:9001" });
  const planned = await planLab(lab.directory, named("drphoenix"), [portainer]);
  expect(planned.components[0]!.notes.join()).toContain(
    'environment "double" in Portainer is the same engine',
  );
  expect(await lab.api.environments()).toHaveLength(2);
});

test("a second registration without stacks is an orphan, and goes with consent alone; one with stacks stays", async () => {
  const lab = await stacksLab();
  const site = named("drphoenix");
  await syncLab(lab.directory, site, [stacks]);
  const url = "tcp://10.0.0.102:9001";
  await lab.api.createEnvironment({ name: "double", kind: "agent", url });
  const used = await lab.api.createEnvironment({ name: "used", kind: "agent", url });
  const file = "services:\n  blog:\n    image: ghost:5\n    restart: always\n";
  await lab.api.createStack(used.id, { name: "blog", file, env: [] });
  const before = await lab.docker("ps", "-q", "--no-trunc");

  const { orphans } = (await planLab(lab.directory, site, [portainer])).components[0]!;
  expect(orphans.map(({ id }) => id)).toEqual(["portainer/duplicate-double"]);
  const [orphan] = orphans;
  const io = { site, apis: { portainer: lab.api } } as unknown as Io;
  await portainer.apply({ verb: "delete", live: orphan! }, io);
  const names = async () => (await lab.api.environments()).map(({ name }) => name).sort();
  expect(await names()).toEqual(["drphoenix", "used"]);
  await portainer.apply({ verb: "create", desired: orphan! }, io);
  expect(await names()).toEqual(["double", "drphoenix", "used"]);
  expect(await lab.docker("ps", "-q", "--no-trunc")).toBe(before);
  expect((await syncLab(lab.directory, site, [stacks])).components[0]!.outcome).toBe("unchanged");
});
