/** The client of Portainer: how much it asks at once. */
import { beforeEach, expect, test } from "vitest";
import { closeAfterEach, file, now, start } from "./portainer-fixture.ts";

closeAfterEach();
beforeEach(() => start());

test("many reads go a few at a time, and a change does not wait for them", async () => {
  // The login is over.
  await now.client.stacks();
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let underWay = 0;
  let most = 0;
  now.network.intercept = async (request, send) => {
    if (request.effect === "change") return send();
    underWay += 1;
    most = Math.max(most, underWay);
    await held;
    const answer = await send();
    underWay -= 1;
    return answer;
  };
  const reads = Array.from({ length: 40 }, () => now.client.stacks());
  await expect(now.client.createStack(9, { name: "x", file, env: [] })).rejects.toThrow("Portainer did not");
  release();
  expect(await Promise.all(reads)).toHaveLength(40);
  expect(most).toBe(8);
});
