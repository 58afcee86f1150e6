/** Who is let in to a service that clients reach without the gateway. */
import { expect, test } from "vitest";
import { endOf, requiredPaths } from "../../src/fabric/paths.ts";
import type { Guest, Service, Site } from "../../src/model.ts";
import { agent, ca, labSite } from "../lab/site.ts";

const openToNetwork = (site: Site, host: Guest["host"]): readonly string[] =>
  requiredPaths(site)
    .filter(({ from, to }) => from === "network" && to === host)
    .map(endOf);

const [any] = labSite.services as readonly [Service, ...Service[]];

test("the network it is on", () => {
  expect(openToNetwork(labSite, ca.host)).toEqual(["10.0.0.10:9000"]);
});

test("whom its guest's own rules for that port name, and nobody else", () => {
  const rule = { direction: "in", action: "ACCEPT", protocol: "tcp", ports: "22,8990:9010" } as const;
  const firewall = { enabled: true, rules: [{ ...rule, source: "10.0.0.50", from: ca.from }] };
  const closed = { ...ca, firewall };
  const services = labSite.services.map((service) =>
    service.guest.host === ca.host ? { ...service, guest: closed } : service,
  );
  expect(openToNetwork({ ...labSite, services }, ca.host)).toEqual([]);
});

test("Portainer alone where an agent has a name of its own", () => {
  const backend = { scheme: "https", address: agent.address, port: 9001 } as const;
  const named: Service = {
    ...any,
    id: "agent",
    names: ["agent.lab.test"],
    path: "direct",
    guest: agent,
    backend,
  };
  const site = { ...labSite, services: [...labSite.services, named] };
  expect(openToNetwork(site, agent.host)).toEqual([]);
  const senders = requiredPaths(site).filter(({ to, port }) => to === agent.host && port === 9001);
  expect(senders.map(({ from }) => from)).toEqual(["vm/1001", "pve"]);
});
