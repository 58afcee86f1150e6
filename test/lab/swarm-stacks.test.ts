/** Stacks of a Swarm in the lab: what `docker stack deploy` makes of a file, and what it says of others. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Ask, deployStack, removeStack, type StackOutcome } from "../../lab/docker/stack/deploy.ts";
import { type SwarmLab, threeMembers } from "./swarm.ts";

let lab: SwarmLab;

beforeEach(async () => {
  lab = await threeMembers();
});

afterEach(() => lab.context.close());

const ask: Ask = (method, path, body) => lab.ask("one", `${method} ${path}`, body);

function deploy(text: string, more: object = {}): Promise<StackOutcome> {
  return deployStack(ask, {
    ...{ name: "s", text, directory: "/data/compose/1", variables: {}, prune: false, resolveImages: false },
    readFile: () => undefined,
    isKnownImage: (image) => !image.includes("missing"),
    ...more,
  });
}

const base = "services:\n  web:\n    image: notes:1\n";

test("a file becomes services, networks and their labels", async () => {
  const { stdout, exitCode } = await deploy(base);
  expect([exitCode, stdout]).toEqual([0, ["Creating network s_default", "Creating service s_web"]]);
  const { body } = await lab.ask("one", "GET /services/s_web");
  expect(body.Spec).toMatchObject({
    Name: "s_web",
    Labels: { "com.docker.stack.image": "notes:1", "com.docker.stack.namespace": "s" },
    TaskTemplate: { ContainerSpec: { Image: "notes:1" }, Networks: [{ Aliases: ["web"] }] },
    EndpointSpec: { Mode: "vip" },
  });
});

test("an image that a registry knows is recorded with its digest, and stays so until the file calls it otherwise", async () => {
  await deploy(base, { resolveImages: true });
  const imageNow = async () =>
    (await lab.ask("one", "GET /services/s_web")).body.Spec.TaskTemplate.ContainerSpec.Image;
  const first = await imageNow();
  expect(first).toMatch(/^notes:1@sha256:[0-9a-f]{64}$/);
  await deploy(base);
  expect(await imageNow()).toBe(first);
  await deploy(base.replace("notes:1", "notes:2"));
  expect(await imageNow()).toBe("notes:2");
});

test("services that the file no longer has go with --prune alone", async () => {
  await deploy(`${base}  other:\n    image: notes:1\n`);
  expect((await deploy(base)).stdout.join("\n")).not.toContain("Removing");
  expect((await deploy(base, { prune: true })).stdout).toContain("Removing service s_other");
});

test("removing a stack soon after it ran leaves its network in use", async () => {
  await deploy(base);
  lab.context.advance(1_000);
  await lab.ask("one", "GET /tasks");
  const { exitCode, stderr } = await removeStack(ask, "s");
  expect([exitCode, stderr.join("\n")]).toEqual([1, expect.stringMatching(/is in use by task/)]);
  lab.context.advance(2_000);
  expect(await removeStack(ask, "s")).toMatchObject({ exitCode: 0, stdout: ["Removing network s_default"] });
});
