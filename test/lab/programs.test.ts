/** Programs of lab hosts say what the real ones say, and end as they do. */
import { describe, expect, test, vi } from "vitest";
import { CommandError, NotReadyError, TransportError } from "../../src/errors.ts";
import { scriptArgv } from "../../src/hosts/script.ts";
import { change, newLab, opened, read } from "./open.ts";

const world = await opened(await newLab());
const pve = world.host("pve");

describe("pct", () => {
  test("list", async () => {
    const { stdout } = await pve.run(read("pct", "list"));
    expect(stdout.split("\n").slice(0, 2)).toEqual([
      "VMID       Status     Lock         Name                ",
      "101        running                 Nginx-Gateway       ",
    ]);
  });

  test("status and config", async () => {
    expect((await pve.run(read("pct", "status", "101"))).stdout).toBe("status: running\n");
    const { stdout } = await pve.run(read("pct", "config", "101"));
    expect(stdout).toMatch(/^arch: amd64\ncores: 2\n/);
    expect(stdout).toContain(
      "net0: name=eth0,bridge=vmbr0,firewall=1,hwaddr=BC:24:11:00:00:65,ip=10.0.0.153/24,type=veth\n",
    );
  });

  test("set replaces a value whole", async () => {
    await pve.expect(change("pct", "set", "102", "--net0", "name=eth0,bridge=vmbr0,firewall=1"));
    expect((await pve.run(read("pct", "config", "102"))).stdout).toContain(
      "net0: name=eth0,bridge=vmbr0,firewall=1\n",
    );
  });

  test.each([
    [["pct", "status", "999"], 2, "Configuration file 'nodes/pve/lxc/999.conf' does not exist\n"],
    [["pct", "status", "1001"], 2, "Configuration file 'nodes/pve/lxc/1001.conf' does not exist\n"],
    [["qm", "status", "101"], 2, "Configuration file 'nodes/pve/qemu-server/101.conf' does not exist\n"],
    [
      ["pct", "status", "abc"],
      255,
      "400 Parameter verification failed.\nvmid: type check ('integer') failed - got 'abc'\npct status <vmid> [OPTIONS]\n",
    ],
    [
      ["pct", "nonsense"],
      255,
      "ERROR: unknown command 'pct nonsense'\nUSAGE: pct <COMMAND> [ARGS] [OPTIONS]\n",
    ],
  ])("%j ends with %i", async (argv, exitCode, stderr) => {
    expect(await pve.run(read(...argv))).toEqual({ exitCode, stdout: "", stderr });
  });

  test("a stopped container is not entered", async () => {
    await pve.expect(change("pct", "stop", "104"));
    expect(await pve.run(read("pct", "exec", "104", "--", "true"))).toMatchObject({
      exitCode: 255,
      stderr: "container '104' not running!\n",
    });
    await expect(world.host("lxc/104").run(read("true"))).rejects.toThrow("lxc/104 is not running");
    await pve.expect(change("pct", "start", "104"));
    expect((await world.host("lxc/104").run(read("true"))).exitCode).toBe(0);
  });

  test("what the container does not have is 127, in lxc-attach's words", async () => {
    const result = await pve.run(read("pct", "exec", "101", "--keep-env", "0", "--", "nosuch"));
    expect(result.exitCode).toBe(127);
    expect(result.stderr).toContain("lxc-attach: 101: ");
    expect((await world.host("lxc/101").run(read("docker", "ps"))).exitCode).toBe(127);
  });
});

describe("qm", () => {
  test("guest exec answers in Perl's JSON, whatever the command's end", async () => {
    const { stdout, exitCode } = await pve.run(read("qm", "guest", "exec", "1002", "--", "cat", "/nowhere"));
    expect(exitCode).toBe(0);
    expect(stdout).toBe(
      '{\n   "err-data" : "cat: /nowhere: No such file or directory\\n",\n   "exitcode" : 1,\n   "exited" : 1\n}\n',
    );
  });

  test("standard input is passed only when asked, and bytes come as Latin-1 characters", async () => {
    const exec = (...options: string[]) =>
      pve.run({ ...read("qm", "guest", "exec", "1002", ...options, "--", "cat"), stdin: "Grüße" });
    expect((await exec()).stdout).toBe('{\n   "exitcode" : 0,\n   "exited" : 1\n}\n');
    expect(JSON.parse((await exec("--pass-stdin", "1")).stdout)["out-data"]).toBe("GrÃ¼Ã\u009fe");
    expect((await world.host("vm/1002").run({ ...read("cat"), stdin: "Grüße" })).stdout).toBe("Grüße");
  });

  test("a command that takes longer is asked for by its number, once", async () => {
    const started = await pve.run(
      read("qm", "guest", "exec", "1002", "--synchronous", "0", "--", "sleep", "1"),
    );
    const { pid } = JSON.parse(started.stdout);
    const status = async () => pve.run(read("qm", "guest", "exec-status", "1002", String(pid)));
    expect(JSON.parse((await status()).stdout)).toEqual({ exited: 0 });
    await vi.waitFor(
      async () => expect(JSON.parse((await status()).stdout)).toEqual({ exitcode: 0, exited: 1 }),
      { timeout: 20_000 },
    );
    expect(await status()).toMatchObject({ exitCode: 255, stderr: "Agent error: PID ld does not exist\n" });
  });

  test("the host code waits beyond qm's own patience", async () => {
    const result = await world.host("vm/1002").run({ ...read("sleep", "1.1"), timeoutMs: 1_999 });
    expect(result.exitCode).toBe(0);
  });

  test("a program that is not there", async () => {
    const result = await pve.run(read("qm", "guest", "exec", "1001", "--", "nosuch"));
    expect(result.stderr).toContain("Failed to execute child process “nosuch” (No such file or directory)");
    expect((await world.host("vm/1001").run(read("nosuch"))).exitCode).toBe(127);
  });

  test("without `agent:` there is no agent", async () => {
    await pve.expect(change("qm", "set", "1002", "--agent", "0"));
    expect(await pve.run(read("qm", "guest", "cmd", "1002", "ping"))).toMatchObject({
      exitCode: 255,
      stderr: "No QEMU guest agent configured\n",
    });
    await expect(world.host("vm/1002").run(read("true"))).rejects.toBeInstanceOf(TransportError);
    await pve.expect(change("qm", "set", "1002", "--agent", "1"));
    expect((await pve.run(read("qm", "guest", "cmd", "1002", "ping"))).exitCode).toBe(0);
  });
});

test("pvesh lists the cluster's guests", async () => {
  const { stdout } = await pve.run(
    read("pvesh", "get", "/cluster/resources", "--type", "vm", "--output-format", "json"),
  );
  expect(JSON.parse(stdout)).toContainEqual(
    expect.objectContaining({
      vmid: 101,
      node: "pve",
      status: "running",
      type: "lxc",
      name: "Nginx-Gateway",
    }),
  );
  expect(await pve.run(read("pvesh", "get", "/x"))).toMatchObject({
    exitCode: 1,
    stderr: "No 'get' handler defined for '/x'\n",
  });
});

describe("systemctl", () => {
  const mesh = world.host("lxc/102");
  const show = async (unit: string, ...properties: string[]) =>
    (await mesh.expect(read("systemctl", "show", unit, `--property=${properties.join(",")}`)))
      .trimEnd()
      .split("\n");

  test("shows a unit, and one that is not there", async () => {
    expect(await show("traefik.service", "LoadState", "ActiveState", "UnitFileState")).toEqual([
      "LoadState=loaded",
      "ActiveState=active",
      "UnitFileState=enabled",
    ]);
    expect(await show("nosuch", "ActiveState", "LoadState")).toEqual([
      "LoadState=not-found",
      "ActiveState=inactive",
    ]);
  });

  test("a restart is a new invocation and a new process, a reload is not", async () => {
    const before = await show("traefik", "InvocationID", "MainPID");
    await mesh.expect(change("systemctl", "reload", "traefik"));
    expect(await show("traefik", "InvocationID", "MainPID")).toEqual(before);
    await mesh.expect(change("systemctl", "restart", "traefik"));
    const after = await show("traefik", "InvocationID", "MainPID");
    expect(after.filter((line) => before.includes(line))).toEqual([]);
  });

  test.each([
    [["is-active", "traefik"], 0, "active\n", ""],
    [["is-active", "nosuch"], 4, "inactive\n", ""],
    [["is-enabled", "traefik"], 0, "enabled\n", ""],
    [["is-enabled", "nosuch"], 4, "not-found\n", ""],
    [["restart", "nosuch"], 5, "", "Failed to restart nosuch.service: Unit nosuch.service not found.\n"],
    [
      ["stop", "phoenix-undo.timer"],
      5,
      "",
      "Failed to stop phoenix-undo.timer: Unit phoenix-undo.timer not loaded.\n",
    ],
  ])("%j", async (args, exitCode, stdout, stderr) => {
    expect(await mesh.run(change("systemctl", ...args))).toEqual({ exitCode, stdout, stderr });
  });

  test("stop, start, disable and enable", async () => {
    await mesh.expect(change("systemctl", "disable", "--now", "traefik"));
    expect(await mesh.run(read("systemctl", "is-active", "traefik"))).toMatchObject({
      exitCode: 3,
      stdout: "inactive\n",
    });
    expect(await mesh.run(read("systemctl", "is-enabled", "traefik"))).toMatchObject({
      exitCode: 1,
      stdout: "disabled\n",
    });
    expect(await mesh.run(change("systemctl", "reload", "traefik"))).toMatchObject({
      exitCode: 1,
      stderr: "traefik.service is not active, cannot reload.\n",
    });
    const enabled = await mesh.run(change("systemctl", "enable", "--now", "traefik.service"));
    expect(enabled.stderr).toContain(
      "Created symlink '/etc/systemd/system/multi-user.target.wants/traefik.service'",
    );
    expect((await mesh.run(read("systemctl", "is-active", "traefik"))).stdout).toBe("active\n");
  });
});

describe("people's own commands through a shell", () => {
  const invocation = async () =>
    pve.expect(read("pct", "exec", "101", "--", "systemctl", "show", "nginx", "-p", "InvocationID"));

  test("wait for a file, then restart", async () => {
    const before = await invocation();
    const text = "while [ ! -f /etc/nginx/nginx.conf ]; do sleep 1; done; systemctl restart nginx";
    await world.host("lxc/101").expect(change("/bin/bash", "-c", text));
    expect(await invocation()).not.toBe(before);
  });

  test.each([
    ["false && systemctl restart nginx", false],
    ["false || systemctl restart nginx", true],
    ["systemctl stop nosuch 2>/dev/null; systemctl restart nginx >/dev/null", true],
    ["pct exec 101 -- systemctl restart nginx || true", true],
  ])("%s", async (text, restarts) => {
    const before = await invocation();
    const host = text.startsWith("pct") ? pve : world.host("lxc/101");
    await host.run(change("sh", "-c", text));
    expect((await invocation()) !== before).toBe(restarts);
  });

  test("end with the last command's exit code", async () => {
    expect((await pve.run(change("sh", "-c", "true; systemctl restart nosuch"))).exitCode).toBe(5);
    expect((await pve.run(change("sh", "-c", "systemctl restart nosuch; exit 0"))).exitCode).toBe(0);
    expect((await pve.run(change("sh", "-c", "nosuch-program"))).exitCode).toBe(127);
  });
});

test("update-ca-certificates makes the bundle, and forgets only when it starts afresh", async () => {
  const { selfSigned } = await import("../../lab/self-signed.ts");
  const { cert } = await selfSigned(["root.lab.test"]);
  const path = "/usr/local/share/ca-certificates/phoenix.crt";
  const bundle = async () =>
    (await pve.readFiles(["/etc/ssl/certs/ca-certificates.crt"])).values().next().value?.text;
  await pve.writeFiles([{ path, text: `${cert}\n` }]);
  expect(await pve.expect(change("update-ca-certificates"))).toContain("1 added, 0 removed; done.");
  expect(await bundle()).toContain(cert.trim());
  expect(await pve.expect(change("update-ca-certificates"))).toContain("0 added, 0 removed; done.");
  await pve.remove([path]);
  expect(await pve.expect(change("update-ca-certificates"))).toContain("0 added, 0 removed; done.");
  expect(await pve.expect(change("update-ca-certificates", "--fresh"))).toContain(
    "0 added, 1 removed; done.",
  );
  expect(await bundle()).toBe("");
});

test("apt-get brings a unit that was not there, started", async () => {
  const host = world.host("lxc/104");
  expect((await host.run(read("nginx", "-v"))).exitCode).toBe(127);
  await host.expect(change("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "nginx"));
  expect((await host.run(read("systemctl", "is-active", "nginx"))).stdout).toBe("active\n");
  expect((await host.run(read("nginx", "-v"))).stderr).toBe("nginx version: nginx/1.26.3\n");
  expect(
    (await world.network.request({ method: "GET", url: "http://10.0.0.155/", effect: "read" })).text,
  ).toContain("Welcome to nginx!");
});

describe("what a command says about its effect", () => {
  test("must be true: reading changes nothing", async () => {
    for (const argv of [
      ["systemctl", "restart", "dnsmasq"],
      ["rm", "/etc/hosts"],
      ["pct", "exec", "101", "--", "systemctl", "restart", "nginx"],
      ["pct", "set", "101", "--net0", "x"],
    ]) {
      await expect(pve.run(read(...argv))).rejects.toThrow("declared to read only");
    }
  });

  test("a script that the lab does not know is not found", async () => {
    const argv = scriptArgv({ name: "never-heard-of", body: "true" });
    expect(await pve.run({ argv, effect: "read" })).toMatchObject({
      exitCode: 127,
      stderr: expect.stringContaining("the lab does not know the script never-heard-of"),
    });
  });
});

test("a guest that is not in the site is not there", async () => {
  await expect(world.host("lxc/777").run(read("true"))).rejects.toBeInstanceOf(NotReadyError);
  await expect(world.host("lxc/101").expect(read("false"))).rejects.toBeInstanceOf(CommandError);
});

test("a command that takes too long ends with its time", async () => {
  const failure = await world
    .host("lxc/101")
    .run({ ...read("sleep", "30"), timeoutMs: 200 })
    .catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(TransportError);
  expect((failure as Error).message).toContain("did not end within 0.2 s");
});
