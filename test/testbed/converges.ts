/**
 * What holds for every site: from machines that nobody has touched, one sync builds the whole fabric, somebody on the network
 * sees it work, and a second sync touches nothing.
 */
import { describe, expect, test } from "vitest";
import { hostNameOf } from "../../src/fabric/guests.ts";
import { gatewayNames, routedServices } from "../../src/fabric/services.ts";
import { readCompose } from "../../src/formats/compose/index.ts";
import type { FirewallRule, Guest, Stack } from "../../src/model.ts";
import type { WholeSite } from "../whole-site.ts";
import { addressesOf, answersOf, openOf, portainerApi, statusOfUnknown } from "./client.ts";
import { expectRun, httpStatus } from "./machines.ts";
import { converge, hurry } from "./phoenix.ts";
import { containersOf, dockerMachinesOf, machineOf, realityOf } from "./reality.ts";

/** @param site answers the site once its machines are up; @param others nodes of its cluster besides "pve" */
export function converges(site: () => WholeSite, ...others: readonly "pve2"[]): void {
  describe("from nothing", () => {
    test("everything is open before", async () => {
      await hurry(...others);
      const [first] = routedServices(site()).filter(
        ({ stack, guest }) => stack === undefined && guest.kind === "lxc",
      );
      if (first === undefined) return;
      const end = `${first.backend.address}:${first.backend.port}`;
      expect(await openOf([end])).toEqual([end]);
    });

    test("one sync of everything", async () => {
      expect(await converge("from untouched machines")).toMatch(/ created, .* checks passed/);
    }, 900_000);
  });

  describe("seen by a client that trusts the site's root and nobody else", () => {
    test("every declared name has its address", async () => {
      const wanted = declaredNames(site());
      const found = await addressesOf([...wanted.keys()]);
      expect(Object.fromEntries(found)).toEqual(Object.fromEntries(wanted));
    });

    test("every routed name answers through the gateway, with a valid certificate, from the right backend", async () => {
      const { roles } = site();
      const services = new Map(
        routedServices(site()).flatMap((each) => each.names.map((name) => [name, each])),
      );
      for (const { name, body, status, ...rest } of await answersOf([...services.keys()])) {
        expect({ name, ...rest }).toEqual({ name, verified: 0, address: roles.gateway.address });
        const service = services.get(name);
        if (service?.middlewares.some(({ options }) => "redirectRegex" in options || "regex" in options)) {
          expect([301, 302, 307, 308], name).toContain(status);
          continue;
        }
        expect(status, name).toBe(200);
        expect(backendsOf(site(), service?.stack, service?.id), name).toContain(speakerOf(body));
      }
    });

    test("plain HTTP is led to HTTPS", async () => {
      const [name] = gatewayNames(site());
      expect(await httpStatus("client", `http://${name}/`)).toBe(308);
    });

    test("a name that nobody declared is neither known nor served", async () => {
      const name = `phoenix-nobody.${site().domain}`;
      expect(await addressesOf([name])).toEqual(new Map());
      expect(await statusOfUnknown(name, site().roles.gateway.address)).toBe(0);
    });

    test("ports answer where a rule opens them, and nowhere else", async () => {
      const { ends, opened } = await endsOf(site());
      expect(await openOf(ends)).toEqual(opened);
      expect(opened.length).toBeLessThan(ends.length);
    });

    test("Portainer lists the environments as up, and the stacks", async () => {
      const { portainer, stacks } = site();
      if (portainer === undefined) return;
      const { hostname, adminUser, adminPassword, environments } = portainer;
      const ask = await portainerApi(hostname, adminUser, adminPassword!.reveal());
      const listed = (await ask("GET", "/endpoints")) as { Id: number; Name: string; Status: number }[];
      const up = listed.filter(({ Status }) => Status === 1).map(({ Name }) => Name);
      // Portainer's own engine may be there besides.
      expect(up).toEqual(expect.arrayContaining(environments.map(({ name }) => name)));
      const names = new Map(listed.map(({ Id, Name }) => [Id, Name]));
      const deployed = (await ask("GET", "/stacks")) as {
        Name: string;
        EndpointId: number;
        Status: number;
      }[];
      expect(deployed.map(({ Name, EndpointId }) => `${Name} on ${names.get(EndpointId)}`).sort()).toEqual(
        stacks.map(({ project, portainerEnvironment }) => `${project} on ${portainerEnvironment}`).sort(),
      );
      expect(deployed.every(({ Status }) => Status === 1)).toBe(true);
    });

    test("the containers of every stack run where they are declared", async () => {
      for (const machine of dockerMachinesOf(site())) {
        // Where tasks of a Swarm run is the Swarm's business.
        const own = site().stacks.filter(
          ({ guest, swarm }) => swarm === undefined && machineOf(guest.host) === machine,
        );
        const wanted = own.flatMap((stack) =>
          servicesOf(stack).map(({ name }) => `${stack.project} ${name} running`),
        );
        const found = (await containersOf(machine)).filter(
          ({ name, swarmService }) => swarmService === "" && !name.startsWith("portainer_"),
        );
        expect(
          found.map(({ project, service, state }) => `${project} ${service} ${state}`).sort(),
          machine,
        ).toEqual(wanted.sort());
      }
    });
  });

  test("a second sync changes nothing: no file, no process, no container", async () => {
    const before = await realityOf(site());
    expect(await converge("nothing is to be done")).toContain(
      "0 created, 0 updated, 0 deleted · reloads 0 · restarts 0",
    );
    expect(await realityOf(site())).toEqual(before);
  }, 300_000);
}

/** Every name of the site with its address; where two declare one, the more telling one speaks. */
function declaredNames(site: WholeSite): ReadonlyMap<string, string> {
  const { guests, services, roles, dns, ca, portainer } = site;
  const names = new Map<string, string>();
  for (const guest of guests)
    if (!guest.template && guest.address !== undefined) names.set(hostNameOf(site, guest), guest.address);
  for (const { name, address } of dns.records) names.set(name.replace(/^\*/, "whatever"), address);
  names.set(ca.hostname, roles.ca.address);
  for (const { hostname, guest } of portainer?.environments ?? [])
    if (hostname !== undefined) names.set(hostname, guest.address);
  for (const { names: own, path, guest } of services)
    for (const name of own) names.set(name, path === "routed" ? roles.gateway.address : guest.address);
  return names;
}

function servicesOf({ compose, variables, project }: Stack) {
  const values = new Map(variables.map(({ name, value }) => [name, value.reveal()]));
  return readCompose(compose.text, values, project).compose?.services ?? [];
}

/** What stands in for a backend says its name: the service's on a container, its image on a virtual machine. */
function backendsOf(
  site: WholeSite,
  stack: string | undefined,
  id: string | undefined,
): readonly (string | undefined)[] {
  if (stack === undefined) return [id, "Portainer"];
  return site.stacks
    .filter(({ name }) => name === stack)
    .flatMap((each) => servicesOf(each).map(({ image }) => image));
}

function speakerOf(body: string): string {
  try {
    return String(JSON.parse(body).service);
  } catch {
    return /portainer/i.test(body) ? "Portainer" : body;
  }
}

/** Ends where something listens, and those of them that a declared rule opens for the client. */
async function endsOf(site: WholeSite): Promise<{ ends: readonly string[]; opened: readonly string[] }> {
  const client = (await expectRun("client", ["hostname", "--all-ip-addresses"])).trim();
  const { roles, hypervisor } = site;
  const listening: (readonly [Guest, number])[] = [
    ...site.guests.flatMap((guest) =>
      guest.template || guest.address === undefined ? [] : [[guest, 22] as const],
    ),
    ...routedServices(site).map(({ guest, backend }) => [guest, backend.port] as const),
    ...(site.portainer?.environments ?? []).map(({ guest, port }) => [guest, port] as const),
    ...[80, 443].map((port) => [roles.gateway, port] as const),
    ...[80, 8080].map((port) => [roles.mesh, port] as const),
    [roles.ca, site.ca.port],
  ];
  const opens = ({ direction, action, protocol, ports, source }: FirewallRule, port: number): boolean =>
    direction === "in" &&
    action === "ACCEPT" &&
    (protocol === undefined || protocol === "tcp") &&
    (ports ?? `${port}`).split(",").includes(`${port}`) &&
    (source === undefined || source === hypervisor.network || source.split(",").includes(client));
  const isOpen = (guest: Guest, port: number): boolean => {
    if (guest.firewall?.enabled !== true) return true;
    if (guest.host === roles.gateway.host && [80, 443].includes(port)) return true;
    if (guest.firewall.rules.some((rule) => opens(rule, port))) return true;
    // Services whose names lead straight to the guest are for everybody on the network, unless its owner says for whom.
    const isSaid = guest.firewall.rules.some(({ ports }) => (ports ?? "").split(",").includes(`${port}`));
    const isAgent = site.portainer?.environments.some(
      (each) => each.guest.host === guest.host && each.port === port,
    );
    const isDirect = site.services.some(
      ({ path, guest: { host }, backend }) =>
        path === "direct" && host === guest.host && backend.port === port,
    );
    return isDirect && isAgent !== true && !isSaid;
  };
  const end = ([guest, port]: readonly [Guest, number]) => `${guest.address}:${port}`;
  const sorted = (list: typeof listening) => [...new Set(list.map(end))].sort();
  return {
    ends: sorted(listening),
    opened: sorted(listening.filter(([guest, port]) => isOpen(guest, port))),
  };
}
