/** The nodes of a site: which there are, which run the name server, how their resources are called. */
import { describe, expect, test } from "vitest";
import { unknownNodes } from "../../src/fabric/declared-nodes.ts";
import { baseId, dnsNodes, idOn, nodeOfId, nodesOf, nodeTitle } from "../../src/fabric/nodes.ts";
import { clusterOf } from "../lab/cluster-site.ts";
import { labSite } from "../lab/site.ts";

const oak = clusterOf(labSite, ["pve2", "pve3"]);
const from = { file: "etc/phoenix_hypervisor_config.json", line: 9, column: 4 };
const naming = (...names: readonly string[]) => ({
  ...oak,
  dns: { ...oak.dns, nodes: names.map((name) => ({ name, from })) },
});

describe("a single host", () => {
  test("is its own only node, called the hypervisor", () => {
    expect(nodesOf(labSite)).toEqual([{ host: "pve", address: "10.0.0.13", online: true }]);
    expect(nodesOf(labSite).map(nodeTitle)).toEqual(["the hypervisor"]);
  });

  test("runs the name server whatever nodes are declared: they may join it later", () => {
    const site = { ...labSite, dns: { ...labSite.dns, nodes: [{ name: "pve2", from }] } };
    expect(dnsNodes(site).map(({ host }) => host)).toEqual(["pve"]);
    expect(unknownNodes(site)).toEqual([]);
  });
});

describe("a cluster", () => {
  test("runs the name server on all of its nodes, or on those that are declared", () => {
    expect(dnsNodes(oak).map(({ name }) => name)).toEqual(["pve", "pve2", "pve3"]);
    expect(dnsNodes(naming("pve3")).map(({ host }) => host)).toEqual(["node/pve3"]);
    expect(dnsNodes({ ...oak, dns: { ...oak.dns, enabled: false } })).toEqual([]);
  });

  test("refuses a node that it does not have, with the place", () => {
    expect(unknownNodes(naming("pve2", "pve4"))).toEqual([
      expect.objectContaining({
        code: "PHX0313",
        message: 'unknown node "pve4"',
        at: from,
        hint: "the cluster oak has pve, pve2, pve3",
      }),
    ]);
  });

  test("calls what other nodes have by their names", () => {
    const ids = nodesOf(oak).map((node) => idOn(node, "dns/records"));
    expect(ids).toEqual(["dns/records", "dns/records@pve2", "dns/records@pve3"]);
    expect(ids.map((id, at) => baseId({ id, host: nodesOf(oak)[at]!.host }))).toEqual(
      ids.map(() => "dns/records"),
    );
    expect(ids.map((id) => nodeOfId(oak, id).host)).toEqual(["pve", "node/pve2", "node/pve3"]);
    // A foreign file may have the sign in its name.
    expect(nodeOfId(oak, "dns//etc/dnsmasq.d/a@b.conf").host).toBe("pve");
  });
});
