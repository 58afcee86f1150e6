/** Names of services that every JavaScript object has a member of. */
import { expect, test } from "vitest";
import { stacks } from "../../src/components/stacks/index.ts";
import { planLab, syncLab } from "./session.ts";
import { stack, stacksLab, withStacks } from "./stacks-site.ts";

const names = ["__proto__", "constructor", "toString", "hasOwnProperty"];

const siteOf = (image: string) => {
  const services = names.map(
    (name) => `  ${name}:\n    image: ${image}\n    restart: always\n    container_name: c${name}\n`,
  );
  return withStacks(stack("names", `services:\n${services.join("")}`));
};

test("services called like members of every object are deployed, seen and repaired like any other", async () => {
  const lab = await stacksLab();
  const sync = async (image: string) =>
    (await syncLab(lab.directory, siteOf(image), [stacks])).components[0]!;
  const first = await sync("nginx:1.27");
  expect(first.outcome).toBe("changed");
  expect(first.checks.map(({ claim, status }) => `${claim}: ${status}`).sort()).toEqual(
    names.map((name) => `${name} of names runs on drphoenix: pass`).sort(),
  );
  expect(await sync("nginx:1.27")).toMatchObject({ outcome: "unchanged", changes: [] });

  await lab.docker("stop", "c__proto__");
  const [change] = (await planLab(lab.directory, siteOf("nginx:1.27"), [stacks])).components[0]!.changes;
  expect(change).toMatchObject({ verb: "update" });
  expect((await sync("nginx:1.27")).outcome).toBe("changed");
  expect(await lab.running()).toHaveLength(names.length);

  expect((await sync("nginx:1.28")).outcome).toBe("changed");
  expect(await sync("nginx:1.28")).toMatchObject({ outcome: "unchanged", changes: [] });
});
