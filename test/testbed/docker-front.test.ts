/** Docker of a virtual machine: NFS volumes on a kernel that has no NFS, and everything else as if nothing stood before the engine. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { boot, down, eventually, expectRun, run, unavailable, write } from "./machines.ts";
import { docker } from "./portainer-containers.ts";

describe.skipIf(unavailable !== undefined)("Docker on a virtual machine", () => {
  const vm = "vm-1001";
  const share = "/persistent";
  const nfs = (path: string) => [
    "--opt=type=nfs",
    "--opt=o=addr=10.9.0.2,rw,nfsvers=4.1",
    `--opt=device=:${path}`,
  ];
  const options = (name: string) =>
    docker(vm, "volume", "inspect", "--format={{json .Options}} {{json .Labels}}", name);

  beforeAll(async () => {
    await boot(join(import.meta.dirname, "docker.json"));
    await expectRun(vm, ["mkdir", "-p", `${share}/volumes/notes`]);
    await write(vm, `${share}/volumes/notes/hello`, "from the server\n");
  });
  afterAll(down);

  test("has the images of its site, which answer with their name and what was asked", async () => {
    // A second attempt finds what the first one left.
    await run(vm, ["docker", "rm", "--force", "notes"]);
    await docker(
      vm,
      "run",
      "--detach",
      "--name=notes",
      "--publish=8080:8080",
      "--publish=8443:8443",
      "notes:1",
    );
    const asked = ["curl", "--silent", "--insecure", "--header", "X-Asked: yes"];
    const plain = await eventually(
      () => run(vm, [...asked, "http://127.0.0.1:8080/a?b=c"]),
      ({ exitCode }) => exitCode === 0,
    );
    expect(JSON.parse(plain.stdout)).toMatchObject({
      service: "notes:1",
      tls: false,
      url: "/a?b=c",
      headers: { "x-asked": "yes" },
    });
    // The service listens on one port after the other.
    const secure = await eventually(
      () => run(vm, [...asked, "https://127.0.0.1:8443/"]),
      ({ exitCode }) => exitCode === 0,
    );
    expect(JSON.parse(secure.stdout)).toMatchObject({ service: "notes:1", tls: true });
    await docker(vm, "rm", "--force", "notes");
    expect((await run(vm, ["docker", "run", "--rm", "exits:1"])).exitCode).toBe(1);
  });

  test("an NFS volume shows what was declared, and is the server's directory", async () => {
    await docker(vm, "volume", "create", ...nfs("/tank/vm/1001/volumes/notes"), "--label=a=b", "notes");
    expect(await options("notes")).toBe(
      '{"device":":/tank/vm/1001/volumes/notes","o":"addr=10.9.0.2,rw,nfsvers=4.1","type":"nfs"} {"a":"b"}\n',
    );
    expect(await docker(vm, "volume", "ls", "--filter=label=a=b", "--quiet")).toBe("notes\n");
    const command = "cat /data/hello; echo written >/data/answer";
    expect(await docker(vm, "run", "--rm", "--volume=notes:/data", "alpine:3", "sh", "-c", command)).toBe(
      "from the server\n",
    );
    expect(await expectRun("pve", ["cat", "/tank/vm/1001/volumes/notes/answer"])).toBe("written\n");
    await docker(vm, "volume", "rm", "notes");
    expect(await expectRun("pve", ["ls", "/tank/vm/1001/volumes/notes"])).toBe("answer\nhello\n");
  });

  test("a directory that the server does not have shows when a container starts", async () => {
    await docker(vm, "volume", "create", ...nfs("/tank/vm/1001/volumes/nobody"), "nobody");
    const { exitCode, stderr } = await run(vm, [
      "docker",
      "run",
      "--rm",
      "--volume=nobody:/data",
      "alpine:3",
      "true",
    ]);
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain(
      "failed to mount local volume: mount :/tank/vm/1001/volumes/nobody:/var/lib/docker/volumes/nobody/_data, data: addr=10.9.0.2: no such file or directory",
    );
    // It is looked for at each start: once it is there, the volume works.
    await expectRun(vm, ["mkdir", `${share}/volumes/nobody`]);
    await docker(vm, "run", "--rm", "--volume=nobody:/data", "alpine:3", "touch", "/data/x");
    await docker(vm, "volume", "rm", "nobody");
  });

  test("a mount may declare its own volume, and so may a compose file", async () => {
    const declared =
      "type=volume,dst=/data,volume-opt=type=nfs,volume-opt=device=:/tank/vm/1001/volumes/notes";
    const mount = `--mount=${declared},"volume-opt=o=addr=10.9.0.2,rw",src=inline`;
    expect(await docker(vm, "run", "--rm", mount, "alpine:3", "cat", "/data/hello")).toBe(
      "from the server\n",
    );
    await docker(vm, "volume", "rm", "inline");
    await expectRun(vm, ["mkdir", "-p", "/srv/notes"]);
    await write(
      vm,
      "/srv/notes/compose.yml",
      `services:
  web:
    image: alpine:3
    command: ["sleep", "600"]
    stop_grace_period: 0s
    volumes: ["data:/data"]
volumes:
  data:
    driver_opts: { type: nfs, o: "addr=10.9.0.2,rw", device: ":/tank/vm/1001/volumes/notes" }
`,
    );
    const compose = (...args: readonly string[]) =>
      docker(vm, "compose", "--file=/srv/notes/compose.yml", ...args);
    await compose("up", "--detach");
    expect(await compose("exec", "-T", "web", "cat", "/data/hello")).toBe("from the server\n");
    const [before] = (await compose("ps", "--quiet")).split("\n");
    await compose("up", "--detach");
    expect((await compose("ps", "--quiet")).split("\n")[0]).toBe(before);
    await compose("down", "--volumes");
  });

  test("streams pass: input that ends before the output, logs that are followed, archives, exit codes", async () => {
    await docker(
      vm,
      "run",
      "--detach",
      "--name=lines",
      "alpine:3",
      "sh",
      "-c",
      "while echo line; do sleep 0.2; done",
    );
    const inside = ["docker", "exec", "--interactive", "lines", "sh", "-c", "cat; echo end; exit 7"];
    expect(await run(vm, inside, "typed\n")).toMatchObject({ exitCode: 7, stdout: "typed\nend\n" });
    const followed = await run(vm, ["timeout", "2", "docker", "logs", "--follow", "lines"]);
    expect(followed.stdout).toMatch(/^(line\n){3,}$/);
    const large = "x".repeat(3_000_000);
    expect(
      await run(vm, ["docker", "run", "--rm", "--interactive", "alpine:3", "wc", "-c"], large),
    ).toMatchObject({
      stdout: "3000000\n",
    });
    await docker(vm, "cp", "/etc/hostname", "lines:/tmp/name");
    expect(await docker(vm, "exec", "lines", "cat", "/tmp/name")).toBe("docker\n");
    await docker(vm, "rm", "--force", "lines");
    const refused = await run(vm, ["docker", "cp", "/usr/bin/docker", "nobody:/tmp/x"]);
    expect(refused.stderr).toContain("No such container: nobody");
  });

  test("an engine that is stopped is missed in Docker's words, and is back when it starts", async () => {
    await expectRun(vm, ["systemctl", "stop", "docker.socket", "docker.service"]);
    const { exitCode, stderr } = await run(vm, ["docker", "ps"]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.");
    await expectRun(vm, ["systemctl", "start", "docker.service"]);
    expect(await docker(vm, "ps", "--quiet")).toBe("");
  });
});
