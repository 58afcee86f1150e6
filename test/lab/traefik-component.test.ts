/** The mesh component against the lab's Traefik: what it brings about, what it finds, what it leaves alone. */
import { beforeAll, describe, expect, test } from "vitest";
import { breakLab } from "../../lab/faults.ts";
import { traefik } from "../../src/components/traefik/index.ts";
import type { RunResult } from "../../src/engine/plan.ts";
import type { JsonObject } from "../../src/formats/json/index.ts";
import type { World } from "../../src/hosts/world.ts";
import type { Site } from "../../src/model.ts";
import { change, newLab, opened, read } from "./open.ts";
import { planLab, syncLab, verifyLab } from "./session.ts";
import { labSite } from "./site.ts";

const file = "/etc/traefik/dynamic/dynamic_conf.yml";
const root = "/etc/traefik/dynamic/phoenix-root-ca.crt";

/** The services that the lab's guests run by themselves. */
const site: Site = {
  ...labSite,
  services: labSite.services
    .filter(({ id }) => id === "ollama" || id === "secure")
    .map((service) =>
      service.id === "secure"
        ? { ...service, backend: { ...service.backend, serverName: "secure.lab.test" } }
        : service,
    ),
};

const only = (result: RunResult) => result.components[0]!;
const failed = (result: RunResult) => only(result).checks.filter(({ status }) => status === "fail");

describe("a mesh", () => {
  let directory: string;
  let world: World;
  const mesh = () => world.host("lxc/102");
  const text = async () => (await mesh().readFiles([file])).get(file)?.text;

  beforeAll(async () => {
    directory = await newLab(site);
    world = await opened(directory);
  });

  test("gets its routes, each proved by a request, without a reload", async () => {
    const result = await syncLab(directory, site, [traefik]);
    expect(only(result)).toMatchObject({ outcome: "changed", activations: [] });
    expect(failed(result)).toEqual([]);
    expect(only(result).checks.map(({ claim }) => claim)).toEqual([
      "10.0.0.12 has loaded the declared routes",
      'router "ollama" is enabled',
      'router "secure" is enabled',
      '"ollama.lab.test" is forwarded to http://10.0.0.155:11434',
      '"secure.lab.test" is forwarded to https://10.0.0.155:8443',
    ]);
    expect((await mesh().readFiles([root])).get(root)?.mode).toBe("644");
  });

  test("stays as it is when nothing changed", async () => {
    for (let run = 0; run < 2; run += 1) {
      const result = await syncLab(directory, site, [traefik]);
      expect(only(result)).toMatchObject({ outcome: "unchanged", changes: [], activations: [] });
      expect(failed(result)).toEqual([]);
    }
  });

  test("leaves other people's files in the directory alone", async () => {
    const foreign = "/etc/traefik/dynamic/own.yml";
    await mesh().writeFiles([{ path: foreign, text: "http:\n  middlewares:\n    x:\n      compress: {}\n" }]);
    const result = await syncLab(directory, site, [traefik]);
    expect(only(result)).toMatchObject({ outcome: "unchanged", orphans: [] });
    expect((await mesh().readFiles([foreign])).has(foreign)).toBe(true);
  });

  test.each([
    ["edited", async () => mesh().writeFiles([{ path: file, text: "http: {}\n" }]), "traefik/routes"],
    ["removed", async () => mesh().remove([file]), "traefik/routes"],
    ["with another root", async () => mesh().writeFiles([{ path: root, text: "x" }]), "traefik/root"],
    ["without its root", async () => mesh().remove([root]), "traefik/root"],
    ["stopped", async () => mesh().expect(change("systemctl", "stop", "traefik")), "traefik/service"],
  ])("%s: the drift is found and repaired", async (_, drift, id) => {
    await drift();
    const planned = await planLab(directory, site, [traefik]);
    expect(planned.components[0]!.changes.map((each) => ("desired" in each ? each.desired.id : ""))).toEqual([
      id,
    ]);
    const result = await syncLab(directory, site, [traefik]);
    expect(only(result).outcome).toBe("changed");
    expect(failed(result)).toEqual([]);
    expect(only(await syncLab(directory, site, [traefik])).outcome).toBe("unchanged");
  });

  test("a changed service changes its route, and only that", async () => {
    const moved: Site = {
      ...site,
      services: site.services.map((service) =>
        service.id === "ollama"
          ? { ...service, names: ["llm.lab.test"], rule: "Host(`llm.lab.test`)", priority: 50 }
          : service,
      ),
    };
    const result = await syncLab(directory, moved, [traefik]);
    expect(failed(result)).toEqual([]);
    expect(only(result).changes).toHaveLength(1);
    await syncLab(directory, site, [traefik]);
  });

  test("a backend that is down is beyond the mesh: nothing is taken back", async () => {
    const dead: Site = {
      ...site,
      services: site.services.map((service) =>
        service.id === "ollama" ? { ...service, backend: { ...service.backend, port: 1 } } : service,
      ),
    };
    const result = await syncLab(directory, dead, [traefik]);
    expect(only(result).outcome).toBe("changed");
    expect(failed(result)).toMatchObject([
      { claim: '"ollama.lab.test" is forwarded to http://10.0.0.155:1', external: true },
    ]);
    expect(failed(result)[0]?.observed).toContain("502");
    await syncLab(directory, site, [traefik]);
  });

  test("members of a Swarm: one that is gone, or refuses, or is not healthy, is passed over", async () => {
    const members: Site = {
      ...site,
      services: site.services.map((service) =>
        service.id === "ollama"
          ? {
              ...service,
              backend: { ...service.backend, address: "10.0.0.250", others: ["10.0.0.12", "10.0.0.155"] },
            }
          : service,
      ),
    };
    const checked = (path: string): Site => ({
      ...members,
      services: members.services.map((service) => ({ ...service, loadBalancer: { healthCheck: { path } } })),
    });
    for (const each of [members, checked("/")]) {
      expect(failed(await syncLab(directory, each, [traefik]))).toEqual([]);
      for (let ask = 0; ask < 4; ask += 1) {
        const request = {
          method: "GET",
          effect: "read",
          url: "http://10.0.0.12/",
          timeoutMs: 5_000,
        } as const;
        const answer = await world.network.request({ ...request, hostname: "ollama.lab.test" });
        expect(answer.status).toBe(200);
      }
    }
    await syncLab(directory, site, [traefik]);
  });

  test("a backend whose certificate has another name is found out, with the name that it needs", async () => {
    const other: Site = {
      ...site,
      services: site.services.map((service) =>
        service.id === "secure"
          ? { ...service, backend: { ...service.backend, serverName: "other.lab.test" } }
          : service,
      ),
    };
    const result = await syncLab(directory, other, [traefik]);
    expect(failed(result)).toMatchObject([{ external: true }]);
    expect(failed(result)[0]?.hint).toContain("other.lab.test");
    await syncLab(directory, site, [traefik]);
  });

  test("routes that would shadow each other are refused before anything is written", async () => {
    const before = await text();
    const twice: Site = {
      ...site,
      services: site.services.map((service) => ({ ...service, rule: "Host(`a.lab.test`)" })),
    };
    const result = await syncLab(directory, twice, [traefik]);
    expect(only(result)).toMatchObject({ outcome: "failed", changes: [] });
    expect(only(result).reason).toContain("which one is used would change");
    expect(await text()).toBe(before);
  });

  test("a middleware, transport or plugin that the mesh lacks is refused before anything is written", async () => {
    const before = await text();
    const [first, ...others] = site.services;
    const using = (name: string, options: JsonObject = {}): Site => ({
      ...site,
      services: [{ ...first!, middlewares: [{ name, options }] }, ...others],
    });
    const refused = async (wanted: Site): Promise<string | undefined> => {
      const result = await syncLab(directory, wanted, [traefik]);
      expect(only(result)).toMatchObject({ outcome: "failed", changes: [] });
      expect(await text()).toBe(before);
      return only(result).reason;
    };
    expect(await refused(using("sso@file"))).toContain("uses middleware sso@file, which does not exist");
    const plugin = { plugin: { bouncer: { enabled: "true" } } };
    expect(await refused(using("m", plugin))).toContain("uses plugin bouncer");
    const transport = { ...first!, loadBalancer: { serversTransport: "t@file" } };
    expect(await refused({ ...site, services: [transport, ...others] })).toContain("uses transport t@file");

    const own = "/etc/traefik/dynamic/sso.yml";
    await mesh().writeFiles([{ path: own, text: "http: {middlewares: {sso: {compress: {}}}}\n" }]);
    const result = await syncLab(directory, using("sso@file"), [traefik]);
    expect(failed(result)).toEqual([]);
    expect(only(result).outcome).toBe("changed");
    await syncLab(directory, site, [traefik]);
    await mesh().remove([own]);
  });

  test("a bad file of somebody else keeps ours out: it is named, and the previous routes are back", async () => {
    const before = await text();
    const bad = "/etc/traefik/dynamic/broken.yml";
    await mesh().writeFiles([{ path: bad, text: "http: [" }]);
    const moved: Site = {
      ...site,
      services: site.services.map((service) =>
        service.id === "ollama" ? { ...service, priority: 9 } : service,
      ),
    };
    const result = await syncLab(directory, moved, [traefik]);
    expect(only(result).outcome).toBe("rolled-back");
    expect(only(result).hint).toContain("broken.yml");
    expect(await text()).toBe(before);
    await mesh().remove([bad]);
    expect(failed(await syncLab(directory, site, [traefik]))).toEqual([]);
  });

  test("a name that another file has taken is a failed check, although Traefik calls it enabled", async () => {
    const taken = "/etc/traefik/dynamic/a.yml";
    await mesh().writeFiles([
      {
        path: taken,
        text: JSON.stringify({
          http: { routers: { ollama: { rule: "Host(`x.lab.test`)", service: "noop@internal" } } },
        }),
      },
    ]);
    const result = await verifyLab(directory, site, [traefik]);
    expect(failed(result).map(({ observed }) => observed)).toContainEqual(
      expect.stringContaining("another file declares a router with this name"),
    );
    await mesh().remove([taken]);
  });

  test("a directory that changed unseen is read again after a reload", async () => {
    const unwatched = (await mesh().expect(read("cat", "/etc/traefik/traefik.yml"))).replace(
      "watch: true",
      "watch: false",
    );
    await mesh().writeFiles([{ path: "/etc/traefik/traefik.yml", text: unwatched }]);
    await mesh().expect(change("systemctl", "restart", "traefik"));
    const moved: Site = {
      ...site,
      services: site.services.map((service) =>
        service.id === "ollama" ? { ...service, priority: 7 } : service,
      ),
    };
    const result = await syncLab(directory, moved, [traefik]);
    expect(only(result)).toMatchObject({
      outcome: "changed",
      activations: [{ kind: "reload", unit: "traefik" }],
    });
    expect(only(result).notes.join()).toContain("does not watch its directory");
    await mesh().writeFiles([
      { path: "/etc/traefik/traefik.yml", text: unwatched.replace("watch: false", "watch: true") },
    ]);
    await mesh().expect(change("systemctl", "restart", "traefik"));
    await syncLab(directory, site, [traefik]);
  });
});

describe("a mesh that is not set up for it", () => {
  const broken = async (from: string | RegExp, to: string) => {
    const directory = await newLab(site);
    const world = await opened(directory);
    const mesh = world.host("lxc/102");
    const path = "/etc/traefik/traefik.yml";
    const text = await mesh.expect(read("cat", path));
    await mesh.writeFiles([{ path, text: text.replace(from, to) }]);
    await mesh.expect(change("systemctl", "restart", "traefik"));
    return directory;
  };

  test("watches another directory: the check says which line to change", async () => {
    const directory = await broken("directory: /etc/traefik/dynamic", "directory: /etc/traefik/conf.d");
    const result = await syncLab(directory, site, [traefik]);
    expect(only(result).outcome).toBe("rolled-back");
    expect(only(result).hint).toContain("providers.file.directory");
  });

  test("does not believe the gateway: a note, because everything else works", async () => {
    const directory = await broken(/ {4}forwardedHeaders:\n.*\n.*\n/, "");
    const result = await syncLab(directory, site, [traefik]);
    expect(only(result).outcome).toBe("changed");
    expect(only(result).notes.join()).toContain("trustedIPs");
  });

  test("has no API: requests prove the routes all the same", async () => {
    const directory = await broken("insecure: true", "insecure: false");
    const result = await syncLab(directory, site, [traefik]);
    expect(only(result).outcome).toBe("changed");
    expect(failed(result)).toEqual([]);
    expect(only(result).notes.join()).toContain("did not list its routers");
  });

  test("had no directory when it started: a restart brings the routes", async () => {
    const directory = await newLab(site);
    const world = await opened(directory);
    const mesh = world.host("lxc/102");
    await mesh.expect(change("rm", "-rf", "/etc/traefik/dynamic"));
    await mesh.expect(change("systemctl", "restart", "traefik"));
    const result = await syncLab(directory, site, [traefik]);
    expect(only(result)).toMatchObject({
      outcome: "changed",
      activations: [{ kind: "restart", unit: "traefik" }],
    });
    expect(failed(result)).toEqual([]);
  });

  test("is not reachable: the run ends with its name", async () => {
    const directory = await newLab(site);
    breakLab(directory, "guest-down", "mesh");
    const result = await syncLab(directory, site, [traefik]);
    expect(only(result).outcome).toBe("failed");
    expect(only(result).reason).toContain("lxc/102");
  });
});
