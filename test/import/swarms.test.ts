/** Docker Swarms as a site can declare them: their names, and which machines are in them. */
import { expect, test } from "vitest";
import type { FoundPortainer } from "../../src/import/found/docker.ts";
import type { FoundSwarm } from "../../src/import/found/swarms.ts";
import type { FoundGuest } from "../../src/import/found.ts";
import { joinSwarms } from "../../src/import/join/swarms.ts";
import { swarmsPart } from "../../src/import/parts/swarms.ts";
import type { Found } from "../../src/import/read/index.ts";
import type { GuestName } from "../../src/resource.ts";

const source = { host: "vm/200", path: "docker info" } as const;

function swarm(
  id: string,
  members: Readonly<Record<GuestName, "manager" | "worker">>,
  mark?: string,
): FoundSwarm {
  return {
    ...{ id, services: [], configs: new Map(), ...(mark === undefined ? {} : { mark }) },
    members: Object.entries(members).map(([host, role]) => ({ host: host as GuestName, role, source })),
  };
}

/** A host whose Portainer, on vm/200, has agents' environments at these addresses. */
function host(swarms: readonly FoundSwarm[], environments: Readonly<Record<string, string>> = {}): Found {
  const guests = [200, 201, 202].map((id) => ({
    ...{ host: `vm/${id}`, kind: "vm", id, name: `m${id}` },
    nics: [{ key: "net0", isFiltered: false, ip: { address: `10.0.0.${id}`, prefix: 24, source }, source }],
  }));
  const state = {
    environments: Object.entries(environments).map(([name, address], id) => ({
      ...{ id, name, kind: "agent", url: `https://${address}:9001` },
    })),
    stacks: [],
  };
  const portainer = [{ host: "vm/200", container: { labels: {} }, state }];
  return {
    ...{ guests: guests as unknown as readonly FoundGuest[], swarms },
    docker: { engines: [], projects: [], portainer: portainer as unknown as readonly FoundPortainer[] },
  } as unknown as Found;
}

test("a Swarm is called as Phoenix has marked it, else as its environment in Portainer, else plainly", () => {
  const all = [
    swarm("a", { "vm/200": "manager" }, "oak"),
    swarm("b", { "vm/201": "manager" }),
    swarm("c", { "vm/202": "manager" }),
  ];
  const environments = { prod: "10.0.0.200", "The Grove": "10.0.0.201" };
  const joined = joinSwarms(host(all, environments));
  expect(joined.map(({ name, environment }) => [name, environment?.name])).toEqual([
    ["oak", "prod"],
    ["The-Grove", "The Grove"],
    ["swarm", undefined],
  ]);
  expect(joinSwarms(host(all.slice(1))).map(({ name }) => name)).toEqual(["swarm", "swarm-2"]);
});

test("a container is no member of a site's Swarm, and without another manager there is none", () => {
  const mixed = host([swarm("a", { "vm/201": "worker", "vm/202": "manager", "lxc/100": "worker" })]);
  expect([...(swarmsPart(mixed).guests?.keys() ?? [])]).toEqual(["vm/202", "vm/201"]);
  expect(swarmsPart(mixed).left).toMatchObject([
    {
      what: "a worker of a Docker Swarm",
      reason: "it is a container; the members of a site's Swarm are virtual machines",
    },
  ]);
  const headless = host([swarm("a", { "vm/201": "worker", "lxc/100": "manager" })]);
  expect([...(swarmsPart(headless).guests?.keys() ?? [])]).toEqual([]);
  expect(swarmsPart(headless).left).toHaveLength(2);
});
