/** A node that leaves the cluster between two runs, and one that comes back: what it has is changed on nobody. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { readFacts } from "../../lab/facts.ts";
import { initLab } from "../../lab/init.ts";
import { createStore } from "../../lab/store.ts";
import { loadSite } from "../../src/site/load.ts";
import { call } from "../cli/edge.ts";
import { newDirectory } from "./open.ts";

const { site } = await loadSite(join(import.meta.dirname, "../../examples/dns-only"));
if (site === undefined) throw new Error("the example has errors");
const example = site;

test("a node that left is named until its resources are forgotten, and taken as it is when it comes back", async () => {
  const lab = await newDirectory();
  await initLab(lab, example, { nodes: ["pve", "pve2", "pve3"] });
  const phoenix = (...words: string[]) => call(["--lab", lab, ...words]);
  expect(await phoenix("sync", "dns")).toMatchObject({ code: 0 });
  const store = createStore(lab);
  const facts = readFacts(store);
  if (facts?.cluster === undefined) throw new Error("the lab has no cluster");
  const { cluster } = facts;
  store.write("facts", {
    ...facts,
    cluster: { ...cluster, nodes: cluster.nodes.filter(({ name }) => name !== "pve3") },
  });
  const said = "may still have dns/configuration@pve3, dns/records@pve3, dns/service@pve3";

  const left = await phoenix("sync", "dns");
  expect(left.code, left.stdout + left.stderr).toBe(0);
  expect(left.stdout).toContain(said);
  expect(left.stdout).toContain("0 created, 0 updated, 0 deleted");
  const forgotten = await phoenix("sync", "dns", "--allow", "prune");
  expect(forgotten.code, forgotten.stdout + forgotten.stderr).toBe(0);
  expect((await phoenix("plan", "dns")).stdout).not.toContain("pve3");

  store.write("facts", facts);
  const back = await phoenix("sync", "dns");
  expect(back.code, back.stdout + back.stderr).toBe(0);
  expect((await phoenix("plan", "dns")).code).toBe(0);
});
