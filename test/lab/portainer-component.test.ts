/** Portainer in the lab: set up from nothing, left alone when all is well, and repaired piece by piece. */
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { EngineState } from "../../lab/docker/state.ts";
import { breakLab, mendLab } from "../../lab/faults.ts";
import { setClockOffset } from "../../lab/lab-file.ts";
import { createStore } from "../../lab/store.ts";
import type { Component } from "../../src/component.ts";
import { certificates } from "../../src/components/certificates/index.ts";
import { portainer } from "../../src/components/portainer/index.ts";
import type { ComponentResult } from "../../src/engine/plan.ts";
import { counted, type Trace, traced } from "../../src/hosts/decorators.ts";
import type { Guest, Portainer, RoleGuest, Site } from "../../src/model.ts";
import { Secret } from "../../src/secret.ts";
import { change, newLab, opened, prepared } from "./open.ts";
import { planLab, syncLab } from "./session.ts";
import { agent, labSite } from "./site.ts";

const poison = "poison'\"$(x) ü password";
const compose = `services:
  portainer:
    image: portainer/portainer-ce:2.23.0
    command: -H unix:///var/run/docker.sock
    container_name: portainer_server
    restart: always
    volumes:
      - /var/run/docker.sock:/var/run/docker.sock
      - portainer_data_nfs:/data
    ports: ["9443:9443"]
volumes:
  portainer_data_nfs:
    external: true
`;

const from = { file: "etc/phoenix_vm_configs.json", line: 7, column: 3 };
const second: RoleGuest = {
  ...agent,
  host: "vm/1003",
  id: 1003,
  name: "second",
  address: "10.0.0.103",
  shares: agent.shares.map((share) => ({ ...share, path: "/quickOS/vm-persistent-data/1003" })),
};

function siteWith(more: Partial<Portainer> = {}, guests: readonly Guest[] = []): Site {
  const base = labSite.portainer!;
  return {
    ...labSite,
    guests: [...labSite.guests, ...guests],
    certificates: [
      {
        ...labSite.certificates[0]!,
        postRenewal: { command: "qm guest exec 1001 -- docker restart portainer_server", from },
      },
    ],
    portainer: {
      ...base,
      adminPassword: new Secret(poison),
      compose: { file: "stacks/portainer_service/docker-compose.yml", text: compose },
      agentImage: "portainer/agent:2.23.0",
      ...more,
    },
  };
}

const site = siteWith();
const both = siteWith(
  {
    environments: [
      ...labSite.portainer!.environments,
      { name: "second", guest: second, kind: "agent", port: 9001, from },
    ],
  },
  [second],
);

const engine = (lab: string, vm: string): EngineState =>
  createStore(lab).read<EngineState>(`docker-${vm.replace("/", "-")}`) ?? {
    images: [],
    containers: [],
    volumes: [],
    networks: [],
  };
const container = (lab: string, vm: string, name: string) =>
  engine(lab, vm).containers.find((each) => each.name === name);
const ids = (lab: string) =>
  ["vm/1001", "vm/1002"].flatMap((vm) =>
    engine(lab, vm).containers.map(({ id, startedAt }) => `${id} ${startedAt}`),
  );

interface Synced extends ComponentResult {
  readonly made: readonly string[];
  readonly traces: readonly Trace[];
  readonly all: readonly ComponentResult[];
  readonly events: unknown;
}

async function sync(
  lab: string,
  of: Site = site,
  components: readonly Component[] = [portainer],
): Promise<Synced> {
  const made: string[] = [];
  const traces: Trace[] = [];
  const result = await syncLab(lab, of, components, {
    decorators: [counted((what) => void made.push(what)), traced((trace) => traces.push(trace))],
  });
  const part = result.components.find(({ component }) => component === "portainer")!;
  return { ...part, made, traces, all: result.components, events: result.events };
}

/** A lab where everything is in place. */
const settled = prepared(async () => {
  const lab = await newLab(site);
  const first = await sync(lab, site, [certificates, portainer]);
  expect(first, JSON.stringify([first.reason, first.checks])).toMatchObject({ outcome: "changed" });
  return lab;
});

/** Portainer's data is gone; the certificate that it copied at its start stays unless that goes too. */
function forget(lab: string, certificateToo = false): void {
  const data = join(lab, "hosts/pve/quickOS/vm-persistent-data/1001/portainer/data");
  for (const name of readdirSync(data))
    if (certificateToo || name !== "certs") rmSync(join(data, name), { recursive: true });
}

/** The whole of a lab's tree that holds a text, but for the directories named. */
function filesWith(directory: string, text: string): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((name) => {
    const path = join(directory, name);
    return (
      statSync(path, { throwIfNoEntry: false })?.isFile() === true &&
      readFileSync(path, "utf8").includes(text)
    );
  });
}

describe("from nothing", () => {
  let lab = "";
  let first: Synced;
  beforeAll(async () => {
    lab = await newLab(site);
    first = await sync(lab, site, [certificates, portainer]);
  });

  test("server, administrator, agent and environment are there and proven", () => {
    expect(first, JSON.stringify([first.reason, first.checks])).toMatchObject({ outcome: "changed" });
    // The run as a whole creates the storage, though the certificate made a directory of it before.
    expect(first.changes.map(({ verb }) => verb)).toEqual(["create", "create", "create", "create", "create"]);
    expect(first.checks.map(({ resource, status }) => `${resource} ${status}`)).toEqual([
      "portainer/server pass",
      "portainer/administrator pass",
      "portainer/environment-drphoenix pass",
      "portainer/agent-drphoenix pass",
    ]);
  });

  test("the container serves with the certificate, its data is on the share, nothing is open to everybody", async () => {
    const server = container(lab, "vm/1001", "portainer_server")!;
    expect(server.command.join(" ")).toContain(
      "-H unix:///var/run/docker.sock --sslcert /phoenix/certs/portainer.crt",
    );
    expect(server.command.join(" ")).not.toContain("tlscert");
    expect(server.mounts.find(({ target }) => target === "/phoenix/certs")).toMatchObject({ readOnly: true });
    expect(engine(lab, "vm/1001").volumes).toMatchObject([
      {
        name: "portainer_data_nfs",
        options: {
          type: "nfs",
          o: "addr=10.0.0.13,rw,nfsvers=4",
          device: ":/quickOS/vm-persistent-data/1001/portainer/data",
        },
      },
    ]);
    const world = await opened(lab);
    const modes = await world.host("pve").expect({
      argv: ["stat", "-c", "%a %U:%G", "/quickOS/vm-persistent-data/1001/portainer/data"],
      effect: "read",
    });
    expect(modes).toBe("750 nobody:nogroup\n");
  });

  test("secrets are in no command, no event, no result, and no file that others may read", () => {
    const told = JSON.stringify([first.traces, first.events, first.all, first.made]);
    const secret = container(lab, "vm/1002", "portainer_agent")!.env[0]!.slice("AGENT_SECRET=".length);
    expect(secret.length).toBeGreaterThan(30);
    expect(container(lab, "vm/1001", "portainer_server")!.env).toContain(`AGENT_SECRET=${secret}`);
    for (const word of [secret, poison, JSON.stringify(poison).slice(1, -1)])
      expect(told).not.toContain(word);
    for (const word of [secret, poison])
      for (const file of filesWith(join(lab, "hosts"), word))
        expect(statSync(join(lab, "hosts", file)).mode & 0o077, file).toBe(0);
  });

  test("a second run touches nothing, and no container", async () => {
    const before = ids(lab);
    const again = await sync(lab, site, [certificates, portainer]);
    expect(again).toMatchObject({ outcome: "unchanged", activations: [], made: [] });
    expect(again.checks.every(({ status }) => status === "pass")).toBe(true);
    expect(ids(lab)).toEqual(before);
  });
});

describe("drift", () => {
  test("an agent that was removed, one of another image, one that somebody else made", async () => {
    const lab = await settled();
    const vm = (await opened(lab)).host("vm/1002");
    const server = container(lab, "vm/1001", "portainer_server")!.id;
    await vm.expect(change("docker", "rm", "-f", "portainer_agent"));
    expect(await sync(lab)).toMatchObject({ outcome: "changed", changes: [{ verb: "create" }] });

    const newer = siteWith({ agentImage: "portainer/agent:2.33.3" });
    const updated = await sync(lab, newer);
    expect(updated).toMatchObject({
      outcome: "changed",
      changes: [{ verb: "update", live: { units: { image: "portainer/agent:2.23.0" } } }],
      activations: [{ kind: "restart", unit: "portainer_agent" }],
    });
    expect(container(lab, "vm/1002", "portainer_agent")!.image).toBe("portainer/agent:2.33.3");

    await vm.expect(change("docker", "rm", "-f", "portainer_agent"));
    await vm.expect(
      change("docker", "run", "-d", "--name", "portainer_agent", "-p", "9001:9001", "portainer/agent:2.33.3"),
    );
    const foreign = container(lab, "vm/1002", "portainer_agent")!.id;
    await expect(sync(lab, newer)).rejects.toMatchObject({
      exitCode: 5,
      message: expect.stringContaining(
        'container "portainer_agent" (image portainer/agent:2.33.3) on vm/1002',
      ),
    });
    expect(container(lab, "vm/1002", "portainer_agent")!.id).toBe(foreign);
    const adopted = await syncLab(lab, newer, [portainer], { allow: ["adopt"] });
    expect(adopted.components[0]).toMatchObject({ outcome: "changed" });
    expect(container(lab, "vm/1002", "portainer_agent-before-phoenix")).toMatchObject({
      id: foreign,
      state: "exited",
      restart: "no",
    });
    expect(await sync(lab, newer)).toMatchObject({ outcome: "unchanged", made: [] });
    expect(container(lab, "vm/1001", "portainer_server")!.id).toBe(server);
  });

  test("a server that was removed or stopped, and another declared image", async () => {
    const lab = await settled();
    const vm = (await opened(lab)).host("vm/1001");
    await vm.expect(change("docker", "rm", "-f", "portainer_server"));
    expect(await sync(lab)).toMatchObject({ outcome: "changed" });
    await vm.expect(change("docker", "stop", "portainer_server"));
    expect(await sync(lab)).toMatchObject({ outcome: "changed" });
    expect(await sync(lab)).toMatchObject({ outcome: "unchanged", made: [] });

    const text = compose.replace("2.23.0", "2.33.3");
    const newer = siteWith({ compose: { ...site.portainer!.compose, text } });
    expect(await sync(lab, newer)).toMatchObject({
      outcome: "changed",
      changes: [{ verb: "update", desired: { id: "portainer/server" } }],
      activations: [{ kind: "restart", unit: "portainer_server" }],
    });
    expect(container(lab, "vm/1001", "portainer_server")!.image).toBe("portainer/portainer-ce:2.33.3");
    expect(await sync(lab, newer)).toMatchObject({ outcome: "unchanged", made: [] });
  });

  test("an environment with another URL, and data that is gone", async () => {
    const lab = await settled();
    const moved = siteWith({
      environments: site.portainer!.environments.map((each) => ({ ...each, port: 9101 })),
    });
    const lost = await sync(lab, moved);
    expect(lost.changes.map(({ verb }) => verb)).toEqual(["update", "update"]);
    expect(await sync(lab, moved)).toMatchObject({ outcome: "unchanged", made: [] });
    expect((await sync(lab)).changes).toMatchObject([
      { desired: { id: "portainer/agent-drphoenix" } },
      {
        desired: { id: "portainer/environment-drphoenix" },
        live: { units: { url: "tcp://10.0.0.102:9101" } },
      },
    ]);

    forget(lab);
    const wiped = await sync(lab);
    expect(wiped, JSON.stringify([wiped.reason, wiped.checks])).toMatchObject({
      outcome: "changed",
      changes: [
        { verb: "create", desired: { id: "portainer/administrator" } },
        { verb: "create", desired: { id: "portainer/environment-drphoenix" } },
      ],
    });
    expect(await sync(lab)).toMatchObject({ outcome: "unchanged", made: [] });

    // With its certificate it shows one of its own, until it reads its files again.
    forget(lab, true);
    const restarted = await sync(lab);
    expect(restarted, JSON.stringify([restarted.reason, restarted.checks])).toMatchObject({
      outcome: "changed",
      activations: [{ kind: "restart", unit: "portainer_server" }],
    });
    expect(await sync(lab)).toMatchObject({ outcome: "unchanged", made: [] });
  });

  test("a volume with other options is kept, and said so", async () => {
    const lab = await newLab(site);
    const vm = (await opened(lab)).host("vm/1001");
    await vm.expect(change("docker", "volume", "create", "portainer_data_nfs"));
    const first = await sync(lab, site, [certificates, portainer]);
    expect(first).toMatchObject({ outcome: "changed" });
    expect(first.notes).toContainEqual(expect.stringContaining("other options"));
    expect(engine(lab, "vm/1001").volumes).toMatchObject([{ name: "portainer_data_nfs", options: {} }]);
    expect(await sync(lab)).toMatchObject({ outcome: "unchanged", made: [] });
  });

  test("a lost agent secret: both sides get the new one", async () => {
    const lab = await settled();
    rmSync(join(lab, "hosts/pve/var/lib/phoenix/secrets"), { recursive: true });
    expect(await sync(lab)).toMatchObject({ outcome: "changed" });
    expect(container(lab, "vm/1001", "portainer_server")!.env[0]).toBe(
      container(lab, "vm/1002", "portainer_agent")!.env[0],
    );
    expect(await sync(lab)).toMatchObject({ outcome: "unchanged", made: [] });
  });

  test("the restart after a renewal is the certificates' business", async () => {
    const lab = await settled();
    setClockOffset(lab, 17 * 3_600_000);
    const { id } = container(lab, "vm/1001", "portainer_server")!;
    const { all } = await sync(lab, site, [certificates]).catch(() => ({
      all: [] as readonly ComponentResult[],
    }));
    expect(all.length).toBeLessThanOrEqual(1);
    expect(container(lab, "vm/1001", "portainer_server")!.id).toBe(id);
  });
});

describe("what goes wrong", () => {
  test("without a certificate nothing is started", async () => {
    const lab = await newLab(site);
    const first = await sync(lab);
    expect(first).toMatchObject({
      outcome: "failed",
      reason: expect.stringContaining("certificate is not on vm/1001"),
      hint: expect.stringContaining("phoenix sync certificates"),
    });
    expect(container(lab, "vm/1001", "portainer_server")).toBeUndefined();
    expect(await sync(lab, site, [certificates, portainer])).toMatchObject({ outcome: "changed" });
  });

  test("an image that cannot be had, a file that Compose refuses, a container that does not stay up: the old one stays", async () => {
    const lab = await settled();
    const before = ids(lab);
    const cases = [
      [compose.replace("portainer-ce:2.23.0", "portainer-ce:missing"), /cannot be pulled/],
      [compose.replace("restart: always", "restarts: always"), /docker compose refuses/],
      ["services: {}\n", /cannot run Portainer/],
    ] as const;
    for (const [text, reason] of cases) {
      const broken = siteWith({ compose: { ...site.portainer!.compose, text } });
      const failed = await sync(lab, broken);
      expect(failed.reason).toMatch(reason);
      expect(["failed", "rolled-back"]).toContain(failed.outcome);
      expect(ids(lab)).toEqual(before);
    }
    const exits = siteWith({
      compose: {
        ...site.portainer!.compose,
        text: compose.replace("portainer-ce:2.23.0", "portainer-ce:exits"),
      },
    });
    expect(await sync(lab, exits)).toMatchObject({
      outcome: "rolled-back",
      reason: expect.stringContaining("does not stay up"),
      hint: expect.stringContaining("docker logs"),
    });
    expect(container(lab, "vm/1001", "portainer_server")).toMatchObject({
      image: "portainer/portainer-ce:2.23.0",
      state: "running",
    });
    const after = await sync(lab);
    expect(after.changes.map(({ verb }) => verb)).not.toContain("create");
    expect(await sync(lab)).toMatchObject({ outcome: "unchanged" });
  });

  test("one machine that is down does not hold up the other", async () => {
    const lab = await newLab(both);
    breakLab(lab, "guest-down", "vm/1003");
    const first = await sync(lab, both, [certificates, portainer]);
    expect(first).toMatchObject({
      outcome: "failed",
      reason: expect.stringContaining("vm/1003 is not running"),
    });
    expect(first.changes.map((each) => (each.verb === "delete" ? "" : each.desired.id))).toEqual([
      "portainer/storage",
      "portainer/server",
      "portainer/administrator",
      "portainer/agent-drphoenix",
      "portainer/environment-drphoenix",
    ]);
    mendLab(lab);
    expect((await sync(lab, both)).changes).toHaveLength(2);
    expect(await sync(lab, both)).toMatchObject({ outcome: "unchanged", made: [] });
  });

  test.each([
    ["refused", "portainer", /does not answer/],
    ["wrong-certificate", "portainer", /does not answer/],
    ["error-500", "portainer", /500/],
    ["guest-down", "vm/1001", /vm\/1001 is not running/],
  ])("%s on %s is named, changes nothing, and is over when it is mended", async (fault, target, reason) => {
    const lab = await settled();
    // One that shows another certificate is restarted once, so only the containers themselves are compared.
    const made = () => ids(lab).map((each) => each.split(" ")[0]);
    const before = made();
    // A container that has run for hours is not waited for as one that just started.
    setClockOffset(lab, 3 * 3_600_000);
    breakLab(lab, fault, target);
    const broken = await sync(lab);
    expect(["failed", "rolled-back"]).toContain(broken.outcome);
    expect(`${broken.reason}`).toMatch(reason);
    expect(made()).toEqual(before);
    mendLab(lab);
    await sync(lab);
    expect(await sync(lab)).toMatchObject({ outcome: "unchanged", made: [] });
    expect(made()).toEqual(before);
  });

  test.each(["disk-full", "exit-1"])("%s on the agent's machine", async (fault) => {
    const lab = await newLab(site);
    breakLab(lab, fault, "vm/1002");
    const broken = await sync(lab, site, [certificates, portainer]);
    expect(broken).toMatchObject({ outcome: "failed", reason: expect.stringContaining("vm/1002") });
    mendLab(lab);
    await sync(lab);
    expect(await sync(lab)).toMatchObject({ outcome: "unchanged", made: [] });
  });

  test("a login that is forgotten is made again", async () => {
    const lab = await settled();
    breakLab(lab, "expired-token", "portainer");
    expect(await sync(lab)).toMatchObject({ outcome: "unchanged", made: [] });
  });

  test("a Portainer that closed itself is restarted, once", async () => {
    const lab = await settled();
    forget(lab);
    setClockOffset(lab, 600_000);
    const closed = await sync(lab);
    expect(closed, JSON.stringify([closed.reason, closed.checks])).toMatchObject({
      outcome: "changed",
      activations: [{ kind: "restart", unit: "portainer_server" }],
    });
    expect(await sync(lab)).toMatchObject({ outcome: "unchanged", made: [] });
  });

  test("planning changes nothing", async () => {
    const lab = await settled();
    const plan = await planLab(lab, siteWith({ agentImage: "portainer/agent:2.33.3" }), [portainer]);
    expect(plan.components[0]!.changes).toHaveLength(1);
  });
});
