/** An unattended sync in the lab, while its repair hours are closed and while they are open. */
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { setClockOffset } from "../../lab/lab-file.ts";
import { certificates } from "../../src/components/certificates/index.ts";
import { dns } from "../../src/components/dns/index.ts";
import { exitCodeOf } from "../../src/engine/outcome.ts";
import { exitCodes } from "../../src/errors.ts";
import { repairHours, waitingFor } from "../../src/unattended/repair.ts";
import { newLab, prepared } from "./open.ts";
import { syncLab } from "./session.ts";
import { labSite } from "./site.ts";

const parts = [dns, certificates];
const noon = Date.parse("2026-11-30T12:00:00Z");
const hold = waitingFor(repairHours(["02:00-05:00"], noon, "Europe/Berlin"))!;
const synced = prepared(async () => {
  const lab = await newLab(labSite);
  await syncLab(lab, labSite, parts);
  return lab;
});

test("a restart waits, and a certificate that is due does not", async () => {
  const lab = await synced();
  const file = join(lab, "hosts/pve/etc/dnsmasq.d/phoenix.conf");
  appendFileSync(file, "# by hand\n");
  setClockOffset(lab, 17 * 3_600_000);
  const closed = await syncLab(lab, labSite, parts, { hold });
  expect(closed.components).toMatchObject([
    {
      component: "dns",
      outcome: "deferred",
      reason: "waits for the repair hours: tue 02:00 Europe/Berlin",
      held: ["dns/configuration"],
      changes: [],
      checks: [],
    },
    { component: "certificates", outcome: "changed" },
  ]);
  expect(closed.components[1]).not.toHaveProperty("held");
  expect(readFileSync(file, "utf8")).toContain("# by hand");
  // Without a gateway here, nobody serves the certificate.
  const waiting = closed.components.filter(({ component }) => component === "dns");
  expect(exitCodeOf({ ...closed, components: waiting })).toBe(exitCodes.pending);

  const open = await syncLab(lab, labSite, parts);
  expect(open.components).toMatchObject([{ outcome: "changed" }, { outcome: "unchanged" }]);
  expect(readFileSync(file, "utf8")).not.toContain("# by hand");
});

test("what builds on something that waits, waits as well", async () => {
  const lab = await synced();
  appendFileSync(join(lab, "hosts/pve/etc/dnsmasq.d/phoenix.conf"), "# by hand\n");
  const behind = { ...dns, name: "behind", after: ["dns"] };
  const { components } = await syncLab(lab, labSite, [dns, behind], { hold });
  expect(components.map(({ outcome, reason }) => [outcome, reason])).toEqual([
    ["deferred", "waits for the repair hours: tue 02:00 Europe/Berlin"],
    ["deferred", "waits for dns"],
  ]);
});
