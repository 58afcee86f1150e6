/** __Name__ in the lab: from nothing to in sync, drift, and files of others. */
import { expect, test } from "vitest";
import { __name__ } from "../../src/components/__NAME__/index.ts";
import { newLab, opened } from "./open.ts";
import { planLab, syncLab } from "./session.ts";
import { labSite } from "./site.ts";

const path = "/etc/phoenix/__NAME__.conf";
const sync = async (lab: string) => (await syncLab(lab, labSite, [__name__])).components[0];

test("a sync creates it, and a second one changes nothing", async () => {
  const lab = await newLab();
  const first = await sync(lab);
  expect(first).toMatchObject({ outcome: "changed" });
  expect(first?.checks.filter(({ status }) => status === "fail")).toEqual([]);
  expect(await sync(lab)).toMatchObject({ outcome: "unchanged", changes: [], activations: [] });
});

test("an edit by hand is drift, and the next sync reverts it", async () => {
  const lab = await newLab();
  await sync(lab);
  const pve = (await opened(lab)).host("pve");
  await pve.writeFiles([{ path, text: "domain example.net\n", mode: "644" }]);
  const { components } = await planLab(lab, labSite, [__name__]);
  expect(components[0]?.changes).toMatchObject([{ verb: "update", desired: { id: "__NAME__/file" } }]);
  expect(await sync(lab)).toMatchObject({ outcome: "changed" });
  expect(await sync(lab)).toMatchObject({ outcome: "unchanged" });
});
