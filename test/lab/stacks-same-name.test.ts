/** One stack on two environments, whose Portainer has forgotten one of the two: the one that it does not adopt is made anew. */
import { expect, test } from "vitest";
import { LabDocker } from "../../lab/docker.ts";
import { openContext } from "../../lab/open-context.ts";
import { openDatabase } from "../../lab/portainer/database.ts";
import { stacks } from "../../src/components/stacks/index.ts";
import { syncLab } from "./session.ts";
import { jobs, stacksLab, web, withStacks } from "./stacks-site.ts";

test("containers make room where a stack of another environment has their name", async () => {
  const lab = await stacksLab();
  const site = withStacks(web, jobs);
  const sync = async () => (await syncLab(lab.directory, site, [stacks])).components[0]!;
  expect((await sync()).outcome).toBe("changed");
  const before = await lab.docker("ps", "-aq", "--no-trunc", "--filter", "name=web-web-1");

  // The server's own engine is the other environment; what was deployed here counts as deployed there.
  await lab.api.createEnvironment({ name: "elsewhere", kind: "local", url: "unix:///var/run/docker.sock" });
  const other = (await lab.api.environments()).find(({ name }) => name === "elsewhere")?.id ?? 0;
  const docker = new LabDocker(
    openContext(lab.directory, { signal: new AbortController().signal }),
    "vm/1001",
  );
  const database = openDatabase(docker.dataOf(docker.container("server")));
  const rows = database.read().stacks;
  database.write({
    stacks: rows.map((row) => (row.Name === "jobs" ? { ...row, EndpointId: other } : row)),
  });

  const again = await sync();
  expect(again).toMatchObject({ outcome: "changed", changes: [{ verb: "create" }] });
  expect(again.notes.join()).toContain("the containers of jobs on drphoenix were recreated");
  expect(await lab.running()).toEqual(["jobs-queue-1", "web-web-1"]);
  expect((await lab.api.stacks()).map(({ name }) => name).sort()).toEqual(["jobs", "jobs", "web"]);
  expect(await lab.docker("ps", "-aq", "--no-trunc", "--filter", "name=web-web-1")).toBe(before);
  expect(await sync()).toMatchObject({ outcome: "unchanged" });
});
