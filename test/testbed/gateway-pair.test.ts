/** Two gateways on real machines with Debian's keepalived: both come from one sync, and the names outlive the loss of either. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { servedName, shared, writePairSite } from "../gateway-pair-site.ts";
import { addressesOf, answersOf } from "./client.ts";
import { boot, down, eventually, expectRun, run, say, unavailable } from "./machines.ts";
import { converge, hurry, phoenix } from "./phoenix.ts";
import { asking } from "./steady-client.ts";

const gateways = ["lxc-101", "lxc-111"] as const;
type Gateway = (typeof gateways)[number];
const [first, standby] = gateways;
const nothingDone = "0 created, 0 updated, 0 deleted · reloads 0 · restarts 0";
/** keepalived looks at Nginx once a second, and the other gateway waits for three advertisements of a second. */
const movedMs = 10_000;

describe.skipIf(unavailable !== undefined)("a pair of gateways on real machines", () => {
  const directory = mkdtempSync(join(tmpdir(), "phoenix-pair-"));
  const site = join(directory, "site");
  const holders = async (): Promise<readonly Gateway[]> => {
    const seen = await Promise.all(
      gateways.map(async (gateway) => {
        const { stdout } = await run(gateway, ["ip", "-o", "-4", "addr", "show"]);
        return stdout.includes(` ${shared}/`) ? [gateway] : [];
      }),
    );
    return seen.flat();
  };
  const heldBy = (...wanted: readonly Gateway[]) =>
    eventually(holders, (found) => found.join() === wanted.join(), movedMs);
  const answer = async () =>
    (await answersOf([servedName])).map(({ status, verified, address }) => ({ status, verified, address }));
  const good = [{ status: 200, verified: 0, address: shared }];

  beforeAll(async () => {
    writePairSite(site);
    await boot(site);
    await hurry();
  }, 1_200_000);
  afterAll(async () => {
    await down();
    rmSync(directory, { recursive: true });
  });

  test("comes from nothing with one sync; the second one does nothing", async () => {
    await converge("from untouched machines");
    expect(await converge("nothing differs")).toContain(nothingDone);
    expect(await holders()).toHaveLength(1);
    expect((await addressesOf([servedName])).get(servedName)).toBe(shared);
    expect(await answer()).toEqual(good);
  }, 900_000);

  test("the address goes to the standby when Nginx ends, and clients wait for seconds at most", async () => {
    const { seen } = await asking(servedName, async () => {
      await expectRun(first, ["systemctl", "stop", "nginx.service"]);
      expect(await heldBy(standby)).toEqual([standby]);
      expect(await eventually(answer, (found) => found[0]?.status === 200, movedMs)).toEqual(good);
    });
    say(`  ${seen.lost.length} of ${seen.sent} requests were lost until the address had moved`);
    expect(seen.sent).toBeGreaterThan(seen.lost.length);
    await converge("Nginx has ended in the first gateway");
    expect(await expectRun(first, ["systemctl", "is-active", "nginx.service"])).toBe("active\n");
    expect(await eventually(holders, (found) => found.length === 1, movedMs)).toHaveLength(1);
  }, 400_000);

  test("a gateway without power is named, the names go on, and a sync converges it when it is back", async () => {
    await expectRun("pve", ["pct", "stop", "101"]);
    expect(await eventually(answer, (found) => found[0]?.status === 200, movedMs)).toEqual(good);
    const { exitCode, stdout } = await phoenix("the first gateway is down", "sync", "all");
    expect([exitCode, stdout]).toEqual([4, expect.stringContaining("lxc/101 (gateway)")]);
    expect(await answer()).toEqual(good);
    await expectRun("pve", ["pct", "start", "101"]);
    await converge("the first gateway is back");
    expect(await converge("nothing differs again")).toContain(nothingDone);
    expect(await eventually(holders, (found) => found.length === 1, movedMs)).toHaveLength(1);
    expect(await answer()).toEqual(good);
  }, 400_000);

  test("a reload of both gateways loses no request", async () => {
    const { seen } = await asking(servedName, async () => {
      for (const gateway of gateways)
        await expectRun(gateway, ["systemctl", "reload", "nginx.service", "keepalived.service"]);
    });
    expect(seen.lost, `of ${seen.sent} requests`).toEqual([]);
  }, 60_000);
});
