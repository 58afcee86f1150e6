// biome-ignore-all lint/suspicious/noTemplateCurlyInString: compose files have variables of this form
/** The lab's Docker engine, through its program: what a machine's operator would see. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LabDocker } from "../../lab/docker.ts";
import { docker } from "../../lab/programs/docker.ts";
import { type TestContext, testContext } from "./context.ts";

const host = "vm/1001";
let context: TestContext;
beforeEach(() => {
  context = testContext();
});
afterEach(() => context.close());

const run = (line: string, stdin = "") => docker({ context, host, args: line.split(" "), stdin });
const write = (path: string, text: string) => {
  const real = context.path(host, path);
  mkdirSync(dirname(real), { recursive: true });
  writeFileSync(real, text);
};
const engine = () => new LabDocker(context, host);
const up = async (text: string, more = "") => {
  write("/srv/app/docker-compose.yml", text);
  return run(`compose -f /srv/app/docker-compose.yml -p app up -d${more}`);
};
const ids = () => engine().state.containers.map(({ id }) => id);

describe("compose up", () => {
  test("makes a container per service, publishes its ports, and leaves it alone the second time", async () => {
    const text =
      'services:\n  web:\n    image: nginx\n    ports: ["8080:80"]\n  db:\n    image: postgres:16\n';
    expect(await up(text)).toMatchObject({ exitCode: 0, stdout: "" });
    const before = ids();
    expect(engine().publisher(8080)).toMatchObject({ port: 80, container: { name: "app-web-1" } });
    expect(await up(text)).toMatchObject({ exitCode: 0 });
    expect(ids()).toEqual(before);
    expect(
      (await run("compose -f /srv/app/docker-compose.yml -p app ps -q")).stdout.trim().split("\n"),
    ).toEqual(before);
  });

  test("recreates only the service that changed", async () => {
    await up("services:\n  web:\n    image: nginx\n  db:\n    image: postgres:16\n");
    const [web, db] = ids();
    await up("services:\n  web:\n    image: nginx\n    environment: {A: b}\n  db:\n    image: postgres:16\n");
    expect(ids()).toContain(db);
    expect(ids()).not.toContain(web);
  });

  test("orphans stay, unless they are to be removed", async () => {
    await up("services:\n  web:\n    image: nginx\n  old:\n    image: nginx\n");
    const text = "services:\n  web:\n    image: nginx\n";
    expect((await up(text)).stderr).toContain("Found orphan containers ([app-old-1])");
    expect(ids()).toHaveLength(2);
    await up(text, " --remove-orphans");
    expect(engine().state.containers.map(({ name }) => name)).toEqual(["app-web-1"]);
  });

  test.each([
    [
      "a port that is taken",
      'services:\n  web:\n    image: nginx\n    ports: ["7000:80"]\n',
      /Bind for 0\.0\.0\.0:7000 failed: port is already allocated/,
    ],
    [
      "a name that is taken",
      "services:\n  web:\n    image: nginx\n    container_name: other\n",
      /container name "\/other" is already in use/,
    ],
    [
      "a missing image",
      "services:\n  web:\n    image: missing/app:1\n",
      /pull access denied for missing\/app/,
    ],
    [
      "a missing external volume",
      "services:\n  web:\n    image: nginx\n    volumes: [data:/data]\nvolumes:\n  data:\n    external: true\n",
      /external volume "data" not found/,
    ],
    [
      "a missing external network",
      "services:\n  web:\n    image: nginx\n    networks: [edge]\nnetworks:\n  edge:\n    external: true\n",
      /network edge declared as external, but could not be found/,
    ],
    [
      "an unset required variable",
      "services:\n  web:\n    image: nginx:${TAG:?say which}\n",
      /interpolating services\.web\.image: required variable TAG is missing a value: say which/,
    ],
    ["a broken file", "services:\n  web:\n   image: [nginx\n", /^yaml: line \d+: /],
    [
      "a key that does not exist",
      "services:\n  web:\n    imagee: nginx\n",
      /services\.web Additional property imagee is not allowed/,
    ],
    [
      "an undefined volume",
      "services:\n  web:\n    image: nginx\n    volumes: [data:/data]\n",
      /refers to undefined volume data/,
    ],
    [
      "a cycle",
      "services:\n  a:\n    image: x\n    depends_on: [b]\n  b:\n    image: x\n    depends_on: [a]\n",
      /dependency cycle detected: a -> b -> a/,
    ],
    [
      "a port that is none",
      'services:\n  web:\n    image: nginx\n    ports: ["${PORT}:${PORT}"]\n',
      /No port specified: :<empty>/,
    ],
  ])("%s fails as with Docker", async (_, text, words) => {
    expect((await run("run -d --name other -p 7000:80 nginx")).exitCode).toBe(0);
    const { exitCode, stderr } = await up(text);
    expect(exitCode).toBeGreaterThan(0);
    expect(stderr).toMatch(words);
    expect(engine().state.containers.filter(({ state }) => state === "running")).toHaveLength(1);
  });

  test("a service that ends at once is up all the same, and shows as exited", async () => {
    expect(await up("services:\n  web:\n    image: exits/at-once\n")).toMatchObject({ exitCode: 0 });
    expect((await run("ps -a --format {{.State}}")).stdout).toBe("exited\n");
    expect((await run("ps -q")).stdout).toBe("");
  });

  test("variables, environment files and relative binds", async () => {
    write("/srv/app/.env", "TAG=1.27\n");
    write("/srv/app/web.env", "A=one\nB='it is $TAG'\n");
    const text =
      "services:\n  web:\n    image: nginx:${TAG}\n    env_file: web.env\n    environment:\n      A: two\n      C: ${NONE:-d}$$\n    volumes: [./data:/data]\n";
    expect((await up(text)).exitCode).toBe(0);
    const [container] = engine().state.containers;
    expect(container).toMatchObject({ image: "nginx:1.27", env: ["A=two", "B=it is $TAG", "C=d$"] });
    writeFileSync(context.path(host, "/srv/app/data/x"), "seen");
    expect(engine().pathIn(container!, "/data/x")).toBe(context.path(host, "/srv/app/data/x"));
  });

  test("down removes the containers and keeps volumes", async () => {
    await up("services:\n  web:\n    image: nginx\n    volumes: [data:/data]\nvolumes:\n  data:\n");
    expect((await run("compose -p app down")).exitCode).toBe(0);
    expect(ids()).toEqual([]);
    expect((await run("volume ls -q")).stdout).toBe("app_data\n");
  });

  test("config checks a file without doing anything", async () => {
    write("/srv/app/docker-compose.yml", "services:\n  web:\n    image: nginx\n");
    expect(await run("compose -f /srv/app/docker-compose.yml config -q")).toEqual({
      exitCode: 0,
      stdout: "",
      stderr: "",
    });
    expect((await run("compose -f - config -q", "services: [")).exitCode).toBe(15);
    expect((await run("compose -f /none.yml config -q")).exitCode).toBe(14);
    expect(engine().state.containers).toEqual([]);
  });
});

describe("volumes", () => {
  const nfs = (device: string) =>
    run(
      `volume create --driver local --opt type=nfs --opt o=addr=10.0.0.13,rw,nfsvers=4.1 --opt device=:${device} data`,
    );

  test("an NFS volume shows the directory of the server", async () => {
    await nfs("/tank/1001/data");
    mkdirSync(context.path("pve", "/tank/1001/data"), { recursive: true });
    expect((await run("run -d --name web -v data:/data nginx")).exitCode).toBe(0);
    const web = engine().container("web");
    expect(engine().pathIn(web, "/data/db")).toBe(context.path(host, "/persistent-storage/data/db"));
  });

  test("a directory that is not there fails the container's start, not the volume", async () => {
    expect(await nfs("/tank/1001/nowhere")).toMatchObject({ exitCode: 0, stdout: "data\n" });
    const { exitCode, stderr } = await run("run -d --name web -v data:/data nginx");
    expect(exitCode).toBe(125);
    expect(stderr).toMatch(
      /failed to mount local volume: mount :\/tank\/1001\/nowhere:.*no such file or directory/,
    );
    expect(engine().container("web")).toMatchObject({ state: "created" });
  });

  test("a volume that exists keeps its options", async () => {
    await nfs("/tank/1001/data");
    await nfs("/tank/1001/other");
    const [shown] = JSON.parse((await run("volume inspect data")).stdout);
    expect(shown.Options.device).toBe(":/tank/1001/data");
  });

  test("one in use cannot be removed", async () => {
    await run("run -d --name web -v data:/data nginx");
    expect((await run("volume rm data")).stderr).toContain("volume is in use");
    await run("rm -f web");
    expect(await run("volume rm data")).toMatchObject({ exitCode: 0 });
    expect((await run("volume inspect data")).stderr).toBe(
      "Error response from daemon: get data: no such volume\n",
    );
  });
});

describe("containers", () => {
  test("run takes what an agent needs, inspect shows it", async () => {
    write("/etc/agent.env", "AGENT_SECRET=hidden\n");
    const { stdout } = await run(
      "run -d -p 9001:9001 --env-file /etc/agent.env -e A=1 --label x=y --name portainer_agent --restart=always -v /var/run/docker.sock:/var/run/docker.sock portainer/agent:2.23.0",
    );
    expect(stdout).toMatch(/^[0-9a-f]{64}\n$/);
    const [shown] = JSON.parse((await run("inspect portainer_agent")).stdout);
    expect(shown).toMatchObject({
      Name: "/portainer_agent",
      State: { Status: "running", Running: true },
      Config: { Image: "portainer/agent:2.23.0", Labels: { x: "y" } },
      HostConfig: {
        RestartPolicy: { Name: "always" },
        Binds: ["/var/run/docker.sock:/var/run/docker.sock:rw"],
        PortBindings: { "9001/tcp": [{ HostIp: "", HostPort: "9001" }] },
      },
    });
    expect(shown.Config.Env).toEqual(expect.arrayContaining(["AGENT_SECRET=hidden", "A=1"]));
    const row = JSON.parse((await run("ps -a --format json")).stdout);
    expect(row).toMatchObject({ Names: "portainer_agent", State: "running" });
  });

  test("restart starts anew, stop stops, rm -f removes", async () => {
    await run("run -d --name web nginx");
    const before = engine().container("web").startedAt;
    context.advance(5_000);
    await run("restart web");
    expect(engine().container("web").startedAt).toBeGreaterThan(before);
    await run("stop -t 1 web");
    expect((await run("inspect -f {{.State.Status}} web")).stdout).toBe("exited\n");
    expect((await run("rm web")).exitCode).toBe(0);
    expect(await run("inspect web")).toEqual({
      exitCode: 1,
      stdout: "[]\n",
      stderr: "Error: No such object: web\n",
    });
    expect((await run("rm -f web")).exitCode).toBe(0);
  });

  test("Portainer does not start without the files that its options name", async () => {
    write("/srv/app/docker-compose.yml", "");
    const text =
      "services:\n  portainer:\n    image: portainer/portainer-ce:2.23.0\n    command: --admin-password-file /run/password\n    volumes: [/srv/app/password:/run/password]\n";
    write("/srv/app/password", "long enough to be one");
    expect((await up(text)).exitCode).toBe(0);
    expect((await run("ps --format {{.State}}")).stdout).toBe("running\n");
    await up(text.replace("--admin-password-file /run/password", "--admin-password-file=/run/other"));
    expect((await run("ps -a --format {{.State}}")).stdout).toBe("exited\n");
    expect((await run("logs app-portainer-1")).stderr).toContain(
      "open /run/other: no such file or directory",
    );
  });

  test("unknown commands and options are refused", async () => {
    expect(await run("frobnicate")).toMatchObject({ exitCode: 1 });
    expect(await run("run --frobnicate nginx")).toMatchObject({ exitCode: 125 });
    expect((await run("logs nobody")).stderr).toBe("Error response from daemon: No such container: nobody\n");
  });
});
