/** Making labs: the trees, mounts that lead to one directory, and what a lab refuses to overwrite. */
import { lstat, mkdir, readdir, readFile, readlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { growLab, initLab } from "../../lab/init.ts";
import { readLab } from "../../lab/lab-file.ts";
import { SiteError } from "../../src/errors.ts";
import { newDirectory, newLab, opened, read } from "./open.ts";
import { labSite, ollama } from "./site.ts";

const lab = await newLab();
const host = (name: string, ...path: string[]) => join(lab, "hosts", name, ...path);
const text = (...path: string[]) => readFile(join(lab, "hosts", ...path), "utf8");

describe("a new lab", () => {
  test("has a tree for the hypervisor and for every guest that is no template", async () => {
    expect(await readdir(join(lab, "hosts"))).toEqual([
      "lxc-101",
      "lxc-102",
      "lxc-103",
      "lxc-104",
      "pve",
      "vm-1001",
      "vm-1002",
    ]);
    expect(readLab(lab)).toMatchObject({ version: 1, site: labSite.root });
  });

  test("has /etc/pve as pmxcfs shows it", async () => {
    expect(JSON.parse(await text("pve/etc/pve/.vmlist")).ids["1001"]).toMatchObject({
      node: "pve",
      type: "qemu",
    });
    expect(JSON.parse(await text("pve/etc/pve/.members")).nodename).toBe("pve");
    expect(await readlink(host("pve", "etc/pve/lxc"))).toBe("nodes/pve/lxc");
    expect(await text("pve/etc/pve/lxc/101.conf")).toContain("mp=/etc/nginx/ssl");
    expect(await text("pve/etc/pve/qemu-server/1001.conf")).toContain("agent: 1\n");
    expect(await readdir(host("pve", "etc/pve/firewall"))).toEqual([]);
  });

  test("has guests whose interface is filtered once their firewall is enabled", async () => {
    const flags = await Promise.all(
      ["lxc/101", "lxc/102", "lxc/103", "qemu-server/1001"].map(async (path) =>
        (await text(`pve/etc/pve/${path}.conf`)).includes("firewall=1"),
      ),
    );
    expect(flags).toEqual([true, true, true, true]);
  });

  test("has what packages bring", async () => {
    expect(await readdir(host("pve", "etc/dnsmasq.d"))).toEqual(["README", "local-network.conf"]);
    expect(await text("lxc-101/etc/nginx/nginx.conf")).toContain("include /etc/nginx/sites-enabled/*;");
    expect(await readlink(host("lxc-101", "etc/nginx/sites-enabled/default"))).toBe(
      "/etc/nginx/sites-available/default",
    );
    expect(await text("lxc-102/etc/traefik/traefik.yml")).toContain("directory: /etc/traefik/dynamic");
    expect(await readdir(host("lxc-102", "etc/traefik/dynamic"))).toEqual([]);
  });

  test("is private where it keeps secrets", async () => {
    expect((await lstat(join(lab, "state/facts.json"))).mode & 0o777).toBe(0o600);
  });

  test("shows mounts as links for people who look around", async () => {
    const link = await readlink(host("lxc-101", "etc/nginx/ssl"));
    expect(join(host("lxc-101", "etc/nginx"), link)).toBe(host("pve", "quickOS/lxc-persistent-data/101/ssl"));
  });
});

describe("one directory by several names", () => {
  test("a mount point of a container, a dataset below /mnt/pve, a share of a virtual machine", async () => {
    const world = await opened(lab);
    const written = "/mnt/pve/quickOS/lxc-persistent-data/101/ssl/nginx.crt";
    await world
      .host("pve")
      .writeFiles([{ path: written, text: "certificate", mode: "640", owner: "100000:100033" }]);
    const native = written.replace("/mnt/pve", "");
    expect((await world.host("pve").readFiles([native])).get(native)?.text).toBe("certificate");
    const inGuest = await world.host("lxc/101").readFiles(["/etc/nginx/ssl/nginx.crt"]);
    expect(inGuest.get("/etc/nginx/ssl/nginx.crt")).toMatchObject({ mode: "640", owner: "root:www-data" });
    await world
      .host("vm/1001")
      .writeFiles([{ path: "/persistent-storage/portainer/x", text: "from the guest" }]);
    expect(await world.host("pve").list("/quickOS/vm-persistent-data/1001/portainer")).toEqual(["x"]);
  });

  test("a mount point cannot be removed", async () => {
    const gateway = (await opened(lab)).host("lxc/101");
    const result = await gateway.run({ argv: ["rm", "-rf", "/etc/nginx/ssl"], effect: "change" });
    expect(result).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("Device or resource busy") });
  });
});

describe("a directory that is taken", () => {
  test("by another lab", async () => {
    const failure = await initLab(lab, labSite).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(SiteError);
    expect(failure).toMatchObject({ hint: `make it anew: phoenix lab reset ${lab}` });
  });

  test("by anything else", async () => {
    const directory = await newDirectory();
    await writeFile(join(directory, "thesis.tex"), "years of work");
    await expect(initLab(directory, labSite)).rejects.toThrow("is not empty");
    expect(await readdir(directory)).toEqual(["thesis.tex"]);
  });

  test("not by an empty directory below one that is missing", async () => {
    const directory = join(await newDirectory(), "a/b");
    await mkdir(directory, { recursive: true });
    await initLab(directory, labSite);
    expect(readLab(directory).site).toBe(labSite.root);
  });
});

test("a site that has grown brings its new guest and service into the lab, and changes nothing else", async () => {
  const small = { ...labSite, guests: labSite.guests.filter((guest) => guest !== ollama), services: [] };
  const directory = await newLab(small);
  await writeFile(join(directory, "hosts/lxc-101/etc/edited"), "by hand");
  await growLab(directory, labSite);
  const world = await opened(directory);
  expect((await world.host("lxc/104").run(read("hostname"))).stdout).toBe("ollama\n");
  expect((await world.network.connect("10.0.0.155", 11434)).ok).toBe(true);
  expect(await readFile(join(directory, "hosts/lxc-101/etc/edited"), "utf8")).toBe("by hand");
});
