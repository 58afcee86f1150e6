/** Machines and a Portainer that somebody used before: what stacks meet is named first, and taken over with consent alone. */
import { beforeEach, describe, expect, test } from "vitest";
import { stacks } from "../../src/components/stacks/index.ts";
import { planLab, type SessionOptions, syncLab } from "./session.ts";
import { jobs, type StacksLab, stack, stacksLab, web, webFile, withStacks } from "./stacks-site.ts";

const site = withStacks(web, jobs);
const adopt = { allow: ["adopt"] };
let lab: StacksLab;

beforeEach(async () => {
  lab = await stacksLab();
});

const sync = async (options: SessionOptions = {}, of = site) =>
  (await syncLab(lab.directory, of, [stacks], options)).components[0]!;
const hazards = async (of = site) => (await planLab(lab.directory, of, [stacks])).components[0]!.hazards;
/** Everything on the machine, and every stack with its variables. */
const seen = async () => [
  await lab.docker("ps", "-a", "--no-trunc", "--format", "{{.ID}} {{.Names}} {{.State}}"),
  await lab.docker("volume", "ls", "-q"),
  await lab.api.stacks(),
];

async function refusedAndUntouched(what: string): Promise<void> {
  const before = await seen();
  await expect(sync()).rejects.toMatchObject({ exitCode: 5, message: expect.stringContaining(what) });
  expect(await seen()).toEqual(before);
}

async function converges(): Promise<void> {
  expect(await sync(adopt)).toMatchObject({ outcome: "changed" });
  expect(await lab.running()).toEqual(expect.arrayContaining(["jobs-queue-1", "web-web-1"]));
  expect(await sync()).toMatchObject({ outcome: "unchanged", changes: [] });
}

describe("a container on a port of a stack", () => {
  test.each([
    ["8081:80", []],
    ["0.0.0.0:8080-8082:80-82", []],
    ["8081:80", ["--label", "com.docker.compose.project=home"]],
  ])("that holds %s is named with image and project", async (ports, labels) => {
    await lab.docker(
      "run",
      "-d",
      "--restart",
      "unless-stopped",
      "--name",
      "pihole",
      "-p",
      ports,
      ...labels,
      "pihole/pihole",
    );
    const project = labels.length > 0 ? ", Compose project home" : "";
    expect(await hazards()).toMatchObject([
      {
        consent: "adopt",
        message: `container "pihole" (image pihole/pihole${project}) on vm/1002 publishes port 8081, which is a port of stacks/web`,
        foreign: { host: "vm/1002", name: "container pihole" },
      },
    ]);
    await refusedAndUntouched("pihole");
    await converges();
    const state = "{{.State.Status}} {{.HostConfig.RestartPolicy.Name}}";
    expect(await lab.docker("inspect", "--format", state, "pihole")).toBe("exited no\n");
  });

  test("runs again when the stack that needs it fails, and the others stay", async () => {
    await lab.docker(
      "run",
      "-d",
      "--restart",
      "always",
      "--name",
      "pihole",
      "-p",
      "8081:80",
      "pihole/pihole",
    );
    const text = webFile.replace("nginx:", "example/exits:");
    const result = await sync(adopt, withStacks({ ...web, compose: { ...web.compose, text } }, jobs));
    expect(result.changes.map((change) => (change.verb === "delete" ? "" : change.desired.id))).toEqual([
      "stacks/jobs",
    ]);
    const state = "{{.State.Status}} {{.HostConfig.RestartPolicy.Name}}";
    expect(await lab.docker("inspect", "--format", state, "pihole")).toBe("running always\n");
  });

  test("at another address, or of another protocol, is in nobody's way", async () => {
    await lab.docker("run", "-d", "--name", "syslog", "-p", "8081:514/udp", "syslog");
    const local = stack("local", 'services:\n  a:\n    image: nginx\n    ports: ["127.0.0.1:8085:80"]\n');
    await lab.docker("run", "-d", "--name", "other", "-p", "10.0.0.102:8085:80", "nginx");
    expect(await hazards(withStacks(web, local))).toEqual([]);
  });

  test("of the stack's own project is its own, whatever the live file says", async () => {
    await sync();
    await lab.docker("rm", "-f", "web-web-1");
    await lab.docker(
      ...["run", "-d", "--name", "web-old-1", "-p", "8081:80"],
      ...["--label", "com.docker.compose.project=web", "--label", "com.docker.compose.service=old", "nginx"],
    );
    expect(await hazards()).toEqual([]);
  });
});

test("a program on a port of a stack is named, and no consent takes over from it", async () => {
  await lab.world.host("vm/1002").expect({ argv: ["apt-get", "install", "-y", "cockpit"], effect: "change" });
  const metrics = stack("metrics", 'services:\n  a:\n    image: prom\n    ports: ["9090:9090"]\n');
  const of = withStacks(metrics, jobs);
  const [hazard] = await hazards(of);
  expect(hazard).toMatchObject({
    message: expect.stringMatching(/^program "cockpit-tls" \(process \d+\) on vm\/1002 listens on port 9090/),
    hint: expect.stringContaining("systemctl status"),
  });
  expect(hazard).not.toHaveProperty("consent");
  await expect(sync(adopt, of)).rejects.toMatchObject({ exitCode: 5 });
  expect(await lab.running()).toEqual([]);
});

test("a container that has the name of one of a stack is renamed and stopped", async () => {
  const named = {
    ...web,
    compose: { ...web.compose, text: webFile.replace("image:", "container_name: site\n    image:") },
  };
  await lab.docker("run", "-d", "--name", "site", "nginx");
  const of = withStacks(named);
  expect(await hazards(of)).toMatchObject([{ foreign: { name: "container site" } }]);
  expect(await sync(adopt, of)).toMatchObject({ outcome: "changed" });
  expect(await lab.running()).toEqual(["site"]);
  expect(await lab.docker("ps", "-a", "--format", "{{.Names}}")).toContain("site-before-phoenix");
  expect(await sync({}, of)).toMatchObject({ outcome: "unchanged", changes: [] });
});

describe("a stack of the same name that somebody made in Portainer", () => {
  beforeEach(async () => {
    await lab.api.createStack(lab.environmentId, {
      name: "web",
      file: "services:\n  web:\n    image: nginx:1.25\n    volumes: [wiki_data:/data]\nvolumes:\n  wiki_data:\n",
      env: [
        { name: "TAG", value: "1.25" },
        { name: "SMTP_PASSWORD", value: "hunter2" },
      ],
    });
  });

  test("is named with what it would lose, without the values", async () => {
    const [hazard] = await hazards();
    expect(hazard).toMatchObject({
      consent: "adopt",
      message: 'stack "web" on drphoenix was made in Portainer by somebody else',
      foreign: {
        host: "vm/1002",
        name: "stack web",
        takeover:
          "it becomes what stacks/web/docker-compose.yml declares; variable SMTP_PASSWORD is removed; variable TAG gets another value; volume web_wiki_data stays and is no longer used",
      },
    });
    expect(JSON.stringify(hazard)).not.toContain("hunter2");
  });

  test("stays as it is without consent, and is ours with it", async () => {
    await refusedAndUntouched('stack "web"');
    await converges();
    const env = (await lab.api.stacks()).find(({ name }) => name === "web")?.env;
    expect(env).toContainEqual({ name: "PHOENIX_STACK", value: "web" });
    expect(await lab.docker("volume", "ls", "-q")).toContain("web_wiki_data");
  });
});

test("a project that runs by `docker compose` alone is taken into Portainer without a question", async () => {
  await lab.docker(
    ...["run", "-d", "--name", "jobs-queue-1", "--label", "com.docker.compose.project=jobs"],
    ...["--label", "com.docker.compose.service=queue", "redis:7"],
  );
  expect(await hazards()).toEqual([]);
  expect(await sync()).toMatchObject({ outcome: "changed" });
});

describe("a Compose project that has a stack's name", () => {
  test("and that somebody runs by hand is named with its directory, and taken over with consent alone", async () => {
    const host = lab.world.host("vm/1002");
    const text = "services:\n  queue:\n    image: redis:7\n  old:\n    image: redis:6\n";
    await host.writeFiles([{ path: "/root/jobs/compose.yaml", text }]);
    await lab.docker("compose", "-f", "/root/jobs/compose.yaml", "up", "-d");
    expect(await hazards()).toMatchObject([
      {
        consent: "adopt",
        message:
          'Compose project "jobs" on vm/1002 is run by hand from /root/jobs: "jobs-queue-1", "jobs-old-1"',
        foreign: { host: "vm/1002", name: "Compose project jobs" },
      },
    ]);
    await refusedAndUntouched("run by hand");
    await converges();
    expect(await hazards()).toEqual([]);
  });
});
