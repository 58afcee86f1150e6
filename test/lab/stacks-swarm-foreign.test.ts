/** What a Swarm's stack meets that somebody else made, and what stands in its way. */
import { beforeAll, describe, expect, test } from "vitest";
import { askDocker } from "../../src/components/foreign/docker-api.ts";
import { stacks } from "../../src/components/stacks/index.ts";
import type { RunResult } from "../../src/engine/plan.ts";
import type { WholeSite } from "../whole-site.ts";
import { planLab, type SessionOptions, syncLab } from "./session.ts";
import { agent } from "./site.ts";
import type { StacksLab } from "./stacks-site.ts";
import { notes, oak, swarmStacksLab } from "./stacks-swarm-site.ts";

const only = (result: RunResult) => result.components[0]!;

describe("beside a Swarm's stack", { timeout: 120_000 }, () => {
  let lab: StacksLab;
  const site = oak(notes());
  const sync = (wanted: WholeSite, options: SessionOptions = {}) =>
    syncLab(lab.directory, wanted, [stacks], options);
  const serviceIds = async () => (await lab.api.services(lab.environmentId, "notes")).map(({ id }) => id);

  beforeAll(async () => {
    lab = await swarmStacksLab();
  });

  const service = (Name: string, more: object = {}, labels = {}) =>
    askDocker(lab.world.host(agent.host), "POST", "/services/create", {
      Name,
      Labels: labels,
      TaskTemplate: { ContainerSpec: { Image: "nginx:1.27", Labels: labels } },
      Mode: { Replicated: { Replicas: 1 } },
      ...more,
    });

  test("a port that somebody's service holds fails the deployment in bounded time, and nothing is left of it", async () => {
    const Ports = [{ TargetPort: 80, PublishedPort: 8081, PublishMode: "host" }];
    await service("squatter", { EndpointSpec: { Mode: "dnsrr", Ports } });
    const result = await sync(site);
    expect(only(result).reason).toMatch(/task 1 is pending: .*host-mode port already in use on 1 node/);
    expect(only(result).outcome).not.toBe("changed");
    expect(await lab.api.stacks()).toEqual([]);
    expect(await serviceIds()).toEqual([]);
    expect(await lab.api.swarmObjects(lab.environmentId, "secret")).toEqual([]);
    const squatter = (await lab.api.services(lab.environmentId)).find(({ name }) => name === "squatter");
    await lab.api.removeService(lab.environmentId, squatter!.id);
  });

  test("a stack of the command line is told, and taken over with consent alone", async () => {
    await service("notes_old", {}, { "com.docker.stack.namespace": "notes" });
    const plan = await planLab(lab.directory, site, [stacks]);
    expect(plan.components[0]?.hazards).toEqual([
      expect.objectContaining({
        consent: "adopt",
        message: 'stack "notes" in the Swarm oak was made by the command line: notes_old',
      }),
    ]);
    await expect(sync(site)).rejects.toThrow(/made by the command line/);
    expect(await lab.api.stacks()).toEqual([]);
    const result = await sync(site, { allow: ["adopt"] });
    expect(only(result)).toMatchObject({ outcome: "changed" });
    expect((await lab.api.services(lab.environmentId, "notes")).map(({ name }) => name)).toEqual([
      "notes_web",
    ]);
    expect(only(await sync(site))).toMatchObject({ outcome: "unchanged" });
  });

  test("a stack that is declared no more is taken down with consent, its configs and secrets in the run after", async () => {
    expect(only(await sync(oak())).orphans).toEqual(["stacks/notes"]);
    await sync(oak(), { allow: ["prune"] });
    expect(await lab.api.stacks()).toEqual([]);
    expect(await serviceIds()).toEqual([]);
    await sync(oak(), { allow: ["prune"] });
    expect(await lab.api.swarmObjects(lab.environmentId, "secret")).toEqual([]);
    expect(await lab.api.swarmObjects(lab.environmentId, "config")).toEqual([]);
  });
});
