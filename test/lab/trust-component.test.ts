/** Trust in the lab: installed once, found when it is broken, nothing done when it is not. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { breakLab, mendLab } from "../../lab/faults.ts";
import { trust } from "../../src/components/trust/index.ts";
import { counted } from "../../src/hosts/decorators.ts";
import { newLab, otherLab } from "./open.ts";
import { planLab, syncLab, verifyLab } from "./session.ts";
import { labSite } from "./site.ts";

const components = [trust];
const local = "hosts/pve/usr/local/share/ca-certificates";
const ours = `${local}/phoenix_internal_root_ca.crt`;
const bundle = "hosts/pve/etc/ssl/certs/ca-certificates.crt";
const rootFile = "hosts/lxc-103/root/.step/certs/root_ca.crt";

const read = (lab: string, path: string): string => readFileSync(join(lab, path), "utf8");

/** A sync, and every change that it made. */
async function sync(lab: string) {
  const changes: string[] = [];
  const result = await syncLab(lab, labSite, components, {
    decorators: [counted((what) => void changes.push(what))],
  });
  const [part] = result.components;
  return {
    ...part!,
    changes: part!.changes,
    made: changes.filter((what) => !what.includes("/var/lib/phoenix")),
  };
}

test("from nothing to trusted, and then nothing more", async () => {
  const lab = await newLab();
  expect(await sync(lab)).toMatchObject({
    outcome: "changed",
    checks: [{ status: "pass" }, { status: "pass" }],
  });
  expect(read(lab, bundle)).toContain(read(lab, rootFile).trim());
  const again = await sync(lab);
  expect(again).toMatchObject({ outcome: "unchanged", checks: [{ status: "pass" }, { status: "pass" }] });
  expect(again.made).toEqual([]);
});

test("what others put there stays, also when ours is replaced", async () => {
  const lab = await newLab();
  const other = await otherLab();
  writeFileSync(join(lab, local, "theirs.crt"), read(other, rootFile));
  await sync(lab);
  writeFileSync(join(lab, ours), read(other, rootFile));
  const plan = await planLab(lab, labSite, components);
  expect(plan.components[0]!.changes).toMatchObject([
    {
      verb: "update",
      live: { units: { "the CA's root": expect.stringMatching(/^another certificate is/) } },
    },
  ]);
  expect(await sync(lab)).toMatchObject({ outcome: "changed" });
  expect(read(lab, `${local}/theirs.crt`)).toBe(read(other, rootFile));
  expect(read(lab, bundle)).toContain(read(other, rootFile).trim());
  expect(read(lab, bundle)).toContain(read(lab, rootFile).trim());
});

test("a root that was removed, or is not in the bundle, is put back", async () => {
  const lab = await newLab();
  await sync(lab);
  rmSync(join(lab, ours));
  expect(await sync(lab)).toMatchObject({ outcome: "changed" });
  writeFileSync(join(lab, bundle), "");
  expect(await sync(lab)).toMatchObject({ outcome: "changed" });
  expect(read(lab, bundle)).toContain("BEGIN CERTIFICATE");
});

test("a CA guest that is down: nothing is changed, and the places that were tried are named", async () => {
  const lab = await newLab();
  breakLab(lab, "guest-down", "ca");
  const broken = await sync(lab);
  expect(broken).toMatchObject({
    outcome: "failed",
    reason: expect.stringContaining("lxc/103"),
    hint: expect.stringMatching(/CA guest/),
  });
  expect(broken.made).toEqual([]);
  mendLab(lab);
  expect(await sync(lab)).toMatchObject({ outcome: "changed" });
});

test("a CA that does not answer, or with an error, is no reason to take the root back", async () => {
  for (const fault of ["refused", "error-500"]) {
    const lab = await newLab();
    breakLab(lab, fault, "ca");
    const broken = await sync(lab);
    expect(broken).toMatchObject({ outcome: "changed" });
    expect(broken.checks.filter(({ status }) => status === "fail")).not.toEqual([]);
    for (const check of broken.checks.filter(({ status }) => status === "fail"))
      expect(check).toMatchObject({
        external: true,
        hint: expect.stringMatching(/./),
        observed: expect.stringMatching(/./),
      });
    mendLab(lab);
    expect(await sync(lab)).toMatchObject({
      outcome: "unchanged",
      checks: [{ status: "pass" }, { status: "pass" }],
    });
  }
});

test("somebody else's certificate at the CA's address: the root is taken back, and verify says so too", async () => {
  const lab = await newLab();
  breakLab(lab, "wrong-certificate", "ca");
  expect(await sync(lab)).toMatchObject({
    outcome: "rolled-back",
    reason: expect.stringContaining("trust store"),
    hint: expect.stringContaining("another server"),
  });
  expect(read(lab, bundle)).not.toContain("BEGIN CERTIFICATE");
  mendLab(lab);
  expect(await sync(lab)).toMatchObject({ outcome: "changed" });
  breakLab(lab, "wrong-certificate", "ca");
  const seen = await verifyLab(lab, labSite, components);
  expect(seen.components[0]).toMatchObject({ outcome: "failed" });
});

test.each(["disk-full", "exit-1"])("%s on the hypervisor: the state before, and a reason", async (fault) => {
  const lab = await newLab();
  breakLab(lab, fault, "pve");
  const broken = await syncLab(lab, labSite, components).then(
    (result) => result.components[0],
    (error: unknown) => error,
  );
  expect(broken).toMatchObject(broken instanceof Error ? { message: /./ } : { outcome: "failed" });
  mendLab(lab);
  expect(await sync(lab)).toMatchObject({ outcome: "changed" });
});
