/** Teams and users own a stack in Portainer where the site says so. */
import { expect, test } from "vitest";
import { PortainerSession } from "../../src/apis/portainer/session.ts";
import { stacks } from "../../src/components/stacks/index.ts";
import { findRoot } from "../../src/fabric/ca-files.ts";
import type { StackOwners } from "../../src/model.ts";
import { syncLab } from "./session.ts";
import { labSite } from "./site.ts";
import { jobs, type StacksLab, stacksLab, withStacks } from "./stacks-site.ts";

const from = { file: "stacks/jobs/phoenix.json", line: 3, column: 5 };
const owned = (owners: Partial<StackOwners>) =>
  withStacks({ ...jobs, owners: { teams: [], users: [], from, ...owners } });
const family = owned({ teams: ["family"], users: ["ann"] });

/** A lab with two teams and a user. */
async function peopledLab() {
  const lab = await stacksLab();
  const { guest, port, hostname, adminUser: user, adminPassword } = labSite.portainer!;
  const { network, clock, host } = lab.world;
  const root = async () => (await findRoot(labSite.ca.rootFiles, host)).pem;
  const where = { network, clock, root, address: guest.address, port, hostname };
  const session = new PortainerSession({ ...where, user, password: adminPassword! });
  const make = (path: string, json: unknown) =>
    session.call({ method: "POST", path, purpose: "add somebody", effect: "change", json });
  await make("/api/teams", { Name: "family" });
  await make("/api/teams", { Name: "guests" });
  await make("/api/users", { Username: "ann", Password: "ann's own password", Role: 2 });
  /** As a person can through Portainer's API. */
  const deleteControl = async () => {
    const path = `/api/resource_controls/${(await lab.api.stacks())[0]!.id}`;
    await session.call({ method: "DELETE", path, purpose: "delete a control", effect: "change" });
  };
  return { ...lab, deleteControl };
}
const sync = async (lab: StacksLab, site: ReturnType<typeof owned>) =>
  (await syncLab(lab.directory, site, [stacks])).components[0]!;
const access = async ({ api }: StacksLab) => api.stackAccess((await api.stacks())[0]!.id);

test("a new stack gets them, and one that somebody else got is given back without a restart", async () => {
  const lab = await peopledLab();
  expect(await sync(lab, family)).toMatchObject({ outcome: "changed" });
  const wanted = { teams: [1], users: [2], everybody: false };
  expect(await access(lab)).toEqual(wanted);
  expect(await sync(lab, family)).toMatchObject({ outcome: "unchanged" });
  const before = await lab.docker("ps", "-q", "--no-trunc");

  const [stack] = await lab.api.stacks();
  await lab.api.setStackAccess(stack!.id, { teams: [2], users: [], everybody: false });
  const { outcome, changes } = await sync(lab, family);
  expect(outcome).toBe("changed");
  expect(changes).toMatchObject([
    { live: { units: { owners: "team guests" } }, desired: { units: { owners: "team family, user ann" } } },
  ]);
  expect(await access(lab)).toEqual(wanted);
  expect(await lab.docker("ps", "-q", "--no-trunc")).toBe(before);

  await lab.deleteControl();
  expect(await sync(lab, family)).toMatchObject({ outcome: "changed" });
  expect(await access(lab)).toEqual(wanted);
});

test("without owners in the site they stay as they are; with none named it is the administrators' alone", async () => {
  const lab = await peopledLab();
  await sync(lab, family);
  expect(await sync(lab, withStacks(jobs))).toMatchObject({ outcome: "unchanged" });
  expect(await sync(lab, owned({}))).toMatchObject({ outcome: "changed" });
  expect(await access(lab)).toEqual({ teams: [], users: [], everybody: false });
  expect(await sync(lab, owned({}))).toMatchObject({ outcome: "unchanged" });
});

test.each([
  ["team", { teams: ["famly"] }, "its teams: family, guests"],
  ["user", { users: ["bob"] }, "its users: admin, ann"],
])("an unknown %s is named with those that exist, and nothing is deployed", async (kind, owners, hint) => {
  const lab = await peopledLab();
  const { outcome, reason, hint: told } = await sync(lab, owned(owners));
  expect(outcome).toMatch(/failed|rolled-back/);
  expect(reason).toContain(`Portainer has no ${kind} "${Object.values(owners).flat()[0]}"`);
  expect(reason).toContain("stacks/jobs/phoenix.json:3:5");
  expect(told).toContain(hint);
  expect(await lab.api.stacks()).toEqual([]);
});
