/** Directories of containers on other nodes, as the machines tell them apart. */
import { expect, test } from "vitest";
import type { Cluster } from "../../src/cluster.ts";
import { storageFaults } from "../../src/doctor/node-storage.ts";
import { createHost } from "../../src/hosts/script-host.ts";
import type { Site } from "../../src/model.ts";
import type { HostName } from "../../src/resource.ts";
import { gateway, labSite } from "../lab/site.ts";

const mounts = [
  { hostPath: "/tank/certs", guestPath: "/certs" },
  { hostPath: "/tank/media", guestPath: "/media" },
];
const certificate = labSite.certificates[0];
const cluster: Cluster = {
  name: "oak",
  own: "pve1",
  entry: "pve",
  quorate: true,
  nodes: [{ host: "node/pve2", name: "pve2", address: "10.0.0.14", online: true }],
  placement: new Map([["lxc/101", "pve2"]]),
};
const site = (): Site => {
  if (certificate === undefined) throw new Error("the lab's site has a certificate");
  const certificates = [{ ...certificate, certPath: "/tank/certs/a.crt", keyPath: "/tank/certs/a.key" }];
  return {
    ...labSite,
    cluster,
    certificates,
    guests: [{ ...gateway, mounts }],
  };
};

/** @param seen what stat prints by host and path; nothing for a directory that is not there */
async function faults(seen: Record<string, string>): Promise<readonly string[]> {
  const host = (name: HostName) =>
    createHost(name, async ({ argv }) => {
      const stdout = seen[`${name} ${argv.at(-1)}`];
      return { exitCode: stdout === undefined ? 1 : 0, stdout: stdout ?? "", stderr: "" };
    });
  return (await storageFaults(site(), { host })).map(({ guest, message }) => `${guest.host} ${message}`);
}

test("a directory that both nodes share is one, and what Phoenix does not use need only be there", async () => {
  const seen = {
    "pve /tank/certs": "7 100",
    "node/pve2 /tank/certs": "7 100",
    "node/pve2 /tank/media": "3 50",
  };
  expect(await faults(seen)).toEqual([]);
});

test("another directory of the same name is told", async () => {
  const seen = {
    "pve /tank/certs": "7 100",
    "node/pve2 /tank/certs": "34 90",
    "node/pve2 /tank/media": "3 50",
  };
  expect(await faults(seen)).toEqual([
    "lxc/101 is on node pve2, whose /tank/certs is another directory than that of pve1",
  ]);
});

test("what is on the disk of the hypervisor alone is told", async () => {
  const seen = { "pve /tank/certs": "7 100", "pve /tank/media": "3 50", "node/pve2 /tank/media": "3 50" };
  expect(await faults(seen)).toEqual([expect.stringContaining("which does not have its /tank/certs")]);
});

test("what is on the disk of the guest's node alone is another directory", async () => {
  const seen = { "node/pve2 /tank/certs": "7 100", "node/pve2 /tank/media": "3 50" };
  expect(await faults(seen)).toEqual([expect.stringContaining("is another directory than that of pve1")]);
});
