/** Owners of certificates are meant as the guest that uses them sees them, whatever its user namespace is. */
import { describe, expect, test } from "vitest";
import { setGuestState } from "../../lab/guests.ts";
import { openContext } from "../../lab/open-context.ts";
import { certificates } from "../../src/components/certificates/index.ts";
import { nginx } from "../../src/components/nginx/index.ts";
import { gatewayNames } from "../../src/fabric/services.ts";
import type { Certificate, Site } from "../../src/model.ts";
import { change, newLab, opened, prepared, read } from "./open.ts";
import { syncLab, verifyLab } from "./session.ts";
import { labSite } from "./site.ts";

const from = { file: "etc/certificate-manifest.json", line: 3, column: 5 };
const onDisk = "/mnt/pve/quickOS/lxc-persistent-data/101/ssl/gateway.lab.test.key";
const inGuest = "/etc/nginx/ssl/gateway.lab.test.key";
const forGateway: Certificate = {
  commonName: "gateway.lab.test",
  names: ["gateway.lab.test", ...gatewayNames(labSite)].sort(),
  certPath: onDisk.replace(".key", ".crt"),
  keyPath: onDisk,
  owner: "root:www-data",
  mode: "640",
  serves: "gateway",
  from,
};
const siteWith = (over: Partial<Certificate> = {}): Site => ({
  ...labSite,
  certificates: [{ ...forGateway, ...over }],
});
const site = siteWith();

async function configure(lab: string, edit: (text: string) => string): Promise<void> {
  const host = (await opened(lab)).host("pve");
  const path = "/etc/pve/nodes/pve/lxc/101.conf";
  const text = (await host.readFiles([path])).get(path)!.text;
  await host.writeFiles([{ path, text: edit(text), mode: "640" }]);
}

const keyIn = async (lab: string, host: "pve" | "lxc/101") => {
  const path = host === "pve" ? onDisk : inGuest;
  return (await opened(lab)).host(host).expect(read("stat", "-c", "%a %u:%g", path));
};
const sync = async (lab: string, of = site) => (await syncLab(lab, of, [certificates])).components[0]!;
const failing = (part: { checks: readonly { status: string }[] }) =>
  part.checks.filter((check) => check.status === "fail" && !("external" in check));

const synced = prepared(async () => {
  const lab = await newLab(site);
  await sync(lab);
  return lab;
});

const maps: readonly (readonly [string, (text: string) => string, string])[] = [
  ["Proxmox's default map", (text) => text, "640 100000:100033\n"],
  ["a privileged container", (text) => text.replace("unprivileged: 1\n", ""), "640 0:33\n"],
  [
    "a map of its own",
    (text) => `${text}lxc.idmap: u 0 200000 65536\nlxc.idmap: g 0 100000 33\nlxc.idmap: g 33 33 1\n`,
    "640 200000:33\n",
  ],
  [
    "a mount point that passes ids through",
    (text) => text.replace("mp=/etc/nginx/ssl", "mp=/etc/nginx/ssl,idmap=passthrough"),
    "640 0:33\n",
  ],
];

describe("the consumer sees the declared owner", () => {
  test.each(maps)("%s", async (_, edit, expected) => {
    const lab = await newLab(site);
    await configure(lab, edit);
    expect(await sync(lab)).toMatchObject({ outcome: "changed" });
    expect(await keyIn(lab, "pve")).toBe(expected);
    expect(await keyIn(lab, "lxc/101")).toBe("640 0:33\n");
    expect(await sync(lab)).toMatchObject({ outcome: "unchanged" });
  });

  test("an owner that means the hypervisor's ids is drift, told as the guest sees it, and repaired", async () => {
    const lab = await synced();
    await (await opened(lab)).host("pve").expect(change("chown", "root:www-data", onDisk));
    expect(await sync(lab)).toMatchObject({
      outcome: "changed",
      changes: [{ verb: "update", live: { units: { key: "640 nobody:nogroup" } } }],
    });
    expect(await keyIn(lab, "lxc/101")).toBe("640 0:33\n");
  });

  test("names are the guest's own: its group has another id there", async () => {
    const lab = await newLab(site);
    const guest = (await opened(lab)).host("lxc/101");
    const groups = (await guest.readFiles(["/etc/group"])).get("/etc/group")!.text;
    await guest.writeFiles([
      { path: "/etc/group", text: groups.replace("www-data:x:33:", "www-data:x:82:") },
    ]);
    await sync(lab);
    expect(await keyIn(lab, "pve")).toBe("640 100000:100082\n");
  });

  test("a group that the guest does not have is named before anything is written", async () => {
    const lab = await synced();
    const part = await sync(lab, siteWith({ owner: "root:nginx" }));
    expect(part).toMatchObject({
      outcome: "failed",
      reason: 'lxc/101 has no user or group "nginx" for the owner "root:nginx"',
    });
    expect(await keyIn(lab, "lxc/101")).toBe("640 0:33\n");
  });

  test("a guest that is down cannot be asked: its files keep their owner", async () => {
    const lab = await synced();
    setGuestState(openContext(lab, { signal: new AbortController().signal }), "lxc/101", "stopped");
    expect(await sync(lab)).toMatchObject({ outcome: "unchanged" });
    await (await opened(lab)).host("pve").expect(change("rm", "-f", forGateway.certPath));
    expect(await sync(lab)).toMatchObject({ outcome: "changed" });
    expect(await keyIn(lab, "pve")).toBe("640 100000:100033\n");
  });
});

describe("Nginx in an unprivileged container", () => {
  test("cannot load a key that its root may not read; after a sync it can", async () => {
    const lab = await synced();
    expect(await syncLab(lab, site, [certificates, nginx])).toMatchObject({
      components: [{ outcome: "unchanged" }, { outcome: "changed" }],
    });
    const world = await opened(lab);
    await world.host("pve").expect(change("chown", "root:www-data", onDisk));
    const test = await world.host("lxc/101").run(read("nginx", "-t"));
    expect(test).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("Permission denied") });
    await sync(lab);
    expect(await world.host("lxc/101").run(read("nginx", "-t"))).toMatchObject({ exitCode: 0 });
  });
});

describe("the user of the service that reads the key", () => {
  const hook = { command: "pct exec 101 -- systemctl reload nginx", from };
  const runsAs = async (lab: string, user: string) =>
    (await opened(lab))
      .host("lxc/101")
      .writeFiles([{ path: "/etc/systemd/system/nginx.service", text: `[Service]\nUser=${user}\n` }]);

  test("is asked for in the guest: a service outside of the owner's group takes the change back", async () => {
    const lab = await synced();
    await runsAs(lab, "step");
    const claim = 'nginx in lxc/101 can read the key of "gateway.lab.test"';
    expect(failing((await verifyLab(lab, site, [certificates])).components[0]!)).toMatchObject([
      { claim, observed: `it runs as step, which may not read ${inGuest}` },
    ]);
    const forStep = siteWith({ owner: "root:step", postRenewal: hook });
    expect(await sync(lab, forStep)).toMatchObject({ outcome: "changed" });
    expect(failing((await verifyLab(lab, forStep, [certificates])).components[0]!)).toEqual([]);
    // A working owner is not lost to one that does not work.
    expect(await sync(lab, site)).toMatchObject({ outcome: "rolled-back" });
    expect(await keyIn(lab, "lxc/101")).toBe("640 0:998\n");
  });
});
