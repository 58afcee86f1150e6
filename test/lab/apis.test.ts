/** The clients over a whole lab: a certificate of its CA, its Portainer with that certificate, an agent, a stack. */
import { expect, test } from "vitest";
import { openApis } from "../../src/apis/open-apis.ts";
import { NotReadyError } from "../../src/errors.ts";
import { findProvisionerPassword, findRoot } from "../../src/fabric/ca-files.ts";
import { Secret } from "../../src/secret.ts";
import { change, newLab, opened } from "./open.ts";
import { labSite } from "./site.ts";

test("trust, certificate, Portainer, agent, stack", async () => {
  const world = await opened(await newLab());
  const host = world.host;
  const root = async () => (await findRoot(labSite.ca.rootFiles, host)).pem;
  const apis = openApis(labSite, world.network, world.clock, { root });
  const { portainer: declared } = labSite;
  if (declared === undefined) throw new Error("the lab's site has a Portainer");

  await apis.stepCa.health(await root());
  const { chain, key } = await apis.stepCa.sign({
    root: await root(),
    provisioner: labSite.ca.provisioner,
    password: await findProvisionerPassword(labSite.ca.passwordFiles, host),
    commonName: declared.hostname,
    names: [declared.hostname, declared.guest.address],
  });

  const server = host("vm/1001");
  expect((await apis.portainer.status()).state).toBe("down");
  await server.writeFiles([
    { path: "/opt/portainer/cert.pem", text: chain },
    { path: "/opt/portainer/key.pem", text: key.reveal(), mode: "600" },
    { path: "/opt/portainer/password", text: declared.adminPassword!.reveal(), mode: "600" },
  ]);
  const socket = "/var/run/docker.sock:/var/run/docker.sock";
  const run = (name: string, ports: string, image: string, ...more: string[]) =>
    change("docker", "run", "-d", "--name", name, "-p", ports, "-v", socket, ...more, image);
  const serverRun = run(
    "server",
    "9443:9443",
    "portainer/portainer-ce:2.39.1",
    "-v",
    "/opt/portainer:/certs",
    "-v",
    "data:/data",
  );
  await server.expect({
    ...serverRun,
    argv: [
      ...serverRun.argv,
      "--sslcert=/certs/cert.pem",
      "--sslkey=/certs/key.pem",
      "--admin-password-file=/certs/password",
    ],
  });
  expect(await apis.portainer.status()).toEqual({ state: "up", version: "2.39.1" });
  expect(await apis.portainer.adminExists()).toBe(true);
  await apis.portainer.login();

  await host("vm/1002").expect(run("agent", "9001:9001", "portainer/agent:2.39.1"));
  const environment = await apis.portainer.createEnvironment({
    name: "apps",
    kind: "agent",
    url: "tcp://10.0.0.102:9001",
  });
  expect(await apis.portainer.isUp(environment.id)).toBe(true);
  const file = 'services:\n  web:\n    image: nginx\n    ports: ["8081:80"]\n';
  await apis.portainer.createStack(environment.id, { name: "web", file, env: [] });
  const answer = await world.network.request({
    method: "GET",
    url: "http://10.0.0.102:8081/",
    effect: "read",
  });
  expect(answer.status).toBe(200);

  await host("vm/1002").expect(change("docker", "stop", "agent"));
  expect(await apis.portainer.isUp(environment.id)).toBe(false);
  await server.expect(change("docker", "restart", "server"));
  expect(await apis.portainer.environments()).toMatchObject([{ name: "apps", up: false }]);
});

test("a site without Portainer has no API of it", () => {
  const { portainer: _, ...rest } = labSite;
  const site = { ...rest, portainer: undefined };
  const network = { request: () => Promise.reject(new Error("not asked")) } as never;
  const clock = { now: () => 0, sleep: async () => {} };
  const apis = openApis(site, network, clock, { root: async () => new Secret("").reveal() });
  expect(() => apis.portainer).toThrow(NotReadyError);
});
