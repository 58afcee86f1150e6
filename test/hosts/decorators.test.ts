/** Decorators, alone and around a world. */
import { describe, expect, test } from "vitest";
import { TransportError } from "../../src/errors.ts";
import { realClock } from "../../src/hosts/clock.ts";
import { counted, readOnly, type Trace, traced } from "../../src/hosts/decorators.ts";
import type { Exec } from "../../src/hosts/host.ts";
import type { HttpRequest, Network } from "../../src/hosts/network.ts";
import { worldOf } from "../../src/hosts/open.ts";
import type { Decorator } from "../../src/hosts/world.ts";
import { failure, recorded } from "./recorded.ts";

/** Its methods stand on a prototype, as in any class: a decorator that spreads would lose them. */
class FakeNetwork implements Network {
  readonly requests: HttpRequest[] = [];
  async route(to: Parameters<Network["route"]>[0]) {
    return to;
  }
  async query() {
    return { rcode: "NOERROR", answers: ["10.0.0.1"] };
  }
  async connect() {
    return { ok: false, reason: "refused" } as const;
  }
  async handshake() {
    return { ok: false, reason: "timed out" } as const;
  }
  async request(request: HttpRequest) {
    this.requests.push(request);
    return { status: 204, headers: {}, text: "" };
  }
}

const clock = realClock(new AbortController().signal);
const get = { method: "GET", url: "http://10.0.0.1/x?token=poison", effect: "read" } as const;
const post = { ...get, method: "POST", effect: "change", body: "poison" } as const;
const world = (decorators: readonly Decorator[], exec: Exec) => {
  const parts = { description: "test", hypervisorExec: exec, network: new FakeNetwork(), clock, decorators };
  return { ...worldOf({ ...parts, close: async () => {} }), inner: parts.network };
};
const read = { argv: ["ls", "-l"], stdin: "poison", effect: "read" } as const;
const change = { argv: ["touch", "x"], effect: "change" } as const;

describe("read-only", () => {
  test("changes are refused before they get anywhere, on every host and on the network", async () => {
    const { exec, asked } = recorded({});
    const { host, network, inner } = world([readOnly], exec);
    await expect(host("pve").run(change)).rejects.toThrow(
      "read-only run tried to change something: touch x on pve",
    );
    await expect(host("lxc/102").run(change)).rejects.toThrow("read-only");
    await expect(host("pve").writeFiles([{ path: "/x", text: "" }])).rejects.toThrow("write-files");
    await expect(host("pve").remove(["/x"])).rejects.toThrow("read-only");
    await expect(network.request(post)).rejects.toThrow("POST http://10.0.0.1/x");
    expect(asked).toEqual([]);
    expect(inner.requests).toEqual([]);
  });

  test("reads pass", async () => {
    const { exec } = recorded({ stdout: "out" });
    expect((await readOnly.exec(exec, "pve")(read)).stdout).toBe("out");
    const network = readOnly.network(new FakeNetwork());
    expect((await network.request(get)).status).toBe(204);
    expect((await network.query("10.0.0.1", "x", "A")).answers).toEqual(["10.0.0.1"]);
  });
});

test("traces tell what was done, and never what was sent", async () => {
  const traces: Trace[] = [];
  const decorator = traced((trace) => traces.push(trace));
  const exec = decorator.exec(recorded({ exitCode: 3 }).exec, "lxc/102");
  const network = decorator.network(new FakeNetwork());
  await exec(read);
  await failure(decorator.exec(() => Promise.reject(new TransportError("pve", "gone")), "pve")(change));
  await network.request(post);
  await network.query("10.0.0.1", "x.test", "A");
  await network.connect("10.0.0.1", 80);
  await network.handshake("10.0.0.1", 443, { servername: "x.test" });
  expect(traces.map(({ host, what, effect, result }) => [host, what, effect, result])).toEqual([
    ["lxc/102", "ls -l", "read", "exit 3"],
    ["pve", "touch x", "change", "gone"],
    ["network", "POST http://10.0.0.1/x", "change", "204"],
    ["network", "DNS 10.0.0.1 x.test A", "read", "NOERROR 10.0.0.1"],
    ["network", "connect 10.0.0.1:80", "read", "refused"],
    ["network", "TLS 10.0.0.1:443 x.test", "read", "timed out"],
  ]);
  expect(JSON.stringify(traces)).not.toContain("poison");
});

test("changes are counted before they are made, and can be stopped there", async () => {
  const { exec, asked } = recorded({});
  const seen: string[] = [];
  const decorator = counted((what) => {
    seen.push(what);
    if (seen.length === 3) throw new Error("killed");
  });
  const { host, network } = world([decorator], exec);
  await host("pve").run(read);
  await host("pve").run(change);
  await network.request(get);
  await network.request(post);
  await expect(host("pve").run(change)).rejects.toThrow("killed");
  expect(seen).toEqual(["touch x on pve", "POST http://10.0.0.1/x", "touch x on pve"]);
  expect(asked).toHaveLength(2);
});

test("a world keeps one host for each name, and a guest's command is seen once, as the guest's", async () => {
  const traces: Trace[] = [];
  const { exec, asked } = recorded({ stdout: "absent\nabsent\nabsent\n" }, { stdout: "" });
  const { host } = world([traced((trace) => traces.push(trace))], exec);
  expect(host("lxc/102")).toBe(host("lxc/102"));
  await host("lxc/102").run(change);
  expect(traces.map(({ host: name, what }) => [name, what])).toEqual([["lxc/102", "touch x"]]);
  expect(asked.at(-1)?.argv.slice(0, 3)).toEqual(["pct", "exec", "102"]);
});
