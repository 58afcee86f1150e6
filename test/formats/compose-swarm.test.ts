// biome-ignore-all lint/suspicious/noTemplateCurlyInString: compose files have variables of this form
/** Compose files of a Swarm: what its client refuses or ignores, as docker 26.1.5 does, and the file as it is sent. */
import { describe, expect, test } from "vitest";
import { type SwarmPrepareOptions, swarmCompose } from "../../src/formats/compose/swarm/prepare.ts";
import { definitionLabel, swarmServices } from "../../src/formats/compose/swarm/services.ts";

const file = (content: string, destination = "", isSecret = false) => ({
  content,
  destination,
  isSecret,
  fingerprint: Buffer.from(content.padEnd(4)).toString("hex").slice(0, 8),
});

const options: SwarmPrepareOptions = {
  project: "wiki",
  variables: new Map([["TAG", "1.27"]]),
  labels: new Map(),
  directory: "/nfs/stacks/wiki",
  share: { server: "10.0.0.13", path: "/tank/vm", mountPoint: "/nfs" },
  files: new Map([["app.ini", file("app")]]),
  volumes: new Map([["web_data", "volumes/web_data"]]),
  members: 2,
};

const service = (lines: string): string =>
  `services:\n  web:\n    image: nginx:1\n${lines.replace(/^/gm, "    ")}\n`;

const told = (text: string): readonly string[] =>
  swarmCompose(text, options).faults.map(
    ({ place, severity = "error", message }) => `${place.line}:${place.column} ${severity}: ${message}`,
  );

describe("the client refuses", () => {
  test.each([
    ["name: wiki\nservices:\n  web:\n    image: nginx:1\n", /^1:1 error: docker stack deploy refuses "name"/],
    ["services:\n  y:\n    image: nginx:1\n", /^2:3 error: docker stack deploy refuses the key y/],
    ["services:\n  12:\n    image: nginx:1\n", /^2:3 error/],
    [service("mem_limit: 100m"), /^4:5 error: docker stack deploy refuses "mem_limit" in service web/],
    [service("cpus: 2"), /^4:5 error: docker stack deploy refuses "cpus"/],
    [service("scale: 2"), /^4:5 error: docker stack deploy refuses "scale"/],
    [service("profiles: [a]"), /^4:5 error: docker stack deploy refuses "profiles"/],
    [service("pull_policy: always"), /^4:5 error: docker stack deploy refuses "pull_policy"/],
    [
      `${service("depends_on:\n  db: {condition: service_started}")}  db:\n    image: redis:7\n`,
      /error: docker stack deploy wants a list as "depends_on"/,
    ],
    [service("environment:\n  A: true"), /^5:\d+ error: "A" must be|^5:\d+ error: docker stack deploy wants/],
    [service("environment:\n  A: yes"), /error: docker stack deploy wants/],
    [
      service('ports:\n  - {target: 80, published: "8080"}'),
      /error: docker stack deploy wants a whole number/,
    ],
    [`${service("volumes: ['d:/d']")}volumes:\n  d:\n`, /^4:15 error: .*"d:\/d" for a path of Windows/],
    [
      `${service("configs: [a]")}configs:\n  a:\n    content: x\n`,
      /error: docker stack deploy refuses "content" in/,
    ],
    [
      `${service("secrets: [a]")}secrets:\n  a:\n    environment: X\n`,
      /error: docker stack deploy refuses "environment" in/,
    ],
    [service("labels:\n  a: ${TAG:+x}"), /error: docker stack deploy refuses a variable with \+/],
    [
      service("labels:\n  a: ${NO:-${TAG}}"),
      /error: docker stack deploy does not fill in a variable in the default/,
    ],
    [`version: "2.4"\n${service("user: a")}`, /^1:10 error: docker stack deploy refuses version "2.4"/],
    [service("environment: {A: ${TAG:-x}}"), /^4:/],
    [service("build: ."), /^4:5 error: build cannot be used/],
  ])("%j", (text, expected) => {
    expect(told(text).filter((each) => expected.test(each))).toHaveLength(1);
  });
});

describe("a Swarm ignores", () => {
  test.each([
    "container_name: a1",
    "restart: always",
    "links: [db]",
    "network_mode: host",
    "privileged: true",
    'devices: ["/dev/a:/dev/a"]',
    "depends_on: [web]",
  ])("%s", (line) => {
    const key = line.split(":")[0];
    expect(told(service(line))).toContainEqual(expect.stringMatching(new RegExp(`warning: ${key}\\b`)));
  });

  test("restart counts for nothing beside a restart policy, and is not told then", () => {
    expect(told(service("restart: always\ndeploy:\n  restart_policy: {condition: any}"))).toEqual([]);
  });

  test("the address of a port", () => {
    expect(told(service('ports: ["127.0.0.1:80:80"]'))).toEqual([
      "4:13 warning: a Swarm publishes port 80 of web at every address, not only at 127.0.0.1",
    ]);
  });
});

describe("ports", () => {
  const port = "ports:\n  - {target: 80, published: 80, mode: host}\n";

  test("more replicas with a port of the machine than there are members", () => {
    expect(told(service(`${port}deploy: {replicas: 3}`))).toEqual([
      "5:9 error: web has 3 replicas that publish port 80 with mode: host, and the Swarm has 2 members: the others never start",
    ]);
    expect(told(service(`${port}deploy: {replicas: 2}`))).toEqual([]);
    expect(told(service(`${port}deploy: {mode: global}`))).toEqual([]);
  });

  test("a new task that would wait for the port of the old one", () => {
    const update = "deploy: {replicas: 2, update_config: {order: start-first}}";
    expect(told(service(port + update))).toEqual([expect.stringContaining("with order: start-first")]);
    expect(told(service(port + update.replace("2", "1")))).toEqual([]);
  });

  test("endpoint_mode dnsrr with a port that every member publishes", () => {
    expect(told(service('ports: ["80:80"]\ndeploy: {endpoint_mode: dnsrr}'))).toEqual([
      expect.stringContaining("4:13 error: a Swarm refuses endpoint_mode: dnsrr of web with port 80"),
    ]);
  });
});

describe("mounts", () => {
  test("a path of one machine is told, unless the file says where its tasks run", () => {
    const bind = "volumes: ['/srv/a:/a']";
    expect(told(service(bind))).toEqual([expect.stringMatching(/^4:15 warning: \/srv\/a of web must exist/)]);
    // What every machine has.
    expect(
      told(
        service(
          "volumes: ['/:/host:ro', '/var/run/docker.sock:/run/docker.sock', '/etc/localtime:/etc/localtime:ro']",
        ),
      ),
    ).toEqual([]);
    const placed = "deploy: {placement: {constraints: [node.hostname == a]}}";
    expect(told(service(`${bind}\n${placed}`))).toEqual([]);
    expect(told(service("volumes: ['/:/host:ro', '/etc/localtime:/etc/localtime:ro']"))).toEqual([]);
  });

  test("a volume of its own on each member is told", () => {
    const text = `${service("volumes: ['cache:/c']")}volumes:\n  cache:\n`;
    expect(told(text)).toEqual([
      expect.stringMatching(/warning: volume cache of web is another one on each member/),
    ]);
  });
});

const stack = `version: "3.8"
x-base: &base
  deploy: { replicas: 2 }
services:
  # The web server.
  web:
    <<: *base
    image: nginx:\${TAG}
    secrets: [db]
    volumes:
      - ./app.ini:/etc/app.ini:ro
      - ./conf:/conf:ro
      - data:/data
  job:
    <<: *base
    image: busybox:1
volumes:
  data:
    external: true
    name: web_data
secrets:
  db:
    file: ./db.pass
`;

describe("the file as it is sent", () => {
  const prepared = (more: Partial<SwarmPrepareOptions> = {}) =>
    swarmCompose(stack, {
      ...options,
      files: new Map([
        ["app.ini", file("app")],
        ["db.pass", file("pass", "", true)],
        ["conf/a", file("a")],
      ]),
      labels: new Map([["web", [{ key: "traefik.enable", value: "true" }]]]),
      ...more,
    });

  test("files are configs and secrets named by their content, and what the share has is an NFS volume", () => {
    const { text, objects, directories, shared, faults } = prepared();
    expect(faults).toEqual([]);
    expect(objects).toEqual([
      { kind: "secret", name: "wiki_db_70617373", path: "db.pass" },
      { kind: "config", name: "wiki_app.ini_61707020", path: "app.ini" },
    ]);
    expect(directories).toEqual(["stacks/wiki/conf", "volumes/web_data"]);
    expect(shared).toEqual(["conf/a"]);
    expect(text).not.toContain("version");
    expect(text).toContain("# The web server.");
    expect(text).toContain(`      - source: wiki_app.ini_61707020
        target: /etc/app.ini`);
    expect(text).toContain("    external: true\n    name: wiki_db_70617373");
    expect(text).toContain("      device: :/tank/vm/volumes/web_data");
    expect(text).toContain("      device: :/tank/vm/stacks/wiki/conf");
    expect(text).not.toContain("./");
  });

  test("labels are the services' own, and leak into no other by a merge", () => {
    const services = swarmServices(prepared().text, options.variables, "wiki") ?? [];
    expect(services.map(({ name, replicas }) => [name, replicas])).toEqual([
      ["web", 2],
      ["job", 2],
    ]);
    expect(prepared().text.match(/traefik\.enable/g)).toHaveLength(1);
    expect(prepared().text.match(new RegExp(definitionLabel, "g"))).toHaveLength(2);
  });

  test("the label says what the service was made from, variables filled in", () => {
    const of = (more: Partial<SwarmPrepareOptions>): readonly string[] =>
      (swarmServices(prepared(more).text, more.variables ?? options.variables, "wiki") ?? []).map(
        ({ definition }) => definition,
      );
    const [web, job] = of({});
    const text = prepared().text;
    expect(text).toContain(`${definitionLabel}: ${web}`);
    expect(text).toContain(`${definitionLabel}: ${job}`);
    const [newer, same] = of({ variables: new Map([["TAG", "1.28"]]) });
    expect(newer).not.toBe(web);
    expect(same).toBe(job);
  });

  test("a file that phoenix.json mounts is seen by every service; one that a service mounts there itself is not", () => {
    const files = new Map([["b.ini", file("b", "/etc/b.ini")]]);
    const text =
      "services:\n  web:\n    image: a\n  db:\n    image: b\n    volumes: ['v:/etc/b.ini']\nvolumes:\n  v:\n";
    expect(
      swarmCompose("services:\n  web:\n    image: a\n  db:\n    image: b\n", {
        ...options,
        files,
      }).text.match(/target: \/etc\/b.ini/g),
    ).toHaveLength(2);
    expect(swarmCompose(text, { ...options, files }).text).not.toContain("target: /etc/b.ini");
  });

  test("a file that the stack does not have is a fault", () => {
    const text = `${service("configs: [a]")}configs:\n  a:\n    file: ./no\n`;
    expect(told(text)).toEqual([
      expect.stringContaining("a needs ./no, which is not among the stack's files"),
    ]);
  });
});
