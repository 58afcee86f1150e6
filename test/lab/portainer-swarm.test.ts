/** The agents of a Swarm in the lab: one service, one environment, a proof across members, and what machines had before. */
import { expect, test } from "vitest";
import { breakLab } from "../../lab/faults.ts";
import { certificates } from "../../src/components/certificates/index.ts";
import { askDocker } from "../../src/components/foreign/docker-api.ts";
import { portainer as component } from "../../src/components/portainer/index.ts";
import { swarm } from "../../src/components/swarm/index.ts";
import { member, objectsOf, textOf } from "../../src/formats/json/index.ts";
import type { World } from "../../src/hosts/world.ts";
import type { Portainer, RoleGuest, Site } from "../../src/model.ts";
import { newLab, opened, prepared } from "./open.ts";
import { planLab, type SessionOptions, syncLab, verifyLab } from "./session.ts";
import { agent, labSite } from "./site.ts";

const from = { file: "etc/phoenix_vm_configs.json", line: 7, column: 3 };
const third: RoleGuest = { ...agent, host: "vm/1003", id: 1003, name: "third", address: "10.0.0.103" };
const compose = `services:
  portainer:
    image: portainer/portainer-ce:2.23.0
    command: -H unix:///var/run/docker.sock
    container_name: portainer_server
    volumes: [/var/run/docker.sock:/var/run/docker.sock, portainer_data_nfs:/data]
    ports: ["9443:9443"]
volumes:
  portainer_data_nfs:
    external: true
`;

function siteWith(more: Partial<Portainer>, swarms: Site["swarms"]): Site {
  const file = "stacks/portainer_service/docker-compose.yml";
  const base = { ...labSite.portainer!, compose: { file, text: compose } };
  return {
    ...labSite,
    guests: [...labSite.guests, third],
    portainer: { ...base, agentImage: "portainer/agent:2.23.0", ...more },
    swarms,
  };
}

/** Before there was a Swarm: an agent on vm/1002. */
const alone = siteWith({}, []);
const environment = { name: "oak", swarm: "oak", guest: agent, kind: "agent" as const, port: 9001, from };
const members = [
  { guest: agent, role: "manager" as const, from },
  { guest: third, role: "worker" as const, from },
];
const site = siteWith({ environments: [environment] }, [{ name: "oak", members, environment: "oak", from }]);

const all = [certificates, swarm, component];
const sync = async (lab: string, of: Site = site, options: SessionOptions = {}) => {
  const { components } = await syncLab(lab, of, all, options);
  return components[2];
};
const inSwarm = prepared(async () => {
  const lab = await newLab(site);
  const result = await sync(lab);
  expect(result).toMatchObject({ outcome: "changed" });
  expect(result?.checks.filter(({ status }) => status !== "pass")).toEqual([]);
  return lab;
});

async function service(world: World): Promise<unknown> {
  const found = objectsOf(await askDocker(world.host("vm/1002"), "GET", "/services"));
  expect(found).toHaveLength(1);
  return found[0];
}

test("the agents are a task on each member, Portainer has one environment, and a second sync changes nothing", async () => {
  const lab = await inSwarm();
  const world = await opened(lab);
  const spec = member(await service(world), "Spec");
  expect(spec).toMatchObject({
    Name: "portainer_agent",
    Mode: { Global: {} },
    EndpointSpec: {
      Mode: "dnsrr",
      Ports: [{ Protocol: "tcp", TargetPort: 9001, PublishedPort: 9001, PublishMode: "host" }],
    },
  });
  const again = await sync(lab);
  expect(again).toMatchObject({ outcome: "unchanged", changes: [] });
  const claims = again?.checks.map(({ claim }) => claim) ?? [];
  for (const { guest } of members)
    expect(claims).toContain(`the agent at https://${guest.address}:9001 answers a ping`);
  expect(claims).toContain("containers of the Swarm oak reach each other across its members");
  expect(claims.filter((claim) => claim.startsWith("environment "))).toEqual([
    'environment "oak" is up in Portainer',
  ]);
});

test("an edit of the service by hand is drift, and is reverted in place", async () => {
  const lab = await inSwarm();
  const world = await opened(lab);
  const before = await service(world);
  const spec = member(before, "Spec") as Record<string, Record<string, Record<string, unknown>>>;
  const edited = structuredClone(spec);
  edited.TaskTemplate!.ContainerSpec!.Image = "portainer/agent:2.21.0";
  const version = String(member(member(before, "Version"), "Index"));
  const path = `/services/${textOf(before, "ID")}/update?version=${version}`;
  await askDocker(world.host("vm/1002"), "POST", path, edited);
  const { components } = await planLab(lab, site, all);
  expect(components[2]?.changes).toMatchObject([
    { verb: "update", live: { id: "portainer/agent-oak", units: { image: "portainer/agent:2.21.0" } } },
  ]);
  expect(await sync(lab)).toMatchObject({ outcome: "changed" });
  const after = await service(world);
  expect(textOf(after, "ID")).toBe(textOf(before, "ID"));
  expect(await sync(lab)).toMatchObject({ outcome: "unchanged" });
});

test("an overlay that is closed is told although every node is ready", async () => {
  const lab = await inSwarm();
  breakLab(lab, "overlay-closed", "vm/1003");
  const { components } = await verifyLab(lab, site, all);
  const failed = components.flatMap(({ checks }) => checks).filter(({ status }) => status === "fail");
  expect(failed).toMatchObject([
    {
      claim: "containers of the Swarm oak reach each other across its members",
      observed: expect.stringMatching(/nothing comes back from 10\.\d+\.\d+\.\d+:9001/),
      hint: expect.stringContaining("UDP 4789"),
      external: true,
    },
  ]);
  expect(components.flatMap(({ checks }) => checks.map(({ claim }) => claim))).toContain(
    "vm/1003 (third) is a ready member of the Swarm oak",
  );
});

test("the agent that a machine had before it joined makes room for the service", async () => {
  const lab = await newLab(alone);
  expect(await sync(lab, alone)).toMatchObject({ outcome: "changed" });
  const result = await sync(lab, site);
  expect(result).toMatchObject({ outcome: "changed" });
  expect(result?.checks.filter(({ status }) => status !== "pass")).toEqual([]);
  const world = await opened(lab);
  const { stdout } = await world.host("vm/1002").run({
    argv: ["docker", "ps", "--all", "--format", "{{.Names}}"],
    effect: "read",
  });
  const names = stdout.trim().split("\n");
  expect(names).not.toContain("portainer_agent");
  expect(names.filter((name) => name.startsWith("portainer_agent."))).toHaveLength(1);
  expect(await sync(lab)).toMatchObject({ outcome: "unchanged" });
});

test("a service of somebody else with the agents' name is updated with consent alone", async () => {
  const lab = await newLab(site);
  await syncLab(lab, site, [certificates, swarm]);
  const world = await opened(lab);
  await askDocker(world.host("vm/1002"), "POST", "/services/create", {
    Name: "portainer_agent",
    TaskTemplate: { ContainerSpec: { Image: "portainer/agent:2.21.0" } },
    Mode: { Global: {} },
  });
  await expect(sync(lab)).rejects.toThrow(/has a service "portainer_agent" that somebody else made/);
  expect(await sync(lab, site, { allow: ["adopt"] })).toMatchObject({ outcome: "changed" });
  expect(await sync(lab)).toMatchObject({ outcome: "unchanged" });
});

test("the agents' secret is in no event, plan or result", async () => {
  const lab = await newLab(site);
  const result = await syncLab(lab, site, all);
  const world = await opened(lab);
  const spec = member(await service(world), "Spec");
  const env = member(member(member(spec, "TaskTemplate"), "ContainerSpec"), "Env") as readonly string[];
  const secret = env.find((each) => each.startsWith("AGENT_SECRET="))?.slice("AGENT_SECRET=".length) ?? "";
  expect(secret.length).toBeGreaterThan(20);
  expect(JSON.stringify(result)).not.toContain(secret);
});
