/** The lab's Swarms: what members see, how services roll, what becomes of tasks. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { seatOf } from "../../lab/docker/swarm/cluster.ts";
import { carries } from "../../lab/docker/swarm/overlay.ts";
import { joining, type MachineName, type SwarmLab, swarmLab, threeMembers } from "./swarm.ts";

let lab: SwarmLab;

beforeEach(async () => {
  lab = await threeMembers();
});

afterEach(() => lab.context.close());

const web = (image: string, more: object = {}) => ({
  Name: "s_web",
  Labels: { "com.docker.stack.namespace": "s" },
  TaskTemplate: { ContainerSpec: { Image: image } },
  Mode: { Replicated: { Replicas: 2 } },
  ...more,
});

async function create(spec: object): Promise<void> {
  expect(await lab.ask("one", "POST /services/create", spec)).toMatchObject({ status: 201 });
  lab.context.advance(1_000);
}

async function update(spec: { readonly Name: string }): Promise<number> {
  const { body } = await lab.ask("one", `GET /services/${spec.Name}`);
  const { ID, Version } = body;
  return (await lab.ask("one", `POST /services/${ID}/update?version=${Version.Index}`, spec)).status;
}

interface Task {
  readonly Slot?: number;
  readonly NodeID: string;
  readonly Spec: { readonly ContainerSpec: { readonly Image: string } };
  readonly DesiredState: string;
  readonly Status: { readonly State: string; readonly Err?: string };
}

/** "1 notes:1 running running", for tasks that are meant to run. */
async function tasks(service = "s_web"): Promise<readonly string[]> {
  const filters = encodeURIComponent(JSON.stringify({ service: [service], "desired-state": ["running"] }));
  const { body } = await lab.ask("one", `GET /tasks?filters=${filters}`);
  return body
    .map((task: Task) => {
      const { image, error } = { image: task.Spec.ContainerSpec.Image, error: task.Status.Err ?? "" };
      return `${task.Slot ?? task.NodeID} ${image} ${task.DesiredState} ${task.Status.State} ${error}`.trim();
    })
    .sort();
}

async function updateStatus(): Promise<unknown> {
  const { body } = await lab.ask("one", "GET /services/s_web");
  return body.UpdateStatus?.State;
}

test("a service's tasks run on the members, and their containers are in each engine", async () => {
  await create(web("notes:1"));
  expect(await tasks()).toEqual(["1 notes:1 running running", "2 notes:1 running running"]);
  const names = (["one", "two", "three"] as const).flatMap((machine) =>
    lab
      .docker(machine)
      .state.containers.map(({ name, state }) => [machine, name.replace(/\.\w+$/, ""), state]),
  );
  expect(names).toEqual([
    ["one", "s_web.1", "running"],
    ["two", "s_web.2", "running"],
  ]);
});

test("an update rolls slot after slot, and is completed when the last one was watched", async () => {
  await create(web("notes:1"));
  expect(await update(web("notes:2"))).toBe(200);
  expect(await updateStatus()).toBe("updating");
  lab.context.advance(3_000);
  expect([await updateStatus(), await tasks()]).toEqual([
    "updating",
    ["1 notes:2 running running", "2 notes:2 running running"],
  ]);
  lab.context.advance(5_000);
  expect(await updateStatus()).toBe("completed");
});

test("an image that is missing pauses an update: one replica out of service, the rest old", async () => {
  await create(web("notes:1"));
  await update(web("missing:1"));
  lab.context.advance(1_000);
  expect(await updateStatus()).toBe("paused");
  expect(await tasks()).toEqual([
    expect.stringMatching(/^1 missing:1 ready rejected No such image: missing:1$/),
    "2 notes:1 running running",
  ]);
});

test("with failure_action rollback the old spec runs again", async () => {
  await create(web("notes:1"));
  await update(web("missing:1", { UpdateConfig: { Parallelism: 1, FailureAction: "rollback" } }));
  lab.context.advance(1_000);
  expect(await updateStatus()).toBe("rollback_started");
  lab.context.advance(6_000);
  expect(await updateStatus()).toBe("rollback_completed");
  expect(await tasks()).toEqual(["1 notes:1 running running", "2 notes:1 running running"]);
});

test("a host port that is taken leaves tasks pending, however long one waits", async () => {
  const ports = (service: string, image: string) => ({
    Name: service,
    TaskTemplate: { ContainerSpec: { Image: image }, Placement: { Constraints: ["node.hostname==one"] } },
    EndpointSpec: { Mode: "dnsrr", Ports: [{ TargetPort: 80, PublishedPort: 8080, PublishMode: "host" }] },
  });
  await create(ports("a", "notes:1"));
  await create(ports("b", "notes:1"));
  lab.context.advance(60_000);
  expect(await tasks("b")).toEqual([
    "1 notes:1 running pending no suitable node (scheduling constraints not satisfied on 2 nodes; host-mode port already in use on 1 node)",
  ]);
});

test("faults: an image that is missing, a process that ends, a port that is taken, an overlay that carries nothing", async () => {
  const pinned = (Name: string, more: object = {}) => ({
    Name,
    TaskTemplate: { ContainerSpec: { Image: "notes:1" }, Placement: { Constraints: ["node.hostname==two"] } },
    ...more,
  });
  lab.context.breaks("image-missing", "vm/1002");
  await create(pinned("a"));
  expect(await tasks("a")).toEqual(["1 notes:1 ready rejected No such image: notes:1"]);
  lab.context.mend();
  lab.context.breaks("task-crash", "vm/1002");
  await create(pinned("b"));
  const { body } = await lab.ask("one", "GET /tasks");
  expect(body.map(({ Status }: Task) => Status.Err)).toContain("task: non-zero exit (1)");
  lab.context.mend();
  lab.context.breaks("port-taken", "vm/1002");
  const ports = [{ TargetPort: 80, PublishedPort: 8080, PublishMode: "host" }];
  await create(pinned("c", { EndpointSpec: { Mode: "dnsrr", Ports: ports } }));
  expect((await tasks("c"))[0]).toContain("host-mode port already in use on 1 node");
  lab.context.mend();
  lab.context.advance(10_000);
  expect(await tasks("c")).toEqual(["1 notes:1 running running"]);
  const seat = seatOf(lab.context, "vm/1001");
  const [one, two] = seat?.swarm.nodes ?? [];
  if (one === undefined || two === undefined) throw new Error("no members");
  expect(await carries(lab.context, one, two)).toBe(true);
  lab.context.breaks("overlay-closed", "vm/1002");
  expect([await carries(lab.context, one, two), await stateOf("two")]).toEqual([false, "ready"]);
});

test("a drained node loses its tasks, and a manager that is drained goes on managing", async () => {
  await create(web("notes:1"));
  const { body: node } = await lab.ask("one", "GET /nodes/two");
  const call = `POST /nodes/${node.ID}/update?version=${node.Version.Index}`;
  const drained = { ...node.Spec, Availability: "drain" };
  expect(await lab.ask("one", call, drained)).toMatchObject({ status: 200 });
  expect(await lab.ask("one", call, drained)).toMatchObject({
    status: 500,
    body: { message: "rpc error: code = Unknown desc = update out of sequence" },
  });
  lab.context.advance(2_000);
  expect(await tasks()).toEqual(["1 notes:1 running running", "2 notes:1 running running"]);
  expect(runningOn("two")).toEqual([]);
});

test("a node that is silent is down after a while, and its tasks run elsewhere", async () => {
  await create(web("notes:1"));
  lab.context.breaks("guest-down", "vm/1002");
  expect(await stateOf("two")).toBe("ready");
  lab.context.advance(15_000);
  expect(await stateOf("two")).toBe("down");
  lab.context.advance(2_000);
  expect(await tasks()).toEqual(["1 notes:1 running running", "2 notes:1 running running"]);
  lab.context.mend();
  expect(await stateOf("two")).toBe("ready");
  expect(runningOn("two")).toEqual([]);
});

test("without a majority of managers the Swarm has no leader, and its tasks run on", async () => {
  const { body } = await lab.ask("one", "GET /swarm");
  await lab.ask("two", "POST /swarm/leave");
  await lab.ask("two", "POST /swarm/join", joining(body.JoinTokens.Manager, "10.9.0.102"));
  await create(web("notes:1"));
  expect(await tasks()).toHaveLength(2);
  lab.context.breaks("guest-down", "vm/1002");
  lab.context.advance(60_000);
  const refused = await lab.ask("one", "GET /services");
  expect(refused).toMatchObject({
    status: 500,
    body: { message: expect.stringContaining("does not have a leader") },
  });
  expect(runningOn("one")).not.toEqual([]);
});

test("a machine that is in no Swarm, and a token that opens nothing, are told so", async () => {
  const fresh = swarmLab();
  expect(await fresh.ask("one", "GET /nodes")).toMatchObject({
    status: 503,
    body: { message: expect.stringMatching(/^This node is not a swarm manager\. Use "docker swarm init"/) },
  });
  expect(await lab.ask("two", "GET /nodes")).toMatchObject({
    status: 503,
    body: { message: expect.stringContaining("Worker nodes can't be used to view or modify cluster state") },
  });
  await fresh.context.close();
});

function runningOn(machine: MachineName): readonly string[] {
  return lab
    .docker(machine)
    .state.containers.filter(({ state }) => state === "running")
    .map(({ name }) => name);
}

async function stateOf(machine: MachineName): Promise<unknown> {
  const { body } = await lab.ask("one", `GET /nodes/${machine}`);
  return body.Status.State;
}
