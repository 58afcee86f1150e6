/** Updates of a Swarm's stack on real engines: one that rolls while somebody asks, and each that fails and is put back. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { WholeSite } from "../whole-site.ts";
import { answersOf } from "./client.ts";
import { say } from "./machines.ts";
import { converge, phoenix, planned } from "./phoenix.ts";
import { docker } from "./portainer-containers.ts";
import { asking, type Steady } from "./steady-client.ts";
import { type SwarmHands, settledTasks, swarmHands } from "./swarm-hands.ts";

/** The stack that is changed: two replicas, a port of the node that answers, a route. */
export interface UpdatedStack {
  readonly stack: string;
  readonly service: string;
  readonly image: string;
  readonly port: number;
  readonly name: string;
}

/** A service that somebody has made by hand, with a port of every node. */
const neighbour = { service: "neighbour", port: 9555 } as const;

/**
 * What the stack's file allows, there and back: for each of its two nodes the stop grace (Docker's 10 s), update_config's monitor (5 s)
 * and delay (10 s).
 */
const failureMs = 2 * 2 * (10_000 + 5_000 + 10_000);

/** How often each update is tried. */
const attempts = Array.from({ length: Number(process.env.PHOENIX_TESTBED_TRIES ?? 1) }, (_, at) => at + 1);

/** @param site answers the site once it has converged */
export function swarmUpdates(
  site: () => WholeSite,
  { stack, service, image, port, name }: UpdatedStack,
): void {
  describe("updates of a Swarm's stack", () => {
    const file = `stacks/${stack}/docker-compose.yml`;
    const next = `${image}-next`;
    const old = [`running ${image}`, `running ${image}`];
    let hands: SwarmHands;

    beforeAll(async () => {
      hands = swarmHands(site());
      for (const machine of hands.members) await docker(machine, "tag", image, next);
      const published = `--publish=mode=host,target=8080,published=${neighbour.port}`;
      const fixed = ["--detach", "--quiet", "--mode=global", "--endpoint-mode=dnsrr", published];
      await hands.manage("service", "create", ...fixed, `--name=${neighbour.service}`, image);
    });
    afterEach(() => hands.restore());
    afterAll(async () => {
      await hands.manage("service", "rm", neighbour.service);
    });

    const rolled = async (why: string): Promise<Steady> => {
      const { seen } = await asking(name, () => converge(why));
      say(
        `  ${seen.lost.length} of ${seen.sent} requests were lost${seen.lost
          .slice(0, 3)
          .map((each) => `; ${each}`)
          .join("")}`,
      );
      return seen;
    };
    const rolling: readonly (readonly [how: string, change: (text: string) => string])[] = [
      ["as the example has it", (text) => text],
      ["without a pause", (text) => text.replace("delay: 10s", "delay: 0s")],
    ];
    for (const [how, change] of rolling)
      test.each(attempts)(
        `a changed image rolls over both replicas ${how}, and a steady client loses nothing (%i)`,
        async () => {
          await hands.edit(file, (text) => change(text).replace(image, next));
          const there = await rolled("a stack of the Swarm has a new image");
          expect(await settledTasks(hands, service, [`running ${next}`, `running ${next}`])).toHaveLength(2);
          await hands.restore();
          const back = await rolled("back to the image before");
          expect(await settledTasks(hands, service, old)).toEqual(old);
          expect([...there.lost, ...back.lost], `of ${there.sent + back.sent} requests`).toEqual([]);
          expect(Math.min(there.sent, back.sent)).toBeGreaterThan(100);
        },
        600_000,
      );

    const failing: readonly (readonly [what: string, change: (text: string) => string])[] = [
      ["an image that nobody has", (text) => text.replace(image, `${image}-missing`)],
      [
        "an image that nobody has, where Swarm pauses",
        (text) =>
          text
            .replace(image, `${image}-missing`)
            .replace("failure_action: rollback", "failure_action: pause"),
      ],
      [
        "a port of the node that another service has",
        (text) => text.replace(`published: ${port}`, `published: ${neighbour.port}`),
      ],
    ];
    for (const [what, change] of failing)
      for (const attempt of attempts)
        test(`${what} is put back: the version before runs, and Portainer has its file (${attempt})`, async () => {
          const before = await hands.storedFile(stack);
          await hands.edit(file, change);
          const started = Date.now();
          const { result, seen } = await asking(name, () => phoenix(what, "sync", "stacks"));
          const tookMs = Date.now() - started;
          expect(result.exitCode, result.stdout + result.stderr).toBe(7);
          expect(tookMs).toBeLessThan(failureMs);
          expect(await hands.storedFile(stack)).toBe(before);
          expect(await settledTasks(hands, service, old)).toEqual(old);
          expect(seen.sent).toBeGreaterThan(0);
          // A task that waited for the port would have it as soon as its owner starts anew.
          await hands.manage("service", "update", "--force", "--detach=false", "--quiet", neighbour.service);
          expect((await hands.tasks(neighbour.service)).every((task) => task.startsWith("running"))).toBe(
            true,
          );
          expect(await settledTasks(hands, service, old)).toEqual(old);
          await hands.restore();
          expect(await planned(`${what} is no longer declared`)).toEqual([]);
          expect((await answersOf([name])).map(({ status }) => status)).toEqual([200]);
        }, 600_000);
  });
}
