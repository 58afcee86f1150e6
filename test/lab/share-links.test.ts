/** Links that a guest put into its share or mount point: the hypervisor's root follows none of them. */
import { describe, expect, test } from "vitest";
import { certificates } from "../../src/components/certificates/index.ts";
import { stacks } from "../../src/components/stacks/index.ts";
import type { Host } from "../../src/hosts/host.ts";
import type { Certificate, Site } from "../../src/model.ts";
import { change, newLab, opened } from "./open.ts";
import { planLab, syncLab } from "./session.ts";
import { labSite } from "./site.ts";
import { jobs, stacksLab, web, withStacks } from "./stacks-site.ts";

const from = { file: "etc/certificate-manifest.json", line: 3, column: 5 };

/** A directory of the hypervisor that no guest sees, and a link to it in the place of what a guest sees. */
async function replace(pve: Host, path: string): Promise<void> {
  await pve.writeFiles([{ path: "/etc/precious/own", text: "as it was", mode: "600" }]);
  for (const argv of [
    ["rm", "-rf", path],
    ["mkdir", "-p", path.slice(0, path.lastIndexOf("/"))],
    ["ln", "-s", "/etc/precious", path],
  ])
    await pve.expect(change(...argv));
}

async function untouched(pve: Host): Promise<void> {
  expect(await pve.list("/etc/precious")).toEqual(["own"]);
  expect((await pve.readFiles(["/etc/precious/own"])).get("/etc/precious/own")).toMatchObject({
    text: "as it was",
    mode: "600",
    ids: "0:0",
  });
}

const share = "/quickOS/vm-persistent-data/1002";
const site = withStacks(web, jobs);

describe("a virtual machine's share", () => {
  test.each([
    ["the directory of a stack", `${share}/stacks/web`],
    ["the directory of all stacks", `${share}/stacks`],
    ["a directory of files", `${share}/stacks/web/conf`],
    ["the directory of a volume", `${share}/volumes/web_data`],
    ["the directory of all volumes", `${share}/volumes`],
  ])("%s", async (_, path) => {
    const lab = await stacksLab();
    const pve = lab.world.host("pve");
    await replace(pve, path);
    const [part] = (await syncLab(lab.directory, site, [stacks])).components;
    expect(part?.outcome).not.toBe("changed");
    expect(JSON.stringify(part)).toContain("symbolic link");
    await untouched(pve);
  });

  test("the plan of a deployed stack says so, with what to do", async () => {
    const lab = await stacksLab();
    const pve = lab.world.host("pve");
    await syncLab(lab.directory, site, [stacks]);
    await replace(pve, `${share}/stacks/web`);
    const plan = await planLab(lab.directory, site, [stacks]);
    const told = JSON.stringify([plan.components, plan.events]);
    expect(told).toContain(`cannot read ${share}/stacks/web/docker-compose.yml on pve`);
    expect(told).toContain("remove the link");
    await syncLab(lab.directory, withStacks(jobs), [stacks], { allow: ["prune"] });
    await untouched(pve);
  });
});

describe("a container's mount point", () => {
  const ssl = "/mnt/pve/quickOS/lxc-persistent-data/101/ssl";
  const pair: Certificate = {
    commonName: "notes.lab.test",
    names: ["notes.lab.test"],
    certPath: `${ssl}/notes/notes.crt`,
    keyPath: `${ssl}/notes/notes.key`,
    owner: "root:root",
    mode: "600",
    from,
  };
  const withPair: Site = { ...labSite, certificates: [pair] };

  test.each([
    ["by the path below the mount base", `${ssl}/notes`],
    ["by the native path", `${ssl.replace("/mnt/pve", "")}/notes`],
  ])("a key's directory, %s", async (_, path) => {
    const lab = await newLab(withPair);
    const pve = (await opened(lab)).host("pve");
    await replace(pve, path);
    const [part] = (await syncLab(lab, withPair, [certificates])).components;
    expect(part?.outcome).not.toBe("changed");
    expect(JSON.stringify(part)).toContain("symbolic link");
    await untouched(pve);
  });
});
