/** The Portainer server's Compose file: what is added, what is kept, and what is refused. */
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import {
  definitionIn,
  portainerCompose,
  type ServerAdditions,
} from "../../src/components/portainer/compose.ts";

const additions: ServerAdditions = {
  certPath: "/share/portainer/certs/portainer.crt",
  keyPath: "/share/portainer/certs/portainer.key",
  environmentFile: "/etc/phoenix/portainer/server.env",
  passwordFile: "/etc/phoenix/portainer/admin-password",
  port: 9443,
};

const plain = `# The management UI.
services:
  portainer:
    image: portainer/portainer-ce:2.33.3 # pinned
    command: -H unix:///var/run/docker.sock
    container_name: portainer_server
    volumes:
      - /var/run/docker.sock:/var/run/docker.sock
      - portainer_data_nfs:/data
    ports:
      - "9443:9443"

volumes:
  portainer_data_nfs:
    external: true
`;

function prepared(text: string, more: Partial<ServerAdditions> = {}) {
  const found = portainerCompose(text, { ...additions, ...more });
  if ("fault" in found) throw new Error(found.fault);
  return { ...found.compose, service: parse(found.compose.text).services[found.compose.service] };
}

const command = (text: string): string =>
  prepared(plain.replace("-H unix:///var/run/docker.sock", text)).service.command.join(" ");
const tls =
  "--sslcert /phoenix/certs/portainer.crt --sslkey /phoenix/certs/portainer.key --admin-password-file /phoenix/admin-password";

test("comments and everything declared stay", () => {
  const { text, service, image, container, external } = prepared(plain);
  expect(text).toContain("# The management UI.\n");
  expect(text).toContain("portainer/portainer-ce:2.33.3 # pinned\n");
  expect({ image, container }).toEqual({
    image: "portainer/portainer-ce:2.33.3",
    container: "portainer_server",
  });
  expect(service.ports).toEqual(["9443:9443"]);
  expect(service.volumes.slice(0, 2)).toEqual([
    "/var/run/docker.sock:/var/run/docker.sock",
    "portainer_data_nfs:/data",
  ]);
  expect(external).toEqual([{ name: "portainer_data_nfs", data: true }]);
});

describe("the command", () => {
  test.each([
    ["-H unix:///var/run/docker.sock", `-H unix:///var/run/docker.sock ${tls}`],
    ["--tlsverify --tlscert /certs/a.crt --tlskey /certs/a.key", tls],
    [
      "-H unix:///x --sslcert=/old.crt --sslkey /old.key --log-level DEBUG",
      `-H unix:///x --log-level DEBUG ${tls}`,
    ],
    ["--admin-password $2y$05$x --no-analytics", `--no-analytics ${tls}`],
    ["-H tcp://tasks.agent:9001 --tlsskipverify", `-H tcp://tasks.agent:9001 --tlsskipverify ${tls}`],
    ['["-H", "unix:///var/run/docker.sock"]', `-H unix:///var/run/docker.sock ${tls}`],
  ])("%s", (declared, expected) => expect(command(declared)).toBe(expected));

  test("has no password file for an administrator of another name", () => {
    const { passwordFile: _, ...rest } = additions;
    const found = portainerCompose(plain, rest);
    expect("compose" in found && found.compose.text).not.toContain("admin-password");
  });
});

test("what is mounted is mounted read-only, and must be there", () => {
  const { service } = prepared(plain);
  const bind = { create_host_path: false };
  expect(service.volumes.slice(2)).toEqual([
    { type: "bind", source: "/share/portainer/certs", target: "/phoenix/certs", read_only: true, bind },
    {
      type: "bind",
      source: additions.passwordFile,
      target: "/phoenix/admin-password",
      read_only: true,
      bind,
    },
  ]);
  const apart = prepared(plain, { keyPath: "/share/keys/portainer.key" }).service;
  expect(apart.command).toContain("/phoenix/keys/portainer.key");
  expect(apart.volumes).toContainEqual(
    expect.objectContaining({ source: "/share/keys", target: "/phoenix/keys" }),
  );
});

test("the agent's secret comes from the file only, whatever form the environment has", () => {
  const map = plain.replace(
    "    ports:",
    "    environment:\n      AGENT_SECRET: x\n      TZ: UTC\n    ports:",
  );
  expect(prepared(map).service).toMatchObject({
    environment: { TZ: "UTC" },
    env_file: [additions.environmentFile],
  });
  const list = plain.replace(
    "    ports:",
    "    environment: [AGENT_SECRET=x, TZ=UTC]\n    env_file: a.env\n    ports:",
  );
  expect(prepared(list).service).toMatchObject({
    environment: ["TZ=UTC"],
    env_file: ["a.env", additions.environmentFile],
  });
});

test("the port is published unless it is", () => {
  const without = plain.replace('      - "9443:9443"', '      - "9000:9000"');
  expect(prepared(without).service.ports).toEqual(["9000:9000", "9443:9443"]);
  expect(prepared(without, { port: 8443 }).service.ports).toEqual(["9000:9000", "8443:9443"]);
  const long = plain.replace('      - "9443:9443"', "      - target: 9443\n        published: 9443");
  expect(prepared(long).service.ports).toHaveLength(1);
});

test("one text has one definition, another has another, and the file carries it", () => {
  const { definition, text, service } = prepared(plain);
  expect(prepared(plain)).toMatchObject({ definition, text });
  expect(prepared(plain.replace("2.33.3", "2.33.4")).definition).not.toBe(definition);
  expect(service.labels).toEqual({ "phoenix.definition": definition });
  expect(definitionIn(text)).toBe(definition);
  const labels = prepared(plain.replace("    ports:", "    labels: [a=b]\n    ports:"));
  expect(labels.service.labels).toEqual(["a=b", `phoenix.definition=${labels.definition}`]);
  expect(definitionIn(labels.text)).toBe(labels.definition);
  expect(definitionIn(plain)).toBe("");
});

test("external volumes have the name that Docker knows", () => {
  const named = plain.replace("external: true", "external: true\n    name: other");
  expect(prepared(named).external).toEqual([{ name: "other", data: true }]);
  expect(prepared(plain.replace("external: true", "driver: local")).external).toEqual([]);
});

test.each([
  ["services: {}\n", /none of its services/],
  ["a: [\n", /./],
  ["services:\n  web:\n    image: nginx\n", /none of its services/],
  ["[]\n", /./],
  ["", /no services/],
])("%j is refused", (text, fault) => {
  const found = portainerCompose(text, additions);
  expect(found).toMatchObject({ fault: expect.stringMatching(fault) });
});
