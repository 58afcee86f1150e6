/** Swarms in the lab: from no member to all, a second sync that changes nothing, roles, drift, and who leaves only with consent. */
import { expect, test } from "vitest";
import { breakLab } from "../../lab/faults.ts";
import { askDocker } from "../../src/components/foreign/docker-api.ts";
import { swarm as component } from "../../src/components/swarm/index.ts";
import { member, objectsOf, textOf } from "../../src/formats/json/index.ts";
import type { Site, SwarmMember } from "../../src/model.ts";
import { newLab, opened } from "./open.ts";
import { planLab, type SessionOptions, syncLab } from "./session.ts";
import { agent, labSite, portainer } from "./site.ts";

const third = { ...agent, host: "vm/1003" as const, id: 1003, name: "third", address: "10.0.0.103" };
const from = { file: "etc/phoenix_vm_configs.json", line: 1, column: 1 };

type Role = SwarmMember["role"];

/** @param roles of vm/1001, vm/1002, vm/1003; without one, a machine is no member */
function siteWith(...roles: readonly (Role | undefined)[]): Site {
  const machines = [portainer, agent, third];
  const members = machines.flatMap((guest, at) => {
    const role = roles[at];
    return role === undefined ? [] : [{ guest, role, from }];
  });
  const sorted = [...members].sort((a, b) => Number(b.role === "manager") - Number(a.role === "manager"));
  return {
    ...labSite,
    guests: [...labSite.guests, third],
    portainer: undefined,
    swarms: [{ name: "oak", members: sorted, environment: "oak", from }],
  };
}

const all = siteWith("manager", "worker", "worker");
const sync = async (lab: string, site: Site, options: SessionOptions = {}) =>
  (await syncLab(lab, site, [component], options)).components[0];

async function nodes(lab: string): Promise<readonly string[]> {
  const world = await opened(lab);
  const found = objectsOf(await askDocker(world.host("vm/1001"), "GET", "/nodes"));
  return found
    .map((node) => {
      const spec = member(node, "Spec");
      const status = member(node, "Status");
      return `${textOf(status, "Addr")} ${textOf(spec, "Role")} ${textOf(spec, "Availability")} ${textOf(status, "State")}`;
    })
    .sort();
}

test("machines become members, and a second sync changes nothing", async () => {
  const lab = await newLab(all);
  const first = await sync(lab, all);
  expect(first).toMatchObject({ outcome: "changed" });
  expect(first?.checks.filter(({ status }) => status !== "pass")).toEqual([]);
  expect(await nodes(lab)).toEqual([
    "10.0.0.102 worker active ready",
    "10.0.0.103 worker active ready",
    "10.0.0.111 manager active ready",
  ]);
  expect(await sync(lab, all)).toMatchObject({ outcome: "unchanged", changes: [], notes: [] });
});

test("a role that is declared anew is given, and the last manager stays one", async () => {
  const lab = await newLab(all);
  await sync(lab, all);
  const three = siteWith("manager", "manager", "manager");
  expect(await sync(lab, three)).toMatchObject({ outcome: "changed" });
  expect((await nodes(lab)).filter((node) => node.includes("manager"))).toHaveLength(3);
  expect(await sync(lab, siteWith("manager", "worker", "worker"))).toMatchObject({ outcome: "changed" });
  expect(await sync(lab, all)).toMatchObject({ outcome: "unchanged" });
});

test("a node drained by hand is drift", async () => {
  const lab = await newLab(all);
  await sync(lab, all);
  const world = await opened(lab);
  const host = world.host("vm/1001");
  const [worker] = objectsOf(await askDocker(host, "GET", "/nodes")).filter(
    (node) => textOf(member(node, "Spec"), "Role") === "worker",
  );
  const spec = member(worker, "Spec") as object;
  const index = String(member(member(worker, "Version"), "Index"));
  const path = `/nodes/${textOf(worker, "ID")}/update?version=${index}`;
  await askDocker(host, "POST", path, { ...spec, Availability: "drain" });
  const { components } = await planLab(lab, all, [component]);
  expect(components[0]?.changes).toMatchObject([
    {
      verb: "update",
      live: { units: { availability: "drain" } },
      desired: { units: { availability: "active" } },
    },
  ]);
  expect(await sync(lab, all)).toMatchObject({ outcome: "changed" });
  expect(await sync(lab, all)).toMatchObject({ outcome: "unchanged" });
});

test("a member that is declared no more stays without consent, and leaves with it", async () => {
  const lab = await newLab(all);
  await sync(lab, all);
  const fewer = siteWith("manager", "worker");
  const kept = await sync(lab, fewer);
  expect(kept).toMatchObject({ outcome: "unchanged", orphans: ["swarm/oak-third"] });
  expect(await nodes(lab)).toHaveLength(3);
  expect(await sync(lab, fewer, { allow: ["prune"] })).toMatchObject({ outcome: "changed" });
  expect(await nodes(lab)).toHaveLength(2);
  const world = await opened(lab);
  const info = await askDocker(world.host("vm/1003"), "GET", "/info");
  expect(textOf(member(info, "Swarm"), "LocalNodeState")).toBe("inactive");
});

test("a member of another Swarm is told and left alone, and the others go on", async () => {
  const lab = await newLab(all);
  const world = await opened(lab);
  await askDocker(world.host("vm/1003"), "POST", "/swarm/init", {
    ListenAddr: "0.0.0.0:2377",
    AdvertiseAddr: "10.0.0.103",
  });
  const lonely = siteWith("manager", "worker", "worker");
  await sync(lab, siteWith("manager", "worker"));
  const { components } = await planLab(lab, lonely, [component]);
  expect(components[0]?.unreadResources).toMatchObject([
    { ids: ["swarm/oak-third"], reason: expect.stringMatching(/^vm\/1003 is a member of another Swarm/) },
  ]);
  await sync(lab, lonely);
  const info = await askDocker(world.host("vm/1003"), "GET", "/info");
  expect(member(member(info, "Swarm"), "ControlAvailable")).toBe(true);
});

test("a Swarm that somebody else made is changed with consent alone", async () => {
  const lab = await newLab(all);
  const world = await opened(lab);
  await askDocker(world.host("vm/1001"), "POST", "/swarm/init", {
    ListenAddr: "0.0.0.0:2377",
    AdvertiseAddr: "10.0.0.111",
  });
  await expect(sync(lab, all)).rejects.toThrow(/was made by somebody else/);
  expect(await nodes(lab)).toHaveLength(1);
  expect(await sync(lab, all, { allow: ["adopt"] })).toMatchObject({ outcome: "changed" });
  expect(await nodes(lab)).toHaveLength(3);
  expect(await sync(lab, all)).toMatchObject({ outcome: "unchanged" });
});

test("join tokens are in no event, plan or result", async () => {
  const lab = await newLab(all);
  const result = await syncLab(lab, all, [component]);
  const world = await opened(lab);
  const tokens = member(await askDocker(world.host("vm/1001"), "GET", "/swarm"), "JoinTokens");
  for (const role of ["Worker", "Manager"]) {
    const token = textOf(tokens, role);
    expect(token).toMatch(/^SWMTKN-1-/);
    expect(JSON.stringify(result)).not.toContain(token);
  }
});

test("a member that does not answer is named, and the others go on", async () => {
  const lab = await newLab(all);
  await sync(lab, all);
  breakLab(lab, "guest-down", "vm/1003");
  const { components } = await planLab(lab, siteWith("manager", "manager", "worker"), [component]);
  expect(components[0]?.unreadResources).toMatchObject([{ ids: ["swarm/oak-third"] }]);
  expect(components[0]?.changes).toMatchObject([{ verb: "update", desired: { id: "swarm/oak-drphoenix" } }]);
});

test("managers without a quorum leave the whole Swarm alone, in one line", async () => {
  const lab = await newLab(all);
  const three = siteWith("manager", "manager", "manager");
  await sync(lab, three);
  breakLab(lab, "guest-down", "vm/1002");
  breakLab(lab, "guest-down", "vm/1003");
  const { components } = await planLab(lab, three, [component]);
  expect(components[0]?.changes).toEqual([]);
  const reasons = components[0]?.unreadResources.map(({ reason }) => reason) ?? [];
  expect(reasons).toContainEqual(
    expect.stringMatching(/^the Swarm oak has no quorum: 1 of 3 declared managers answer/),
  );
});

test("no second Swarm begins while a manager is silent", async () => {
  const lab = await newLab(all);
  const two = siteWith("manager", "manager", "manager");
  breakLab(lab, "guest-down", "vm/1003");
  await sync(lab, two);
  const world = await opened(lab);
  const info = await askDocker(world.host("vm/1001"), "GET", "/info");
  expect(textOf(member(info, "Swarm"), "LocalNodeState")).toBe("inactive");
});

test("a machine that was set up anew joins again, and its old entry goes with consent alone", async () => {
  const lab = await newLab(all);
  await sync(lab, all);
  const world = await opened(lab);
  await askDocker(world.host("vm/1003"), "POST", "/swarm/leave?force=true");
  expect(await sync(lab, all)).toMatchObject({ outcome: "changed" });
  await expect.poll(() => nodes(lab), { timeout: 5_000 }).toContain("10.0.0.103 worker active down");
  const kept = await sync(lab, all);
  expect(kept?.orphans).toEqual([expect.stringMatching(/^swarm\/oak-third-[0-9a-z]{25}$/)]);
  expect(await nodes(lab)).toHaveLength(4);
  expect(await sync(lab, all, { allow: ["prune"] })).toMatchObject({ outcome: "changed" });
  expect(await nodes(lab)).toHaveLength(3);
  expect(await sync(lab, all)).toMatchObject({ outcome: "unchanged", orphans: [] });
});
