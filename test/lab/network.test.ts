/** The lab's network: who listens where, and what an address leads to. */
import { describe, expect, test } from "vitest";
import { TransportError } from "../../src/errors.ts";
import { change, newLab, opened, read } from "./open.ts";

const lab = await newLab();
const world = await opened(lab);
const get = (url: string, more: { insecure?: true; hostname?: string; ca?: string } = {}) =>
  world.network.request({ method: "GET", url, effect: "read", ...more });

describe("from the hypervisor", () => {
  test.each([
    ["10.0.0.13", 22, true],
    ["10.0.0.13", 8006, true],
    ["10.0.0.13", 2049, true],
    ["10.0.0.13", 53, true],
    ["127.0.0.1", 8006, true],
    ["10.0.0.13", 81, false],
    ["10.0.0.153", 80, true],
    ["10.0.0.153", 443, false],
    ["10.0.0.12", 8080, true],
    ["10.0.0.10", 9000, true],
    ["10.0.0.155", 11434, true],
    ["10.0.0.155", 11435, false],
    ["10.0.0.111", 9443, false],
    ["10.0.0.102", 9001, false],
  ])("%s:%i: %s", async (address, port, ok) => {
    expect(await world.network.connect(address, port)).toEqual(ok ? { ok } : { ok, reason: "refused" });
  });

  test("an address that nobody has is not reached", async () => {
    expect(await world.network.connect("10.0.0.77", 80)).toEqual({ ok: false, reason: "unreachable" });
    await expect(get("http://10.0.0.77/")).rejects.toThrow("10.0.0.77:80 failed: no route to host");
    await expect(get("http://10.0.0.77/")).rejects.toBeInstanceOf(TransportError);
    expect(await world.network.handshake("10.0.0.77", 443, { servername: "x" })).toEqual({
      ok: false,
      reason: "no route to host",
    });
  });

  test("what is refused says so", async () => {
    await expect(get("http://10.0.0.155:1/")).rejects.toThrow("connection refused");
  });

  test("the CA's certificate leads to its root", async () => {
    const ca = await world.host("lxc/103").expect(read("cat", "/root/.step/certs/root_ca.crt"));
    expect((await get("https://10.0.0.10:9000/health", { hostname: "ca.lab.test", ca })).text).toContain(
      "ok",
    );
    const seen = await world.network.handshake("10.0.0.10", 9000, { servername: "ca.lab.test", ca });
    expect(seen).toMatchObject({ ok: true, trusted: true });
  });

  test("a service with TLS has a certificate of the CA", async () => {
    const ca = await world.host("lxc/103").expect(read("cat", "/root/.step/certs/root_ca.crt"));
    const answer = await get("https://10.0.0.155:8443/", { hostname: "secure.lab.test", ca });
    expect(JSON.parse(answer.text)).toMatchObject({ name: "secure", host: "lxc/104", port: 8443 });
  });
});

describe("containers", () => {
  const docker = (...args: string[]) => change("docker", ...args);

  test("answer on published ports as long as they run", async () => {
    const host = world.host("vm/1002");
    await host.expect(docker("run", "-d", "--name", "web", "-p", "8000:80", "example/web:1"));
    expect(JSON.parse((await get("http://10.0.0.102:8000/x")).text)).toMatchObject({
      name: "web",
      url: "/x",
    });
    await host.expect(docker("stop", "web"));
    expect((await world.network.connect("10.0.0.102", 8000)).ok).toBe(false);
  });

  test("published on a loopback address answer the guest alone", async () => {
    const host = world.host("vm/1002");
    await host.expect(docker("run", "-d", "--name", "own", "-p", "127.0.0.1:8001:80", "example/web:1"));
    expect((await world.network.connect("10.0.0.102", 8001)).ok).toBe(false);
  });

  test("called Portainer and agent are Portainer and its agent", async () => {
    const portainer = world.host("vm/1001");
    await portainer.expect(
      docker(
        "run",
        "-d",
        "--name",
        "portainer_server",
        "-p",
        "9443:9443",
        "-v",
        "data:/data",
        "portainer/portainer-ce:2.39.1",
      ),
    );
    const status = await get("https://10.0.0.111:9443/api/system/status", { insecure: true });
    expect(JSON.parse(status.text)).toMatchObject({ Version: "2.39.1" });
    await world
      .host("vm/1002")
      .expect(docker("run", "-d", "--name", "portainer_agent", "-p", "9001:9001", "portainer/agent:2.39.1"));
    expect((await get("https://10.0.0.102:9001/ping", { insecure: true })).status).toBe(204);
  });
});

test("a closed world starts nothing any more", async () => {
  const other = await opened(lab);
  await other.network.connect("10.0.0.153", 80);
  await other.close();
  await expect(other.network.connect("10.0.0.153", 80)).rejects.toThrow("interrupted");
  await expect(other.host("pve").run(read("true"))).rejects.toThrow("interrupted");
});
