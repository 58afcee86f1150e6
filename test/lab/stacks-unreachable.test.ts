/** Stacks on two machines, one of which Portainer cannot reach: the other's are brought about all the same. */
import { expect, test } from "vitest";
import { stacks } from "../../src/components/stacks/index.ts";
import { unlisted } from "../../src/engine/approval.ts";
import { exitCodeOf, exitCodeOfPlan } from "../../src/engine/outcome.ts";
import { type Change, subjectOf } from "../../src/resource.ts";
import { change } from "./open.ts";
import { planLab, syncLab, verifyLab } from "./session.ts";
import { labSite, portainer } from "./site.ts";
import { jobs, type StacksLab, stack, stacksLab, withStacks } from "./stacks-site.ts";

const far = stack("far", "services:\n  queue:\n    image: redis:7\n", {
  guest: portainer,
  portainerEnvironment: "second",
  share: portainer.shares[0]!,
});
const site = withStacks(far, jobs);
const url = "tcp://10.0.0.111:9001";

/** `docker …` on the machine of the second environment. */
const docker = (lab: StacksLab, ...args: readonly string[]) =>
  lab.world.host("vm/1001").expect(change("docker", ...args));

async function withSecondAgent(): Promise<StacksLab> {
  const lab = await stacksLab();
  const socket = "/var/run/docker.sock:/var/run/docker.sock";
  await docker(
    lab,
    "run",
    "-d",
    "--name",
    "agent",
    "-p",
    "9001:9001",
    "-v",
    socket,
    "portainer/agent:2.39.1",
  );
  return lab;
}

const sync = (lab: StacksLab, wanted = site) => syncLab(lab.directory, wanted, [stacks]);
const ids = (changes: readonly Change[]) => changes.map((each) => subjectOf(each).id);

test("an environment that Portainer does not have keeps back its own stacks alone", async () => {
  const lab = await withSecondAgent();
  const planned = await planLab(lab.directory, site, [stacks]);
  const [part] = planned.components;
  expect(part!.unread).toBeUndefined();
  expect(ids(part!.changes)).toEqual(["stacks/jobs"]);
  expect(part!.unreadResources).toMatchObject([
    { ids: ["stacks/far"], kind: "not-ready", reason: "Portainer has no environment second" },
  ]);
  expect(exitCodeOfPlan(planned)).toBe(2);

  const result = await sync(lab);
  const [ended] = result.components;
  expect(ended).toMatchObject({ outcome: "failed", reason: "Portainer has no environment second" });
  expect(ids(ended!.changes)).toEqual(["stacks/jobs"]);
  expect(exitCodeOf(result)).toBe(4);
  expect(await lab.running()).toEqual(["jobs-queue-1"]);
  const bad = (await verifyLab(lab.directory, site, [stacks])).components[0]!.checks.filter(
    ({ status }) => status === "fail",
  );
  expect(bad).toMatchObject([
    { resource: "stacks/far", external: true, observed: "Portainer has no environment second" },
  ]);

  await lab.api.createEnvironment({ name: "second", kind: "agent", url });
  const next = await sync(lab);
  expect(next.components[0]).toMatchObject({ outcome: "changed" });
  expect(ids(next.components[0]!.changes)).toEqual(["stacks/far"]);
  expect(exitCodeOf(next)).toBe(0);
});

test("an agent that is down keeps back the stacks of its machine alone", async () => {
  const lab = await withSecondAgent();
  await lab.api.createEnvironment({ name: "second", kind: "agent", url });
  expect((await sync(lab)).components[0]!.outcome).toBe("changed");
  await docker(lab, "stop", "agent");
  const text = jobs.compose.text.replace("always", "unless-stopped");
  const changed = withStacks(far, { ...jobs, compose: { ...jobs.compose, text } });

  const planned = await planLab(lab.directory, changed, [stacks]);
  expect(planned.components[0]!.unreadResources.flatMap((unread) => unread.ids)).toEqual(["stacks/far"]);
  const result = await sync(lab, changed);
  expect(ids(result.components[0]!.changes)).toEqual(["stacks/jobs"]);
  expect(result.components[0]!.reason).toContain("environment second");
  expect(exitCodeOf(result)).toBe(4);

  await docker(lab, "start", "agent");
  const next = await sync(lab, changed);
  expect(next.components[0]).toMatchObject({ outcome: "unchanged", changes: [] });
  expect(exitCodeOf(next)).toBe(0);
});

test("a plan that was approved before an environment was there allows its stacks", async () => {
  const lab = await withSecondAgent();
  const planned = await planLab(lab.directory, site, [stacks]);
  const creations = stacks.compile(site).map((desired) => ({ verb: "create" as const, desired }));
  expect(unlisted(planned.components[0], creations)).toEqual([]);
  const [foreign] = stacks.compile({ ...labSite, stacks: [{ ...jobs, name: "other" }] });
  expect(unlisted(planned.components[0], [{ verb: "create", desired: foreign! }])).toHaveLength(1);
});
