/** Every fault knob shows where it should, and nowhere else. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, describe, expect, test } from "vitest";
import { breakLab, faultDescriptions, labStatus, mendLab } from "../../lab/faults.ts";
import { CommandError, TransportError, UsageError } from "../../src/errors.ts";
import { change, newLab, opened, read } from "./open.ts";

const lab = await newLab();
const world = await opened(lab);
const pve = world.host("pve");
const gateway = world.host("lxc/101");
const broken = async (
  fault: string,
  target: string | undefined,
  value: string | undefined,
  see: () => Promise<void>,
) => {
  breakLab(lab, fault, target, value);
  try {
    await see();
  } finally {
    mendLab(lab, fault);
  }
};
const rejection = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );
const get = (url: string) => world.network.request({ method: "GET", url, effect: "read" });
const active = () => gateway.run(read("systemctl", "is-active", "nginx"));

describe("breaking and mending", () => {
  test("what is broken is known, by whom it was broken for, and until when", () => {
    breakLab(lab, "slow", "Portainer", "50");
    breakLab(lab, "slow", "portainer", "60");
    breakLab(lab, "hang", "lxc/104");
    expect(labStatus(lab).faults).toEqual([
      { fault: "slow", target: "portainer", value: "60" },
      { fault: "hang", target: "lxc/104" },
    ]);
    mendLab(lab, "slow");
    expect(labStatus(lab).faults).toEqual([{ fault: "hang", target: "lxc/104" }]);
    mendLab(lab);
    expect(labStatus(lab)).toMatchObject({ faults: [], site: "/usr/local/phoenix_hypervisor" });
    expect(labStatus(lab).hosts).toContainEqual({
      host: "lxc/101",
      name: "Nginx-Gateway",
      address: "10.0.0.153",
    });
  });

  test("what does not exist cannot be broken", () => {
    expect(() => breakLab(lab, "explode")).toThrow(UsageError);
    expect(() => breakLab(lab, "hang", "lxc/999")).toThrow(UsageError);
    expect(() => mendLab(lab, "explode")).toThrow(UsageError);
    for (const value of ["abc", "0", "-5", "1.5", "2s", "", "9999999999"])
      expect(() => breakLab(lab, "slow", "portainer", value), value).toThrow(/milliseconds/);
    expect(() => breakLab(lab, "hang", "lxc/104", "5")).toThrow(/takes no value/);
    expect(labStatus(lab).faults).toEqual([]);
  });

  test("every fault says in one line what it does", () => {
    for (const line of Object.values(faultDescriptions)) expect(line).toMatch(/^[^\n]{10,140}$/);
  });
});

test.each(["lxc/101", "gateway", "nginx-gateway"])(
  "guest-down on %s: no command, no connection",
  async (target) => {
    await broken("guest-down", target, undefined, async () => {
      expect(await rejection(active())).toMatchObject({ message: "lxc/101 is not running" });
      expect(await world.network.connect("10.0.0.153", 80)).toEqual({ ok: false, reason: "unreachable" });
      expect((await pve.run(read("pct", "status", "101"))).stdout).toBe("status: stopped\n");
      expect((await world.network.connect("10.0.0.12", 80)).ok).toBe(true);
    });
    expect((await active()).stdout).toBe("active\n");
  },
);

test("guest-down on a virtual machine", async () => {
  await broken("guest-down", "vm/1002", undefined, async () => {
    expect(await rejection(world.host("vm/1002").run(read("true")))).toMatchObject({
      message: "vm/1002 is not running",
    });
  });
});

test("hang: commands of that host end with their time", async () => {
  await broken("hang", "lxc/101", undefined, async () => {
    const failure = await rejection(gateway.run({ ...read("true"), timeoutMs: 100 }));
    expect(failure).toBeInstanceOf(TransportError);
    expect((await world.host("lxc/102").run(read("true"))).exitCode).toBe(0);
    expect((await pve.run(read("true"))).exitCode).toBe(0);
  });
});

test("exit-1: what changes fails, what reads does not", async () => {
  await broken("exit-1", "lxc/101", undefined, async () => {
    expect(await gateway.run(change("systemctl", "reload", "nginx"))).toMatchObject({ exitCode: 1 });
    expect(await rejection(gateway.writeFiles([{ path: "/etc/x", text: "x" }]))).toBeInstanceOf(CommandError);
    expect((await active()).exitCode).toBe(0);
    expect((await pve.run(change("true"))).exitCode).toBe(0);
  });
});

test("disk-full: nothing is written, nothing is left behind", async () => {
  await gateway.writeFiles([{ path: "/etc/full/a", text: "old" }]);
  await broken("disk-full", "lxc/101", undefined, async () => {
    const failure = await rejection(
      gateway.writeFiles([
        { path: "/etc/full/a", text: "new" },
        { path: "/etc/full/b", text: "new" },
      ]),
    );
    expect(failure).toMatchObject({
      message: expect.stringContaining("No space left on device"),
      hint: expect.stringContaining("df -h"),
    });
    expect(await gateway.run(read("ls", "-A", "/etc/full"))).toMatchObject({ stdout: "a\n" });
    expect((await gateway.readFiles(["/etc/full/a"])).get("/etc/full/a")?.text).toBe("old");
  });
});

test("refused: one part of the fabric, not its neighbours", async () => {
  await broken("refused", "mesh", undefined, async () => {
    expect(await world.network.connect("10.0.0.12", 80)).toEqual({ ok: false, reason: "refused" });
    expect((await world.network.connect("10.0.0.153", 80)).ok).toBe(true);
    expect((await world.host("lxc/102").run(read("true"))).exitCode).toBe(0);
  });
  await broken("refused", "dns", undefined, async () => {
    expect(await rejection(world.network.query("10.0.0.13", "x.lab.test", "A"))).toBeInstanceOf(
      TransportError,
    );
    expect((await world.network.connect("10.0.0.13", 8006)).ok).toBe(true);
  });
});

test("error-500: mesh and gateway answer nothing else", async () => {
  await broken("error-500", "mesh", undefined, async () => {
    expect((await get("http://10.0.0.12/")).status).toBe(500);
    expect((await get("http://10.0.0.153/")).status).toBe(200);
  });
  await broken("error-500", "gateway", undefined, async () => {
    expect((await get("http://10.0.0.153/")).status).toBe(500);
  });
});

test("slow: as long as it is told", async () => {
  await broken("slow", "lxc/102", "150", async () => {
    const started = performance.now();
    await world.network.connect("10.0.0.12", 80);
    expect(performance.now() - started).toBeGreaterThanOrEqual(145);
    await world.host("lxc/102").run(read("true"));
    expect(performance.now() - started).toBeGreaterThanOrEqual(295);
  });
});

test("wrong-certificate: the CA's, for one", async () => {
  await broken("wrong-certificate", "ca", undefined, async () => {
    const seen = await world.network.handshake("10.0.0.10", 9000, { servername: "ca.lab.test" });
    expect(seen).toMatchObject({ ok: true, trusted: false });
    expect(seen.ok && seen.certificate).toContain("BEGIN CERTIFICATE");
    const { X509Certificate } = await import("node:crypto");
    expect(seen.ok && new X509Certificate(seen.certificate).subject).toBe("CN=somebody-else.invalid");
  });
});

describe("killed-before-activation", async () => {
  const directory = await mkdtemp(join(tmpdir(), "phoenix-kill-"));
  afterAll(() => rm(directory, { recursive: true }));
  const program = join(directory, "run.mjs");
  const text = `
    import { openLab } from ${JSON.stringify(join(import.meta.dirname, "../../lab/lab.ts"))};
    const world = await openLab(process.argv[2], { signal: new AbortController().signal });
    const gateway = world.host("lxc/101");
    await gateway.writeFiles([{ path: "/etc/written", text: "before" }]);
    console.log((await gateway.run({ argv: ["systemctl", "is-active", "nginx"], effect: "read" })).stdout);
    await gateway.run({ argv: ["systemctl", "reload", "nginx.service"], effect: "change" });
    console.log("after");
    await world.close();
  `;
  await build({
    stdin: { contents: text, resolveDir: import.meta.dirname },
    bundle: true,
    platform: "node",
    format: "esm",
    outfile: program,
    logLevel: "error",
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
  });
  const run = () =>
    new Promise<{ signal: string | null; stdout: string }>((resolve) =>
      execFile(process.execPath, [program, lab], (error, stdout) =>
        resolve({ signal: (error as { signal?: string } | null)?.signal ?? null, stdout }),
      ),
    );

  test("the process dies at its reload, once", async () => {
    breakLab(lab, "killed-before-activation", "gateway");
    expect(await run()).toEqual({ signal: "SIGKILL", stdout: "active\n\n" });
    expect((await gateway.run(read("cat", "/etc/written"))).stdout).toBe("before");
    expect(labStatus(lab).faults).toEqual([]);
    expect(await run()).toEqual({ signal: null, stdout: "active\n\nafter\n" });
  });
});
