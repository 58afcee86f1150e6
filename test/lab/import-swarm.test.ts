/** Import of a Docker Swarm: its machines are its members, its stacks come back, and what only a person can say is told. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { initLab } from "../../lab/init.ts";
import { openLab } from "../../lab/lab.ts";
import { askDocker } from "../../src/components/foreign/docker-api.ts";
import { loadComponents } from "../../src/components/index.ts";
import { adminPasswordFile } from "../../src/fabric/portainer-files.ts";
import { plain } from "../../src/import/json.ts";
import { loadSite } from "../../src/site/load.ts";
import { type Imported, importLab } from "./import.ts";
import { newDirectory, prepared } from "./open.ts";
import { syncLab } from "./session.ts";

const example = join(import.meta.dirname, "../../examples/cluster");

async function siteIn(path: string) {
  const { site, problems } = await loadSite(path);
  expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
  return site!;
}

/** The host that Phoenix makes of the example. */
const syncedLab = prepared(async () => {
  const [lab, site] = [await newDirectory(), await siteIn(example)];
  await initLab(lab, site, { nodes: ["pve", "pve2"] });
  const { components } = await syncLab(lab, site, await loadComponents());
  expect(components.filter(({ outcome }) => !["changed", "unchanged"].includes(outcome))).toEqual([]);
  return lab;
});

const machine = ({ draft }: Imported, host: "vm/431" | "vm/432") => plain(draft.guests.get(host)!);
const told = ({ draft }: Imported) => draft.left.map(({ what, reason }) => `${what}: ${reason}`);

describe("a Swarm that Phoenix made", () => {
  test("has its machines as members, and none of them is an agent's", async () => {
    const imported = await importLab(await syncedLab());
    expect(machine(imported, "vm/431")).toMatchObject({ swarm: "grove", swarm_role: "manager" });
    expect(machine(imported, "vm/432")).toMatchObject({ swarm: "grove" });
    for (const host of ["vm/431", "vm/432"] as const) {
      expect(machine(imported, host)).not.toHaveProperty("portainer_role");
      expect(machine(imported, host)).not.toHaveProperty("portainer_environment_name");
    }
    expect(machine(imported, "vm/432")).not.toHaveProperty("swarm_role");
    const { swarms } = await siteIn(imported.root);
    expect(swarms).toMatchObject([{ name: "grove", environment: "grove" }]);
  });
});

describe("without Portainer's credentials", () => {
  test("members are declared, and what runs in the Swarm is told with its services", async () => {
    const lab = await syncedLab();
    await rm(join(lab, "hosts/vm-430", adminPasswordFile));
    const world = await openLab(lab, { signal: new AbortController().signal });
    const create = (Name: string, Labels = {}) =>
      askDocker(world.host("vm/431"), "POST", "/services/create", {
        ...{ Name, Labels },
        TaskTemplate: { ContainerSpec: { Image: "nginx:1.27" } },
      });
    await create("wiki_web", { "com.docker.stack.namespace": "wiki" });
    await create("lone");
    await world.close();
    const imported = await importLab(lab);
    expect(machine(imported, "vm/431")).toMatchObject({ swarm: "grove", swarm_role: "manager" });
    expect(machine(imported, "vm/432")).toMatchObject({ swarm: "grove" });
    await siteIn(imported.root);
    expect(told(imported)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^stack wiki of the Swarm: wiki_web \(nginx:1\.27\): Portainer has not told/),
        expect.stringMatching(
          /^stack hello of the Swarm: hello_web \(nginxinc\/nginx-unprivileged:[^@]*\): /,
        ),
        expect.stringMatching(
          /^service lone \(nginx:1\.27\) of the Swarm: it was made with `docker service create`/,
        ),
      ]),
    );
    expect(told(imported).join("\n")).not.toContain("portainer_agent");
  });
});
