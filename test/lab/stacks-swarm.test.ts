/** Stacks of a Swarm against the lab's Portainer and engines: deployed, proved, put back, pruned. */
import { beforeAll, describe, expect, test } from "vitest";
import { askDocker } from "../../src/components/foreign/docker-api.ts";
import { stacks } from "../../src/components/stacks/index.ts";
import type { RunResult } from "../../src/engine/plan.ts";
import type { WholeSite } from "../whole-site.ts";
import { planLab, type SessionOptions, syncLab, verifyLab } from "./session.ts";
import { agent } from "./site.ts";
import type { StacksLab } from "./stacks-site.ts";
import { file, notes, oak, swarmStacksLab } from "./stacks-swarm-site.ts";

const only = (result: RunResult) => result.components[0]!;

interface Spec {
  readonly Mode: object;
  readonly TaskTemplate: { readonly ContainerSpec: object };
}

interface Service {
  readonly ID: string;
  readonly Version: { readonly Index: number };
  readonly Spec: Spec;
}

describe("a stack of a Swarm", { timeout: 120_000 }, () => {
  let lab: StacksLab;
  const sync = (site: WholeSite, options: SessionOptions = {}) =>
    syncLab(lab.directory, site, [stacks], options);

  beforeAll(async () => {
    lab = await swarmStacksLab();
  });

  test("is deployed with its configs and secrets, and proved", async () => {
    const result = await sync(oak(notes()));
    expect(only(result)).toMatchObject({ outcome: "changed" });
    expect(only(result).checks.map(({ claim, status }) => `${status} ${claim}`)).toEqual([
      "pass web of notes runs in the Swarm oak",
      "pass 10.0.0.102:8081 answers for web of notes",
    ]);
    const [made] = await lab.api.stacks();
    expect(made).toMatchObject({ name: "notes", compose: false, status: "active" });
    expect(made?.env).toContainEqual({ name: "GREETING", value: 'it\'s $5 "here"' });
    const names = (await lab.api.swarmObjects(lab.environmentId, "secret")).map(({ name }) => name);
    expect(names).toEqual([expect.stringMatching(/^notes_db_[0-9a-f]{8}$/)]);
    expect(await lab.api.stackFile(made!.id)).not.toContain("canary");
  });

  test("a second run changes nothing", async () => {
    const result = await sync(oak(notes()));
    expect(only(result)).toMatchObject({ outcome: "unchanged", changes: [] });
  });

  test("verify passes", async () => {
    expect(
      only(await verifyLab(lab.directory, oak(notes()), [stacks])).checks.every(
        ({ status }) => status === "pass",
      ),
    ).toBe(true);
  });

  test("a plan of another image shows it and what is restarted", async () => {
    const plan = await planLab(lab.directory, oak(notes(file("nginx:1.28"))), [stacks]);
    const [part] = plan.components;
    expect(part?.impact?.notices).toEqual(["web of notes is restarted"]);
    expect(part?.impact?.blinks).toEqual(["notes/web"]);
    const [update] = part?.changes ?? [];
    expect(update?.verb === "update" && update.live.units["image of web"]).toBe("nginx:1.27");
    expect(update?.verb === "update" && update.desired.units["image of web"]).toBe("nginx:1.28");
  });

  test("an update that fails is put back at once, whatever Swarm did, and its file in Portainer as well", async () => {
    const [before] = await lab.api.stacks();
    const text = await lab.api.stackFile(before!.id);
    const policy = "      update_config: { failure_action: rollback }\n";
    const result = await sync(oak(notes(file("missing/image:9", 1, policy), "canary-of-the-secret-2")));
    expect(only(result)).toMatchObject({ outcome: "rolled-back" });
    const [after] = await lab.api.stacks();
    expect(await lab.api.stackFile(after!.id)).toBe(text);
    const [service] = await lab.api.services(lab.environmentId, "notes");
    expect(service?.image).toContain("nginx:1.27");
    const second = await sync(oak(notes()));
    expect(only(second)).toMatchObject({ outcome: "unchanged" });
    expect(JSON.stringify([result, second])).not.toContain("canary-of");
  });

  test("a rotated secret reaches the service; the old one is kept until it is pruned", async () => {
    const rotated = oak(notes(file(), "canary-of-the-secret-3"));
    const secrets = async () =>
      (await lab.api.swarmObjects(lab.environmentId, "secret")).map(({ name }) => name);
    const [old] = await secrets();
    expect(only(await sync(rotated))).toMatchObject({ outcome: "changed" });
    expect(await secrets()).toHaveLength(2);
    const [service] = await lab.api.services(lab.environmentId, "notes");
    expect(service?.secrets.map(({ name }) => name)).not.toContain(old);
    expect(only(await sync(rotated))).toMatchObject({ outcome: "unchanged", orphans: [`stacks/${old}`] });
    await sync(rotated, { allow: ["prune"] });
    expect(await secrets()).toEqual(service?.secrets.map(({ name }) => name));
    expect(only(await sync(rotated))).toMatchObject({ outcome: "unchanged", orphans: [] });
  });

  const changes: readonly (readonly [
    what: string,
    unit: string,
    words: string,
    change: (spec: Spec) => void,
  ])[] = [
    ["replicas", "replicas of web", "0", (spec) => Object.assign(spec.Mode, { Replicated: { Replicas: 0 } })],
    [
      "its command",
      "container of web",
      "other command",
      ({ TaskTemplate }) => Object.assign(TaskTemplate.ContainerSpec, { Args: ["--debug"] }),
    ],
    [
      "its user and a mount",
      "container of web",
      "other user, mounts",
      ({ TaskTemplate }) =>
        Object.assign(TaskTemplate.ContainerSpec, {
          User: "root",
          Mounts: [{ Type: "tmpfs", Target: "/scratch" }],
        }),
    ],
    [
      "where it may run",
      "container of web",
      "other constraints",
      ({ TaskTemplate }) =>
        Object.assign(TaskTemplate, { Placement: { Constraints: ["node.role == manager"] } }),
    ],
    [
      "its limits",
      "container of web",
      "other limits",
      ({ TaskTemplate }) => Object.assign(TaskTemplate, { Resources: { Limits: { MemoryBytes: 2 ** 26 } } }),
    ],
  ];
  test.each(changes)(
    "a service that was changed by hand is found and put right: %s",
    async (_, unit, words, change) => {
      const site = oak(notes(file(), "canary-of-the-secret-3"));
      const machine = lab.world.host(agent.host);
      const [service] = (await askDocker(machine, "GET", "/services")) as Service[];
      const spec = structuredClone(service!.Spec);
      change(spec);
      const path = `/services/${service!.ID}/update?version=${service!.Version.Index}`;
      await askDocker(machine, "POST", path, spec);
      const plan = await planLab(lab.directory, site, [stacks]);
      const [update] = plan.components[0]?.changes ?? [];
      expect(update?.verb === "update" && update.live.units[unit]).toBe(words);
      expect(only(await sync(site))).toMatchObject({ outcome: "changed" });
      expect(only(await sync(site))).toMatchObject({ outcome: "unchanged" });
    },
  );

  test("one that is no longer declared is taken down at the first try, although its tasks take time to end", async () => {
    const site = { ...oak(notes()), stacks: [] };
    expect(only(await sync(site, { allow: ["prune"] }))).toMatchObject({ outcome: "changed", orphans: [] });
    expect(await lab.api.stacks()).toEqual([]);
    expect(await lab.api.services(lab.environmentId, "notes")).toEqual([]);
  });
});
