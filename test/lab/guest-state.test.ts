/** Guests as `status` shows them. */
import { expect, test } from "vitest";
import { guestStates } from "../../src/cli/guest-state.ts";
import { newLab, opened } from "./open.ts";
import { labSite, mesh } from "./site.ts";

test("how long a guest is up stands beside its role", async () => {
  const world = await opened(await newLab());
  const uptime = { path: "/proc/uptime", text: "1036800.51 2073600.00\n" };
  await world.host(mesh.host).writeFiles([uptime]);
  const found = await guestStates(labSite, world);
  const [known] = found.filter(({ host }) => host === mesh.host);
  expect(known).toMatchObject({ state: "answers", note: expect.stringContaining("up 12 d") });
  expect(known?.roles).toContain("mesh");
  // A guest that does not tell how long it is up answers all the same.
  const others = found.filter(({ host }) => host !== mesh.host);
  expect(others.length).toBeGreaterThan(0);
  for (const { state, note } of others) {
    expect(state).toBe("answers");
    expect(note).not.toContain("up ");
  }
});
