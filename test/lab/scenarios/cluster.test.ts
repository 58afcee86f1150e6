/** A site on a Proxmox cluster of three nodes: from nothing, again, with guests that move, nodes that fail, and without quorum. */
import { beforeAll, describe, expect, test } from "vitest";
import { breakLab, mendLab } from "../../../lab/faults.ts";
import { moveGuest } from "../../../lab/move.ts";
import { call } from "../../cli/edge.ts";
import { handsIn } from "./hands.ts";
import { copyOf, master } from "./labs.ts";
import { complaints, idle, planOf, syncAll } from "./phoenix.ts";
import { program } from "./program.ts";
import { small } from "./sites.ts";
import { differences, treeOf } from "./tree.ts";

const scenario = { ...small(), name: "small-cluster" };
const nodes = "pve,pve2,pve3";

async function done(...argv: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await program(argv, { env: scenario.env });
  if (code !== 0) throw new Error(`phoenix ${argv.join(" ")}: ${code}\n${stdout}${stderr}`);
}

/** A lab after `sync all` from nothing. */
async function synced(): Promise<string> {
  return copyOf(
    await master(scenario, "synced", async (directory) => {
      await done("lab", "init", directory, "--site", scenario.root, "--nodes", nodes);
      await done("sync", "all", "--lab", directory);
    }),
  );
}

/** A second run that has nothing to do, and does nothing. */
async function expectConverged(lab: string): Promise<void> {
  const { code, document, stderr } = await syncAll(lab);
  expect(complaints(document), stderr).toEqual([]);
  expect(code).toBe(0);
  expect(idle(document)).toBe(true);
  expect(document).toMatchObject({ created: 0, updated: 0, deleted: 0, reloads: 0, restarts: 0 });
}

// Whoever comes first makes the lab that the others copy.
beforeAll(synced, 120_000);

describe("a cluster of three nodes", () => {
  let lab: string;
  beforeAll(async () => {
    lab = await synced();
  });

  test("is converged by one sync, and the next two do nothing", async () => {
    await expectConverged(lab);
    await expectConverged(lab);
  });

  test("has its name servers, root and rules on every node", () => {
    const { lab: inside } = handsIn(lab);
    for (const host of ["pve", "node/pve2", "node/pve3"] as const)
      for (const path of [
        "/etc/dnsmasq.d/phoenix.conf",
        "/usr/local/share/ca-certificates/phoenix_internal_root_ca.crt",
      ])
        expect(inside.files.status(host, path), `${host} ${path}`).toBeDefined();
  });

  test("a guest that moves changes nothing, wherever it goes", async () => {
    const copy = copyOf(lab);
    for (const node of ["pve2", "pve3", "pve"]) {
      for (const guest of ["gateway", "mesh", "ca", "docker"]) moveGuest(copy, guest, node);
      const { code, document } = await planOf(copy);
      expect({ code, node, creates: document.create }).toEqual({ code: 0, node, creates: 0 });
    }
    await expectConverged(copy);
  });
});

describe("a node that is switched off", () => {
  test("leaves its guests alone and names them; the rest goes on, and it converges when the node is back", async () => {
    const lab = copyOf(await synced());
    for (const guest of ["gateway", "mesh", "ca", "portainer", "docker"]) moveGuest(lab, guest, "pve");
    moveGuest(lab, "app0", "pve2");
    await breakLab(lab, "node-down", "pve2");
    // Something that every node is to have.
    handsIn(lab).edit("pve", "/etc/phoenix/hosts.d/phoenix.hosts", (text) =>
      text.replace(/^.*wiki.*\n/m, ""),
    );
    const broken = await syncAll(lab);
    expect(broken.code, broken.stderr).not.toBe(0);
    expect(`${broken.stdout}${broken.stderr}`).toContain("pve2");
    const dns = broken.document.components.find(({ component }) => component === "dns");
    expect(dns?.changes.map(({ id }) => id)).toContain("dns/records");
    await mendLab(lab);
    const back = await syncAll(lab);
    expect(complaints(back.document), back.stderr).toEqual([]);
    expect(back.code).toBe(0);
    await expectConverged(lab);
  });
});

describe("a cluster without quorum", () => {
  test("is refused in one line before anything is touched, and looked at all the same", async () => {
    const lab = copyOf(await synced());
    await breakLab(lab, "no-quorum");
    const before = treeOf(lab);
    const { code, stdout, stderr } = await call(["sync", "all", "--lab", lab]);
    expect(code).toBe(5);
    expect(`${stdout}${stderr}`).toContain("the cluster oak has no quorum");
    expect(differences(before, treeOf(lab), [/^state\/ssh\.json$|^state$/])).toEqual([]);
    expect((await planOf(lab)).code).toBe(0);
    await mendLab(lab);
    await expectConverged(lab);
  });
});

test("a lock that another node holds is waited for, and named", async () => {
  const lab = copyOf(await synced());
  const hands = handsIn(lab);
  await hands.run("node/pve2", "mkdir", "/etc/pve/priv/lock/phoenix");
  const { code, stdout, stderr } = await call(["sync", "all", "--lab", lab]);
  expect(code, stdout + stderr).toBe(6);
  await hands.run("node/pve2", "rmdir", "/etc/pve/priv/lock/phoenix");
  await expectConverged(lab);
});
