/** How long a deployment of a Swarm's stack is watched: new ones until they run, changed ones until they are proved, neither twice. */
import { expect, test } from "vitest";
import type { SwarmService, SwarmTask } from "../../src/apis/portainer/swarm.ts";
import type { Io } from "../../src/component.ts";
import { settled } from "../../src/components/stacks/swarm/watch.ts";
import { TransportError } from "../../src/errors.ts";
import { swarmServices } from "../../src/formats/compose/swarm/services.ts";
import type { SwarmNode } from "../../src/swarm-node.ts";

const settleMs = 3_000;
const [spec] = swarmServices("services:\n  web:\n    image: nginx:1.27\n", new Map(), "notes") ?? [];
const watched = {
  environmentId: 1,
  project: "notes",
  name: "notes",
  services: [spec!],
  known: new Set<string>(),
};

const service: SwarmService = {
  id: "s",
  name: "notes_web",
  labels: {},
  image: "nginx:1.27",
  env: [],
  replicas: 1,
  ports: [],
  configs: [],
  secrets: [],
  template: "{}",
  container: {
    ...{ command: [], args: [], user: "", targets: [], constraints: [], nanoCpus: 0, memoryBytes: 0 },
  },
};
const node: SwarmNode = {
  ...{ id: "n", name: "one", role: "manager", availability: "active", state: "ready" },
  ...{ address: "10.0.0.2", os: "linux", labels: {}, reachability: "reachable", isLeader: true },
};

/** A Swarm whose one task runs since `startedMs`, and ends with an error at `endMs`. */
function swarm(endMs = Number.POSITIVE_INFINITY): { readonly io: Io; readonly now: () => number } {
  let now = 0;
  const task = (): SwarmTask => ({
    ...{ id: "t", serviceId: "s", nodeId: "n", slot: 1, desired: now < endMs ? "running" : "shutdown" },
    ...{ state: now < endMs ? "running" : "failed", error: now < endMs ? "" : "task: non-zero exit (1)" },
    ...{ createdMs: 0, sinceMs: 0, template: "{}" },
  });
  const portainer = {
    services: async () => [service],
    tasks: async () => [task()],
    nodes: async () => [node],
  };
  const clock = {
    now: () => now,
    sleep: async (ms: number) => {
      now += ms;
    },
  };
  const io = { apis: { portainer }, clock, site: { portainer: { settleMs } }, waiting: () => undefined };
  return { io: io as unknown as Io, now: () => now };
}

test("a new stack is left to the common proof as soon as its tasks run, which then waits once", async () => {
  const { io, now } = swarm();
  expect((await settled(io, watched, "started")).get("web")?.kind).toBe("fine");
  expect(now()).toBe(0);
  expect((await settled(io, watched)).get("web")?.kind).toBe("fine");
  expect(now()).toBeGreaterThanOrEqual(settleMs);
  const proved = now();
  expect((await settled(io, watched)).get("web")?.kind).toBe("fine");
  expect(now()).toBe(proved);
});

test("a task that ends before it is proved is found, although it ran when it was looked at first", async () => {
  const { io } = swarm(1_000);
  await settled(io, watched, "started");
  expect((await settled(io, watched)).get("web")).toMatchObject({
    kind: "broken",
    reason: "task 1 is failed: task: non-zero exit (1)",
  });
});

test("one answer that is lost does not end the watch", async () => {
  const { io } = swarm();
  const { portainer } = io.apis;
  let asked = 0;
  const nodes = async () => {
    asked += 1;
    if (asked === 1) throw new TransportError("portainer", "no answer within 10 s");
    return [node];
  };
  const apis = { ...io.apis, portainer: { ...portainer, nodes } };
  expect((await settled({ ...io, apis } as Io, watched)).get("web")?.kind).toBe("fine");
});
