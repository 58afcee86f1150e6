// biome-ignore-all lint/suspicious/noTemplateCurlyInString: compose files have variables of this form
/** What a Swarm's deployment refuses, and what becomes of updates that fail. */
import { describe, expect, test } from "vitest";
import type { ContractSession } from "./portainer-session.ts";
import { eventually, fileOf, imageOf, type SwarmCalls, type Task } from "./swarm-session.ts";

export function refusalContract(on: ContractSession, swarm: SwarmCalls): void {
  describe("what Docker's command line refuses", () => {
    const name = `contract${on.mark}r`;
    const refused: readonly (readonly [what: string, text: (image: string) => string, message: RegExp])[] = [
      [
        "an unknown key",
        (image) => fileOf(image, "    nobody: 1\n"),
        /Additional property nobody is not allowed/,
      ],
      ["a variable that must be set", () => fileOf("${CONTRACT_X:?is not set}"), /CONTRACT_X.*is not set/s],
      ["a name of the file's own", (image) => `name: x\n${fileOf(image)}`, /name/],
      ["a memory limit beside deploy", (image) => fileOf(image, "    mem_limit: 10m\n"), /mem_limit/],
      [
        "depends_on with conditions",
        (image) => fileOf(image, "    depends_on: { db: { condition: service_started } }\n"),
        /depends_on/,
      ],
      ["a config's content", (image) => `${fileOf(image)}configs:\n  c:\n    content: x\n`, /content/],
      [
        "a secret from the environment",
        (image) => `${fileOf(image)}secrets:\n  s:\n    environment: X\n`,
        /environment/,
      ],
      [
        "a config's file, which is the server's",
        (image) => `${fileOf(image, "    configs: [c]\n")}configs:\n  c:\n    file: ./nobody\n`,
        /no such file/,
      ],
      [
        "an external config that is not there",
        (image) =>
          `${fileOf(image, "    configs: [c]\n")}configs:\n  c:\n    external: true\n    name: contract-nobody\n`,
        /not found/,
      ],
    ];

    test("is 500 with its own words or the record's, and leaves no stack and no service", async () => {
      for (const [what, text, message] of refused) {
        const answer = await swarm.create(name, text(on.server.image));
        expect(await swarm.failure(answer), what).toMatch(message);
        if (answer.status === 200) await swarm.remove(answer.body.Id);
        expect(await swarm.services(name), what).toEqual([]);
      }
      const names = (await on.call("GET", "/stacks")).body.map(({ Name }: { Name: string }) => Name);
      expect(names).not.toContain(name);
    });

    test("changes nothing in an update, whose file goes back", async () => {
      const before = fileOf(on.server.image);
      const made = await swarm.create(name, before);
      await swarm.settled(made.body.Id);
      const spec = (await swarm.service(name)).Spec;
      // One alone: later versions remove the services of a stack whose last deployment has failed before they deploy it again.
      for (const [what, text, message] of refused.slice(0, 1)) {
        const answer = await swarm.put(made.body.Id, text(on.server.image), {
          Env: [{ name: "A", value: "1" }],
        });
        expect(await swarm.failure(answer), what).toMatch(message);
        expect(await swarm.file(made.body.Id), what).toBe(before);
        if (answer.status === 500)
          expect((await swarm.settled(made.body.Id)).body, what).toMatchObject({ Status: 1, Env: null });
        expect((await swarm.service(name)).Spec, what).toEqual(spec);
      }
      expect((await swarm.remove(made.body.Id)).status).toBe(204);
    });
  });
}

/** An update whose tasks are watched for a short time only. */
const watched =
  "      update_config: { monitor: 1s, failure_action: rollback }\n      restart_policy: { delay: 200ms }\n";

export function failingUpdateContract(on: ContractSession, swarm: SwarmCalls, port: () => number): void {
  describe("updates that fail", () => {
    const name = `contract${on.mark}f`;
    const missing = `127.0.0.1:1/missing:${on.mark}`;
    const started = async (stack: string, text: string, count = 1): Promise<number> => {
      const made = await swarm.create(stack, text);
      expect(await swarm.failure(made)).toBeUndefined();
      expect(await swarm.running(stack, count)).toHaveLength(count);
      return made.body.Id;
    };

    test("a creation whose image nobody has is 200, and its tasks are rejected", async () => {
      const made = await swarm.create(`${name}n`, fileOf(missing));
      expect(made.status).toBe(200);
      expect(await swarm.failure(made)).toBeUndefined();
      const rejected = (all: readonly Task[]) => all.some(({ Status }) => Status.State === "rejected");
      const tasks = await eventually(() => swarm.tasks(`${name}n`), rejected);
      expect(tasks.find(({ Status }) => Status.State === "rejected")?.Status.Err).toMatch(/No such image/);
      await swarm.remove(made.body.Id);
    });

    test("an image that nobody has is rolled back by the Swarm; Portainer keeps the new file", async () => {
      const id = await started(`${name}a`, fileOf(on.server.image, "", watched));
      const bad = fileOf(missing, "", watched);
      const answer = await swarm.put(id, bad, { Env: [{ name: "A", value: "1" }] });
      expect(await swarm.failure(answer)).toBeUndefined();
      const { Spec } = await swarm.updated(`${name}a`, "rollback_completed");
      expect(imageOf(Spec.TaskTemplate)).toBe(on.server.image);
      expect(await swarm.file(id)).toBe(bad);
      expect((await swarm.settled(id)).body).toMatchObject({ Status: 1, Env: [{ name: "A", value: "1" }] });
      expect((await swarm.remove(id)).status).toBe(204);
    });

    test("without a way back the update is paused: a replica is missing, the others are the old ones", async () => {
      const deploy = "      replicas: 2\n      update_config: { monitor: 1s }\n";
      const id = await started(`${name}b`, fileOf(on.server.image, "", deploy), 2);
      expect(await swarm.failure(await swarm.put(id, fileOf(missing, "", deploy)))).toBeUndefined();
      const { Spec } = await swarm.updated(`${name}b`, "paused");
      expect(Spec.TaskTemplate.ContainerSpec.Image).toBe(missing);
      const running = await eventually(
        async () => (await swarm.tasks(`${name}b`)).filter(({ Status }) => Status.State === "running"),
        (all) => all.length === 1,
      );
      expect(running.map((task) => imageOf(task.Spec))).toEqual([on.server.image]);
      expect((await swarm.remove(id)).status).toBe(204);
    });

    test("a port of the node that is taken leaves the task pending, and the update goes on for ever", async () => {
      const ports = () => `    ports:\n      - { target: 80, published: ${port()}, mode: host }\n`;
      const global = "      mode: global\n      update_config: { monitor: 1s, failure_action: rollback }\n";
      const { body: nodes } = await swarm.docker("GET", "/nodes");
      const owner = await started(`${name}o`, fileOf(on.server.image, ports(), global), nodes.length);
      const id = await started(`${name}c`, fileOf(on.server.image, "", watched));
      expect(
        await swarm.failure(await swarm.put(id, fileOf(on.server.image, ports(), watched))),
      ).toBeUndefined();
      const pending = (all: readonly Task[]) =>
        all.some(({ Status }) => Status.State === "pending" && Status.Err !== undefined);
      const tasks = await eventually(
        () => swarm.tasks(`${name}c`, { "desired-state": ["running"] }),
        pending,
      );
      expect(tasks.find(({ Status }) => Status.State === "pending")?.Status.Err).toMatch(
        /host-mode port already in use on \d+ nodes?/,
      );
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      expect((await swarm.service(`${name}c`)).UpdateStatus?.State).toBe("updating");
      // The previous file goes back, and then runs.
      expect(await swarm.failure(await swarm.put(id, fileOf(on.server.image, "", watched)))).toBeUndefined();
      expect(await swarm.running(`${name}c`, 1)).toHaveLength(1);
      for (const each of [id, owner]) expect((await swarm.remove(each)).status).toBe(204);
    });
  });
}
