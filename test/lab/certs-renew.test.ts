/** Renewing certificates on demand: with the proof and the rollback of a sync, and only those whose time has come. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { breakLab, mendLab } from "../../lab/faults.ts";
import { setClockOffset } from "../../lab/lab-file.ts";
import type { Component } from "../../src/component.ts";
import { certificates } from "../../src/components/certificates/index.ts";
import { duePairs, renewing } from "../../src/components/certificates/renewal.ts";
import type { Certificate } from "../../src/model.ts";
import type { ResourceId } from "../../src/resource.ts";
import type { WholeSite } from "../whole-site.ts";
import { newLab, prepared } from "./open.ts";
import { planLab, syncLab } from "./session.ts";
import { gateway, labSite } from "./site.ts";

const from = { file: "etc/certificate-manifest.json", line: 3, column: 5 };
const ssl = "/mnt/pve/quickOS/lxc-persistent-data/101/ssl";
const forGateway: Certificate = {
  commonName: "gateway.lab.test",
  names: ["gateway.lab.test"],
  certPath: `${ssl}/gateway.lab.test.crt`,
  keyPath: `${ssl}/gateway.lab.test.key`,
  owner: "root:www-data",
  mode: "644",
  postRenewal: { command: "pct exec 101 -- systemctl reload nginx", from },
  serves: "gateway",
  from,
};
const site: WholeSite = {
  ...labSite,
  certificates: [forGateway, { ...labSite.certificates[0]!, owner: "nobody:nogroup" }],
};
const id: ResourceId = "certificates/gateway.lab.test";
const hour = 3_600_000;

const synced = prepared(async () => {
  const lab = await newLab(site);
  await syncLab(lab, site, [certificates]);
  return lab;
});
const texts = (lab: string): readonly string[] =>
  site.certificates.flatMap(({ certPath, keyPath }) =>
    [certPath, keyPath].map((path) =>
      readFileSync(join(lab, "hosts/pve", path.replace("/mnt/pve", "")), "utf8"),
    ),
  );
const renew = async (lab: string, component: Component = renewing(certificates, [id])) => {
  const { components } = await syncLab(lab, site, [component], { resources: [id] });
  return components[0];
};

test("a certificate that is valid is renewed, its consumer told, and the others left alone", async () => {
  const lab = await synced();
  const before = texts(lab);
  expect(await renew(lab)).toMatchObject({
    outcome: "changed",
    changes: [{ verb: "update", desired: { id } }],
    activations: [{ kind: "reload", unit: "nginx", host: gateway.host }],
  });
  const after = texts(lab);
  expect(after.map((text, at) => text === before[at])).toEqual([false, false, true, true]);
  // Asked for once: the next sync finds everything as it should be.
  expect((await planLab(lab, site, [certificates])).components[0]?.changes).toEqual([]);
});

test("a renewal whose command fails brings the previous pair back", async () => {
  const lab = await synced();
  const before = texts(lab);
  breakLab(lab, "exit-1", gateway.host);
  expect(await renew(lab)).toMatchObject({ outcome: "rolled-back", changes: [], restored: [id] });
  expect(texts(lab)).toEqual(before);
  mendLab(lab, "exit-1");
  expect(await renew(lab)).toMatchObject({ outcome: "changed" });
});

test("a CA that refuses leaves the pair as it is", async () => {
  const lab = await synced();
  const before = texts(lab);
  breakLab(lab, "error-500", "ca");
  expect(await renew(lab)).toMatchObject({ outcome: "failed", changes: [], restored: [] });
  expect(texts(lab)).toEqual(before);
});

test("those are due whose time has come", async () => {
  const lab = await synced();
  let due: readonly ResourceId[] = [];
  const asking: Component = {
    ...certificates,
    read: async (io) => {
      due = await duePairs(io);
      return certificates.read(io);
    },
  };
  await planLab(lab, site, [asking]);
  expect(due).toEqual([]);
  setClockOffset(lab, 17 * hour);
  await planLab(lab, site, [asking]);
  expect(due).toEqual([id, "certificates/portainer.lab.test"]);
});
