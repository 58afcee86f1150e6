/**
 * The example with two nodes on real machines: built from nothing and seen from outside, with a guest that moves, a node without
 * power, a cluster without quorum, and rules that cut a node off. It takes eight minutes, so it runs where PHOENIX_TESTBED_TRIES is set.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WholeSite } from "../whole-site.ts";
import { answersOf, reaches } from "./client.ts";
import { converges } from "./converges.ts";
import { changeRules, forceAndKill, operator, windowMs } from "./lockout.ts";
import { bootCluster, down, eventually, expectRun, power, run, say, unavailable } from "./machines.ts";
import { converge, phoenix, planned, runDirectory, siteIn } from "./phoenix.ts";
import { containersOf, dockerMachinesOf } from "./reality.ts";

const root = join(import.meta.dirname, "../../examples/cluster");
const second = "192.168.60.3";

const members = async (node: "pve" | "pve2") =>
  JSON.parse(await expectRun(node, ["cat", "/etc/pve/.members"]));
const isOnline = async (): Promise<boolean> => (await members("pve")).nodelist.pve2.online === 1;
const isQuorate = async (node: "pve" | "pve2") => (await members(node)).cluster.quorate === 1;
const records = "/etc/phoenix/hosts.d/phoenix.hosts";
const dropRecord = () => expectRun("pve", ["sed", "--in-place", "$d", records]);
const answers = (...names: readonly string[]) =>
  eventually(
    async () => (await answersOf(names)).map(({ status }) => status),
    (all) => all.every((status) => status === 200),
    30_000,
  );

const isWanted = unavailable === undefined && process.env.PHOENIX_TESTBED_TRIES !== undefined;

describe.skipIf(!isWanted)("the example of a cluster on real machines", () => {
  let site: WholeSite;
  beforeAll(async () => {
    say("booting the example of a cluster: pve and pve2, 8 guests, a client …");
    const declared = await siteIn(root);
    const nodes = [{ host: "node/pve2", name: "pve2", address: second, online: true }] as const;
    const cluster = { name: "elm", own: "pve", quorate: true, nodes, placement: new Map() } as const;
    site = { ...declared, cluster: { entry: "pve", ...cluster } };
    await bootCluster(join(import.meta.dirname, "elm.json"), root);
  });
  afterAll(down);

  converges(() => site, "pve2");

  test("the tasks of the Swarm run, as many of each service as declared", async () => {
    const all = (await Promise.all(dockerMachinesOf(site).map(containersOf))).flat();
    const running = all.filter(({ swarmService, state }) => swarmService !== "" && state === "running");
    const counted = new Map<string, number>();
    for (const { swarmService } of running) counted.set(swarmService, (counted.get(swarmService) ?? 0) + 1);
    expect(Object.fromEntries(counted)).toEqual({
      board_board: 1,
      board_database: 1,
      hello_web: 2,
      node_exporter_exporter: 2,
      portainer_agent: 2,
    });
  });

  test("both nodes have the root, the records and the rules", async () => {
    const name = "notes.elm.home.arpa";
    const script = `dig +short @"$1" "$2"
curl --silent --output /dev/null --max-time 5 --resolve "$2:443:$3" --write-out '%{http_code}\\n' "https://$2/"
iptables -S PVEFW-HOST-IN | head -n 1`;
    const { address } = site.roles.gateway;
    const stdout = await expectRun("pve2", ["sh", "-c", script, "sh", second, name, address]);
    expect(stdout).toBe(`${address}\n200\n-N PVEFW-HOST-IN\n`);
  });

  test("join tokens and secrets are in no file that a machine has written, and in no log", async () => {
    const tokens = ["manager", "worker"].map((role) =>
      expectRun("vm-431", ["docker", "swarm", "join-token", "--quiet", role]),
    );
    const secret = readFileSync(join(root, "secrets/board_database_password"), "utf8");
    const words = [...(await Promise.all(tokens)), secret].map((text) => text.trim());
    const patterns = words.flatMap((word) => ["-e", word]);
    const grep = spawnSync("grep", ["-rlF", ...patterns, `${runDirectory}/upper`], { encoding: "utf8" });
    expect({ status: grep.status, stdout: grep.stdout }).toEqual({ status: 1, stdout: "" });
    for (const machine of ["pve", "pve2", "vm-430", "vm-431", "vm-432"] as const) {
      const log = await expectRun(machine, ["journalctl", "--quiet", "--no-pager"]);
      expect(words.filter((word) => log.includes(word)).length, machine).toBe(0);
    }
  });

  test("a command that enters by the other node finds nothing to do", async () => {
    await expectRun("pve", ["cp", "-R", "/usr/local/phoenix_hypervisor", "/tank/site"]);
    const planning = ["phoenix", "plan", "all", "--site", "/tank/site"];
    const { exitCode, stdout, stderr } = await run("pve2", planning);
    expect(exitCode, stdout + stderr).toBe(0);
  });

  test("a guest that moved is no change, and its names answer", async () => {
    await expectRun("pve", ["pct", "migrate", "420", "pve2", "--restart"]);
    expect(await planned("lxc/420 has moved to pve2", "all")).toEqual([]);
    expect(await answers("notes.elm.home.arpa")).toEqual([200]);
    const { stdout } = await phoenix("where is it?", "status");
    expect(stdout).toMatch(/notes.*pve2/);
    await expectRun("pve2", ["pct", "migrate", "420", "pve", "--restart"]);
    expect(await answers("notes.elm.home.arpa")).toEqual([200]);
  }, 120_000);

  test("a node without power is named with its guests, all else goes on; with power all is well", async () => {
    await power("off", "pve2");
    try {
      await eventually(isOnline, (is) => !is);
      await dropRecord();
      const { exitCode, stdout, stderr } = await phoenix("pve2 has no power", "sync", "all");
      expect(exitCode, stdout + stderr).toBe(4);
      for (const guest of ["lxc/421 (photos)", "vm/432 (grove-two)"])
        expect(stdout).toContain(`${guest} is on node pve2, which is offline`);
      expect(stdout).toMatch(/^! dns .*records updated/m);
      // The other member of the Swarm answers.
      expect(await answers("hello.elm.home.arpa", "notes.elm.home.arpa")).toEqual([200, 200]);
    } finally {
      await power("on", "pve2");
    }
    await eventually(isOnline, Boolean);
    expect(await answers("photos.elm.home.arpa")).toEqual([200]);
    const back = await eventually(
      () => phoenix("pve2 is back", "sync", "all"),
      ({ exitCode }) => exitCode === 0,
      90_000,
    );
    expect(back.exitCode, back.stdout).toBe(0);
    expect(await planned("has it converged?", "all")).toEqual([]);
  }, 400_000);

  test("without quorum a sync is refused in one line before anything is touched", async () => {
    const before = await expectRun("pve", ["sh", "-c", `sed -i '$d' ${records}; sha256sum ${records}`]);
    const corosync = async (verb: "start" | "stop"): Promise<void> => {
      for (const node of ["pve", "pve2"] as const) await expectRun(node, ["systemctl", verb, "corosync"]);
    };
    await corosync("stop");
    const { exitCode, stdout, stderr } = await phoenix("no quorum", "sync", "all");
    await corosync("start");
    expect({ exitCode, stdout }, stderr).toEqual({ exitCode: 5, stdout: "" });
    expect(stderr).toMatch(/^[^\n]*cluster elm has no quorum[^\n]*\n(?: {2}hint: [^\n]*\n)?$/);
    expect(await expectRun("pve", ["sha256sum", records])).toBe(before);
    expect(await eventually(() => isQuorate("pve2"), Boolean)).toBe(true);
    await converge("the quorum is back");
  }, 240_000);

  test("rules that cut a node off are refused; forced, with Phoenix killed, both nodes have the previous ones in time", async () => {
    const { address } = site.hypervisor;
    const installed = (node: "pve" | "pve2") =>
      expectRun(node, ["sh", "-c", "cd /etc/pve/firewall && sha256sum *.fw"]);
    const before = await installed("pve");
    await changeRules({ type: "in", action: "DROP", dest: second });
    const refused = await run("pve", ["phoenix", "sync", "firewall", "--site", "/root/lockout"]);
    expect(refused.exitCode, refused.stdout).toBe(5);
    expect(refused.stderr).toContain(second);
    expect(await installed("pve")).toBe(before);
    say(
      "the same, forced, and killed as soon as the files are in place; then the undo is waited for (1 min) …",
    );
    await forceAndKill(await operator(), address);
    const killed = Date.now();
    expect(await installed("pve")).not.toBe(before);
    expect(
      await eventually(
        () => reaches(second, 22),
        (is) => !is,
      ),
    ).toBe(false);
    expect(
      await eventually(
        () => isQuorate("pve2"),
        (is) => !is,
      ),
    ).toBe(false);
    const left = () => windowMs - (Date.now() - killed);
    expect(
      await eventually(
        () => installed("pve"),
        (now) => now === before,
        left(),
      ),
    ).toBe(before);
    say(`  the previous rules were back after ${Math.round((Date.now() - killed) / 1000)} s`);
    expect(await eventually(() => reaches(second, 22), Boolean)).toBe(true);
    expect(await eventually(() => isQuorate("pve2"), Boolean)).toBe(true);
    expect(await installed("pve2")).toBe(before);
    const status = () => expectRun("pve2", ["pve-firewall", "status"]);
    expect(await eventually(status, (text) => !text.includes("pending"))).toBe("Status: enabled/running\n");
  }, 180_000);
});
