/** The stacks component against the lab's Portainer: what it brings about, finds, repairs, and leaves alone. */
import { beforeAll, describe, expect, test } from "vitest";
import { breakLab } from "../../lab/faults.ts";
import { stacks } from "../../src/components/stacks/index.ts";
import { exitCodeOfPlan } from "../../src/engine/outcome.ts";
import type { RunResult } from "../../src/engine/plan.ts";
import { changeLines } from "../../src/render/text-changes.ts";
import { plainView } from "../../src/render/view.ts";
import { Secret } from "../../src/secret.ts";
import { planLab, type SessionOptions, syncLab, verifyLab } from "./session.ts";
import { labSite } from "./site.ts";
import { jobs, type StacksLab, stack, stacksLab, web, webFile, withStacks } from "./stacks-site.ts";

const only = (result: RunResult) => result.components[0]!;
const failed = (result: RunResult) => only(result).checks.filter(({ status }) => status === "fail");
/** Sees nothing of other people's beforehand. */
const unaware = { ...stacks, hazards: async () => [] };
const share = "/quickOS/vm-persistent-data/1002/stacks/web";

describe("a site's stacks", () => {
  let lab: StacksLab;
  const site = withStacks(web, jobs);
  const sync = (wanted = site, options: SessionOptions = {}) =>
    syncLab(lab.directory, wanted, [stacks], options);
  const webStack = async () => (await lab.api.stacks()).find(({ name }) => name === "web")!;

  beforeAll(async () => {
    lab = await stacksLab();
  });

  test("are deployed with their files, volumes, variables and labels", async () => {
    const result = await sync();
    expect(only(result)).toMatchObject({ outcome: "changed" });
    expect(failed(result)).toEqual([]);
    expect(only(result).checks.map(({ claim }) => claim)).toEqual([
      "web of web runs on drphoenix",
      "10.0.0.102:8081 answers for web of web",
      "queue of jobs runs on drphoenix",
    ]);
    expect(await lab.running()).toEqual(["jobs-queue-1", "web-web-1"]);
    const { env, id } = await webStack();
    expect(env).toEqual([
      { name: "TAG", value: "1.28" },
      { name: "DB_PASSWORD", value: "'correct $horse #1'" },
      { name: "PHOENIX_STACK", value: "web" },
    ]);
    const text = await lab.api.stackFile(id);
    expect(text).toContain("# The web server.");
    expect(text).toContain("/persistent-storage/stacks/web/site:/usr/share/nginx/html");
    expect(text).toContain('traefik.enable: "true"');
    const [volume] = (await lab.api.volumes(lab.environmentId)).filter(({ name }) => name === "web_data");
    expect(volume?.options).toEqual({
      type: "nfs",
      o: "addr=10.0.0.13,rw,nfsvers=4",
      device: ":/quickOS/vm-persistent-data/1002/volumes/web_data",
    });
    const files = await lab.world
      .host("pve")
      .readFiles([`${share}/docker-compose.yml`, `${share}/conf/app.ini`]);
    expect(files.get(`${share}/docker-compose.yml`)).toMatchObject({ text, mode: "600" });
    expect(files.get(`${share}/conf/app.ini`)?.text).toBe("secret = of the file\n");
  });

  test("stay as they are when nothing changed", async () => {
    const before = await lab.docker("ps", "-aq", "--no-trunc");
    for (let run = 0; run < 2; run += 1) {
      const result = await sync();
      expect(only(result)).toMatchObject({ outcome: "unchanged", changes: [], activations: [] });
      expect(failed(result)).toEqual([]);
    }
    expect(await lab.docker("ps", "-aq", "--no-trunc")).toBe(before);
  });

  test("a file that changed reaches the containers that mount it, and only those", async () => {
    await sync();
    const ids = async () =>
      Promise.all(
        ["web", "jobs"].map(async (project) =>
          (await lab.api.containers(lab.environmentId, project)).map(({ id }) => id),
        ),
      );
    const [webBefore, jobsBefore] = await ids();
    const files = web.files.map((file) => ({ ...file, content: new Secret("secret = of another file\n") }));
    const changed = withStacks({ ...web, files }, jobs);
    expect(only(await sync(changed))).toMatchObject({ outcome: "changed", changes: [{ verb: "update" }] });
    const [webAfter, jobsAfter] = await ids();
    expect(webAfter).toHaveLength(1);
    expect(webAfter).not.toEqual(webBefore);
    expect(jobsAfter).toEqual(jobsBefore);
    expect(only(await sync(changed))).toMatchObject({ outcome: "unchanged", changes: [] });
    expect((await ids())[0]).toEqual(webAfter);
    await sync();
  });

  test("never show a secret in a plan", async () => {
    const changed = withStacks({
      ...web,
      variables: web.variables.map((variable) =>
        variable.sensitive ? { ...variable, value: new Secret("another battery staple") } : variable,
      ),
    });
    const plan = JSON.stringify(await planLab(lab.directory, changed, [stacks]));
    expect(plan).not.toContain("battery staple");
    expect(plan).not.toContain("correct $horse");
    expect(plan).not.toContain("of the file");
    expect(plan).toContain("variable DB_PASSWORD");
  });

  test("of a service that was stopped, a plan says so", async () => {
    await lab.docker("stop", "web-web-1");
    const [change] = (await planLab(lab.directory, site, [stacks])).components[0]!.changes;
    expect(changeLines(change!, plainView).join("\n")).toMatch(
      /service web\s+exited: Exited \(0\) .* -> running nginx:1\.28/,
    );
    await sync();
  });

  test.each<[string, () => Promise<unknown>]>([
    ["a container that was stopped", () => lab.docker("stop", "web-web-1")],
    ["a container that is gone", () => lab.docker("rm", "-f", "web-web-1")],
    ["a file on the share", () => lab.world.host("pve").remove([`${share}/conf/app.ini`])],
    [
      "a variable that somebody changed",
      async () => {
        const { id, env } = await webStack();
        await lab.api.updateStack(id, lab.environmentId, {
          name: "web",
          file: await lab.api.stackFile(id),
          env: env.map((each) => (each.name === "TAG" ? { ...each, value: "1.26" } : each)),
        });
      },
    ],
    [
      "a compose file that somebody changed",
      async () => {
        const { id, env } = await webStack();
        const file = (await lab.api.stackFile(id)).replace("8081", "8082");
        await lab.api.updateStack(id, lab.environmentId, { name: "web", file, env });
      },
    ],
    [
      "a service that is declared no more",
      async () => {
        const { id, env } = await webStack();
        const file = (await lab.api.stackFile(id)).replace(
          "volumes:\n  data",
          "  old:\n    image: nginx\nvolumes:\n  data",
        );
        await lab.api.updateStack(id, lab.environmentId, { name: "web", file, env });
        expect(await lab.running()).toContain("web-old-1");
      },
    ],
  ])("%s is found and put right", async (_, drift) => {
    await drift();
    const planned = await planLab(lab.directory, site, [stacks]);
    expect(planned.components[0]!.changes).toMatchObject([{ verb: "update", desired: { id: "stacks/web" } }]);
    const result = await sync();
    expect(only(result).outcome).toBe("changed");
    expect(failed(result)).toEqual([]);
    expect(await lab.running()).toEqual(["jobs-queue-1", "web-web-1"]);
    expect(only(await sync()).outcome).toBe("unchanged");
  });

  test("leave other people's stacks and containers alone", async () => {
    await lab.docker("run", "-d", "--name", "own", "nginx");
    await lab.api.createStack(lab.environmentId, {
      name: "theirs",
      file: "services:\n  a:\n    image: nginx\n",
      env: [],
    });
    const result = await sync(site, { allow: ["prune"] });
    expect(only(result)).toMatchObject({ outcome: "unchanged", orphans: [] });
    expect(await lab.running()).toEqual(["jobs-queue-1", "own", "theirs-a-1", "web-web-1"]);
  });

  test("that are declared no more are orphans, and go only with consent", async () => {
    const less = withStacks(web);
    const kept = await sync(less);
    expect(only(kept)).toMatchObject({ outcome: "unchanged", orphans: ["stacks/jobs"] });
    const pruned = await sync(less, { allow: ["prune"] });
    expect(only(pruned)).toMatchObject({ outcome: "changed", orphans: [] });
    expect(await lab.running()).toEqual(["own", "theirs-a-1", "web-web-1"]);
    await sync();
    expect(await lab.running()).toEqual(["jobs-queue-1", "own", "theirs-a-1", "web-web-1"]);
  });

  describe("when a new version cannot run", () => {
    const changed = (from: string | RegExp, to: string) =>
      withStacks({ ...web, compose: { ...web.compose, text: webFile.replace(from, to) } }, jobs);
    const unharmed = async () => {
      const result = await sync();
      expect(only(result)).toMatchObject({ outcome: "unchanged" });
      expect(failed(result)).toEqual([]);
    };

    test("an image that cannot be had: nothing is touched", async () => {
      const before = await lab.docker("ps", "-q", "--no-trunc");
      const result = await sync(changed("nginx:", "registry.invalid/missing:"));
      expect(only(result)).toMatchObject({ outcome: "failed", changes: [] });
      expect(only(result).reason).toContain("image registry.invalid/missing:1.28 cannot be pulled");
      expect(only(result).hint).toContain("tag");
      expect(await lab.docker("ps", "-q", "--no-trunc")).toBe(before);
      await unharmed();
    });

    test("a port that is taken after the plan: nothing is touched", async () => {
      await lab.docker("run", "-d", "--name", "squatter", "-p", "8090:80", "nginx");
      const before = await lab.docker("ps", "-q", "--no-trunc");
      const result = await syncLab(lab.directory, changed("8081:80", "8090:80"), [unaware]);
      expect(only(result).reason).toContain("port 8090 of drphoenix");
      expect(only(result).reason).toContain('container "squatter" (image nginx)');
      expect(await lab.docker("ps", "-q", "--no-trunc")).toBe(before);
      await lab.docker("rm", "-f", "squatter");
      await unharmed();
    });

    test("a variable without a value: nothing is touched", async () => {
      const result = await sync(changed("${TAG:-1.27}", "${NOWHERE}"));
      expect(only(result).reason).toContain("variable NOWHERE has no value");
      await unharmed();
    });

    test("a container that ends at once: the previous version runs again", async () => {
      const result = await sync(changed("nginx:", "example/exits:"));
      expect(only(result)).toMatchObject({ outcome: "rolled-back", changes: [] });
      expect(only(result).reason).toMatch(
        /web of web runs on drphoenix: ends again and again \(5 restarts so far\).*the process ends at once/,
      );
      expect(only(result).hint).toContain("docker logs");
      expect(await lab.running()).toContain("web-web-1");
      await unharmed();
    });

    test("an update that Portainer refuses, and tears the stack down for: the previous version runs again", async () => {
      const before = await lab.docker("ps", "-q", "--no-trunc");
      // The container of this name came after the plan.
      const named = changed("restart: always", "restart: always\n    container_name: own");
      const result = await syncLab(lab.directory, named, [unaware]);
      expect(only(result)).toMatchObject({ outcome: "rolled-back", changes: [] });
      expect(only(result).reason).toContain("update stack web");
      expect(await lab.running()).toContain("web-web-1");
      expect(await lab.docker("ps", "-q", "--no-trunc")).not.toBe(before);
      await unharmed();
    });
  });

  test("verify changes nothing and names what is down", async () => {
    await lab.docker("stop", "jobs-queue-1");
    const result = await verifyLab(lab.directory, site, [stacks]);
    expect(failed(result)).toMatchObject([
      { resource: "stacks/jobs", claim: "queue of jobs runs on drphoenix" },
    ]);
    expect(failed(result)[0]?.observed).toContain("exited");
    await sync();
  });

  test("on a machine whose agent is down are left alone, and the run says so", async () => {
    await lab.docker("stop", "agent");
    // What keeps the stacks from being seen is another component's to mend: a plan waits for it.
    const planned = await planLab(lab.directory, site, [stacks]);
    expect(planned.components[0]).toMatchObject({ changes: [], orphans: [] });
    expect(planned.components[0]!.unreadResources.map(({ kind }) => kind)).toEqual([
      "not-ready",
      "not-ready",
    ]);
    expect(exitCodeOfPlan(planned)).toBe(2);
    const result = await sync();
    expect(only(result)).toMatchObject({ outcome: "failed", changes: [] });
    expect(only(result).hint).toContain("cannot reach the agent");
    expect(failed(result).every(({ external }) => external === true)).toBe(true);
    await lab.docker("start", "agent");
    expect(only(await sync()).outcome).toBe("unchanged");
  });

  test("a Portainer that answers 500 ends in a named outcome", async () => {
    breakLab(lab.directory, "error-500", "portainer");
    const result = await sync();
    expect(only(result).outcome).toBe("failed");
    expect(only(result).reason).toContain("Portainer");
  });
});

describe("first deployments", () => {
  test("a new stack that does not come up is taken away again, its volume stays", async () => {
    const lab = await stacksLab();
    const bad = withStacks({
      ...web,
      compose: { ...web.compose, text: webFile.replace("nginx:", "exits:") },
    });
    const result = await syncLab(lab.directory, bad, [stacks]);
    expect(only(result)).toMatchObject({ outcome: "rolled-back" });
    expect(await lab.api.stacks()).toEqual([]);
    expect(await lab.running()).toEqual([]);
    const volumes = await lab.api.volumes(lab.environmentId);
    expect(volumes.map(({ name }) => name)).toContain("web_data");
    expect(only(await syncLab(lab.directory, withStacks(web), [stacks])).outcome).toBe("changed");
  });

  test("a volume that leads elsewhere is kept, and noted", async () => {
    const lab = await stacksLab();
    await lab.docker("volume", "create", "web_data");
    const result = await syncLab(lab.directory, withStacks(web), [stacks]);
    expect(only(result).outcome).toBe("changed");
    const again = await syncLab(lab.directory, withStacks(web), [stacks]);
    expect(only(again).outcome).toBe("unchanged");
    expect(only(again).notes.join()).toContain("volume web_data on drphoenix leads to");
  });

  test("containers of the project that run without Portainer are taken over with consent, and stay the same", async () => {
    const lab = await stacksLab();
    const text = "services:\n  queue:\n    image: redis:7\n    restart: always\n";
    await lab.world.host("vm/1002").writeFiles([{ path: "/srv/docker-compose.yml", text }]);
    await lab.docker("compose", "-f", "/srv/docker-compose.yml", "-p", "jobs", "up", "-d");
    const before = await lab.docker("ps", "-q", "--no-trunc");
    await expect(syncLab(lab.directory, withStacks(jobs), [stacks])).rejects.toMatchObject({ exitCode: 5 });
    const result = await syncLab(lab.directory, withStacks(jobs), [stacks], { allow: ["adopt"] });
    expect(only(result).outcome).toBe("changed");
    expect(await lab.docker("ps", "-q", "--no-trunc")).toBe(before);
  });

  test("a stack that somebody made in Portainer with the same definition is unchanged, and never pruned", async () => {
    const lab = await stacksLab();
    const site = withStacks(stack("same", "services:\n  a:\n    image: nginx\n"));
    const made = stacks.compile(site)[0]!;
    const { compose } = JSON.parse(made.text) as { compose: string };
    await lab.world.host("pve").writeFiles([
      {
        path: "/quickOS/vm-persistent-data/1002/stacks/same/docker-compose.yml",
        text: compose,
        mode: "600",
      },
    ]);
    await lab.api.createStack(lab.environmentId, { name: "same", file: compose, env: [] });
    expect(only(await syncLab(lab.directory, site, [stacks])).outcome).toBe("unchanged");
    const without = await syncLab(lab.directory, withStacks(), [stacks], { allow: ["prune"] });
    expect(only(without)).toMatchObject({ outcome: "unchanged", orphans: [] });
    expect(await lab.running()).toEqual(["same-a-1"]);
  });

  test("works with a Portainer that deploys behind its answer", async () => {
    const lab = await stacksLab("2.45.0");
    const result = await syncLab(lab.directory, withStacks(web, jobs), [stacks]);
    expect(only(result).outcome).toBe("changed");
    expect(failed(result)).toEqual([]);
    const bad = withStacks(
      { ...web, compose: { ...web.compose, text: webFile.replace("nginx:", "exits:") } },
      jobs,
    );
    expect(only(await syncLab(lab.directory, bad, [stacks])).outcome).toBe("rolled-back");
    expect(only(await syncLab(lab.directory, withStacks(web, jobs), [stacks])).outcome).toBe("unchanged");
  });

  test("wait for Portainer and its environments", async () => {
    const { newLab } = await import("./open.ts");
    const directory = await newLab();
    const plan = await planLab(directory, withStacks(jobs), [stacks]);
    expect(plan.components[0]!.unread).toMatchObject({
      kind: "not-ready",
      hint: expect.stringContaining("phoenix sync portainer"),
    });
    const lab = await stacksLab();
    const elsewhere = withStacks({ ...jobs, portainerEnvironment: "nowhere" });
    const other = await planLab(lab.directory, elsewhere, [stacks]);
    expect(other.components[0]!.unread).toMatchObject({ kind: "not-ready" });
    expect(other.components[0]!.unread?.reason).toContain("no environment nowhere");
  });

  test("a site without stacks has nothing to do", async () => {
    const { newLab } = await import("./open.ts");
    expect(only(await syncLab(await newLab(), { ...labSite, stacks: [] }, [stacks])).outcome).toBe(
      "unchanged",
    );
  });
});
