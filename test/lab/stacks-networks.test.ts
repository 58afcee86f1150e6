/** External networks of stacks, and the machine's own Compose as the last judge of a candidate, in the lab. */
import { beforeAll, expect, test } from "vitest";
import { stacks } from "../../src/components/stacks/index.ts";
import type { RunResult } from "../../src/engine/plan.ts";
import { syncLab } from "./session.ts";
import { type StacksLab, stack, stacksLab, withStacks } from "./stacks-site.ts";

const only = (result: RunResult) => result.components[0]!;
const file = (more = "") => `
services:
  app:
    image: nginx:1.28
    networks: [proxy]
${more}networks:
  proxy: { external: true }
`;

let lab: StacksLab;
const sync = (text: string, networks: readonly string[]) =>
  syncLab(lab.directory, withStacks(stack("app", text, { networks })), [stacks]);

beforeAll(async () => {
  lab = await stacksLab();
});

test("the engine refuses a network that nobody made", async () => {
  const result = await sync(file(), []);
  expect(only(result).outcome).toBe("failed");
  expect(JSON.stringify(only(result))).toContain(
    "network proxy declared as external, but could not be found",
  );
});

test("one that is declared is created, and created again once it is gone", async () => {
  expect(only(await sync(file(), ["proxy"])).outcome).toBe("changed");
  expect(await lab.docker("network", "ls", "--format", "{{.Name}}")).toContain("proxy");
  expect(only(await sync(file(), ["proxy"]))).toMatchObject({ outcome: "unchanged", changes: [] });
});

test("what the machine's Compose refuses never reaches a running stack", async () => {
  const before = await lab.docker("ps", "-aq", "--no-trunc");
  const result = await sync(file("    colour: red\n"), ["proxy"]);
  expect(only(result).outcome).not.toBe("changed");
  expect(JSON.stringify(only(result))).toContain(
    "Docker Compose on drphoenix refuses stacks/app/docker-compose.yml",
  );
  expect(JSON.stringify(only(result))).toContain("colour");
  expect(await lab.docker("ps", "-aq", "--no-trunc")).toBe(before);
  expect(await lab.world.host("vm/1002").list("/run/phoenix")).toEqual([]);
});
