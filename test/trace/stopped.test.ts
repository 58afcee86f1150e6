/** Why a guest does not run, as a trace names it: the guest itself, or its node. */
import { expect, test } from "vitest";
import { type Looking, stopped } from "../../src/trace/context.ts";
import { clusterOf } from "../lab/cluster-site.ts";
import { labSite } from "../lab/site.ts";

function look(state: "running" | "stopped", off: readonly string[]) {
  const site = clusterOf(labSite, ["pve2"], { off, placement: { "lxc/101": "pve2" } });
  const facts = { site, guestState: async () => state };
  return stopped({ facts } as unknown as Looking, "lxc/101");
}

test("a node that is offline is the cause, whatever was known of its guests", async () => {
  expect(await look("running", ["pve2"])).toMatchObject({
    status: "broken",
    cause: "lxc/101 (Nginx-Gateway) is on node pve2, which is offline",
  });
});

test("a guest that is stopped on another node is started there", async () => {
  expect(await look("stopped", [])).toMatchObject({ hint: "`pct start 101` on node pve2" });
  expect(await look("running", [])).toBeUndefined();
});
