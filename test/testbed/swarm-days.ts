/** A Swarm's later days on real machines: members that are drained, restart or die, a secret that changes, and where secrets lie. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WholeSite } from "../whole-site.ts";
import { answersOf } from "./client.ts";
import { eventually, expectRun } from "./machines.ts";
import { converge, phoenix, planned, runDirectory } from "./phoenix.ts";
import { type SwarmHands, settledTasks, swarmHands } from "./swarm-hands.ts";

export interface SwarmDay {
  /** A routed service with a replica on every member: "hello_web", "hello.elm.home.arpa". */
  readonly service: string;
  readonly name: string;
  /** A file of the site that is a secret, and where a service's containers have it. */
  readonly secret: { readonly file: string; readonly service: string; readonly target: string };
}

/** Within how long a route must lead around a member that is gone. */
const aroundMs = 10_000;

/** @param site answers the site once it has converged */
export function swarmDays(site: () => WholeSite, { service, name, secret }: SwarmDay): void {
  describe("a Swarm's later days", () => {
    let hands: SwarmHands;
    const answers = (ms: number) =>
      eventually(
        async () => (await answersOf([name, name, name, name])).map(({ status }) => status),
        (all) => all.every((status) => status === 200),
        ms,
      );
    const good = [200, 200, 200, 200];
    const runs = (count: number) =>
      eventually(
        async () => (await hands.tasks(service)).filter((task) => task.startsWith("running")).length,
        (found) => found === count,
        90_000,
      );

    beforeAll(() => {
      hands = swarmHands(site());
    });
    afterAll(() => hands.restore());

    test("a member that was drained by hand is told, and comes back with a sync", async () => {
      const [, second] = hands.swarm.members;
      const node = second?.guest.name ?? "";
      await hands.manage("node", "update", "--availability=drain", node);
      expect(await answers(aroundMs)).toEqual(good);
      expect(await planned("a member is drained", "swarm")).toHaveLength(1);
      await converge("a member was drained by hand");
      expect(await hands.manage("node", "inspect", "--format={{.Spec.Availability}}", node)).toBe("active\n");
      expect(await runs(hands.members.length)).toBe(hands.members.length);
    }, 400_000);

    test("a manager that restarts leaves the services as they were", async () => {
      await expectRun(hands.manager, ["systemctl", "restart", "docker.service"]);
      expect(await answers(60_000)).toEqual(good);
      expect(await runs(hands.members.length)).toBe(hands.members.length);
      expect(
        await eventually(
          () => planned("the manager has restarted"),
          (ids) => ids.length === 0,
          60_000,
        ),
      ).toEqual([]);
    }, 400_000);

    test("a worker that dies is routed around within seconds, named, and converges when it is back", async () => {
      const [, second] = hands.swarm.members;
      const id = `${second?.guest.id}`;
      await expectRun("pve", ["qm", "stop", id]);
      expect(await answers(aroundMs)).toEqual(good);
      const { exitCode, stdout } = await phoenix("a worker is down", "sync", "all");
      expect(exitCode, stdout).toBe(4);
      expect(stdout).toContain(`vm/${id}`);
      await expectRun("pve", ["qm", "start", id]);
      expect(await runs(hands.members.length)).toBe(hands.members.length);
      await converge("the worker is back");
    }, 600_000);

    test("a changed secret reaches the containers; the old one goes with --allow prune", async () => {
      const secrets = async () =>
        (await hands.manage("secret", "ls", "--format={{.Name}}")).split("\n").filter((each) => each !== "");
      const before = await secrets();
      await hands.edit(secret.file, () => rotated);
      await converge("a secret has changed");
      const [container] = (
        await Promise.all(
          hands.members.map(async (machine) => {
            const filter = `--filter=label=com.docker.swarm.service.name=${secret.service}`;
            const id = (await expectRun(machine, ["docker", "ps", "--quiet", filter])).trim();
            return id === "" ? [] : [{ machine, id }];
          }),
        )
      ).flat();
      if (container === undefined) throw new Error(`no container of ${secret.service} runs`);
      const { machine, id } = container;
      expect(await expectRun(machine, ["docker", "exec", id, "cat", secret.target])).toBe(rotated);
      const both = await secrets();
      expect(both).toEqual(expect.arrayContaining([...before]));
      expect(both.length).toBeGreaterThan(before.length);
      const pruned = await phoenix("the old secret goes", "sync", "all", "--allow", "prune");
      expect(pruned.exitCode, pruned.stdout).toBe(0);
      const left = await secrets();
      expect(left).toHaveLength(before.length);
      expect(left).not.toEqual(before);
      expect(await settledTasks(hands, service, await hands.tasks(service))).toHaveLength(
        hands.members.length,
      );
    }, 600_000);

    test("join tokens and secrets are nowhere but where they belong", async () => {
      const tokens = await Promise.all(
        ["worker", "manager"].map((role) => hands.manage("swarm", "join-token", "--quiet", role)),
      );
      const canaries = [...tokens, rotated].map((each) => each.trim());
      // The Swarm's own state is on its managers; the declared file is the site's.
      const found = await filesWith(canaries);
      expect(found).toContain(`${declared}${secret.file}`);
      expect(found.filter((path) => !path.startsWith(declared) && !ofManagers.test(path))).toEqual([]);
      expect(await processesWith(canaries)).toEqual([]);
    }, 120_000);
  });
}

const rotated = `rotated-canary-${"x7".repeat(8)}`;

const declared = "/upper/pve/files/usr/local/phoenix_hypervisor/";
const ofManagers = /^\/docker\/\d+\/swarm\//;

/** What machines have written that contains one of the texts, seen from outside; layers of images are nobody's. */
async function filesWith(texts: readonly string[]): Promise<readonly string[]> {
  const patterns = texts.flatMap((text) => ["--regexp", text]);
  const fixed = ["--recursive", "--files-with-matches", "--fixed-strings", "--devices=skip", "--no-messages"];
  const args = [
    ...fixed,
    "--exclude-dir=overlay2",
    ...patterns,
    `${runDirectory}/upper`,
    `${runDirectory}/docker`,
  ];
  // 1 is for nothing found, 2 for files that went meanwhile.
  const { stdout } = await promisify(execFile)("grep", args).catch((error) => error);
  return String(stdout)
    .split("\n")
    .filter((path) => path !== "")
    .map((path) => path.slice(runDirectory.length));
}

/** Command lines and environments of the processes of all machines: those of guests are the hypervisor's as well. */
async function processesWith(texts: readonly string[]): Promise<readonly string[]> {
  const script = `patterns=$(cat)
for process in /proc/[0-9]*; do
  for what in cmdline environ; do
    tr '\\0' '\\n' <"$process/$what" 2>/dev/null | grep --quiet --fixed-strings "$patterns" && echo "$process/$what $(tr '\\0' ' ' <"$process/cmdline" | cut -c1-80)"
  done
done
true`;
  const stdout = await expectRun("pve", ["sh", "-c", script], texts.map((text) => `${text}\n`).join(""));
  return stdout.split("\n").filter((line) => line !== "");
}
