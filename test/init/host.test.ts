/** `phoenix init` on a host: what it knows, what it offers, what it leaves out. The host is a lab. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call } from "../cli/edge.ts";
import { differences, treeOf } from "../lab/scenarios/tree.ts";

const home = mkdtempSync(join(tmpdir(), "phoenix-init-host-"));
const lab = join(home, "lab");
const homelab = join(import.meta.dirname, "../../examples/homelab");

beforeAll(async () => {
  expect(await call(["lab", "init", lab, "--site", homelab])).toMatchObject({ code: 0 });
});
afterAll(() => rmSync(home, { recursive: true }));

const guestsIn = (site: string): string =>
  ["lxc", "vm"].map((kind) => readFileSync(join(site, `etc/phoenix_${kind}_configs.json`), "utf8")).join("");

test("with --yes it takes domain, address, bridge and guests from the host, on which nothing is changed", async () => {
  const site = join(home, "all");
  const before = treeOf(lab);
  const { code, stdout, stderr } = await call([
    ...["init", site, "--lab", lab, "--yes", "--parts", "dns,firewall,portainer"],
  ]);
  expect(`${code} ${stderr}`).toBe("0 ");
  // Every role has its guest on this host.
  expect(stdout).not.toContain("Create these guests");
  const config = readFileSync(join(site, "etc/phoenix_hypervisor_config.json"), "utf8");
  expect(config).toContain('"domain_name": "oak.home.arpa"');
  expect(config).toContain('"address": "192.168.40.2/24"');
  const guests = guestsIn(site);
  for (const name of ["gateway", "media", "photos", "docker-one"])
    expect(guests).toContain(`"name": "${name}"`);
  // The gateway has a mount point for its certificate already.
  expect(guests).toContain("/tank/lxc-persistent-data/210/ssl");
  expect(readFileSync(join(site, "etc/certificate-manifest.json"), "utf8")).toMatch(
    /"cert_path": ".*\/tank\/lxc-persistent-data\/210\/ssl\/gateway\.crt"/,
  );
  expect((await call(["check", "--site", site])).stdout).toMatch(/^0 errors, 0 warnings/m);
  expect(differences(before, treeOf(lab))).toEqual([]);
});

test("what was said takes precedence, and a guest replaces the one with its id", async () => {
  const site = join(home, "said");
  const said = ["--domain", "elm.home.arpa", "--container", "220:films:192.168.40.20:8096"];
  expect(
    await call(["init", site, "--lab", lab, "--yes", ...said, "--parts", "dns,firewall,portainer"]),
  ).toMatchObject({
    code: 0,
  });
  expect(readFileSync(join(site, "etc/phoenix_hypervisor_config.json"), "utf8")).toContain("elm.home.arpa");
  expect(guestsIn(site)).toContain('"name": "films"');
  expect(guestsIn(site)).not.toContain('"name": "media"');
});

test("at a terminal it offers what the host says", async () => {
  const site = join(home, "asked");
  const answers = ["", "", "dns,firewall,portainer", ""];
  const { code, stderr } = await call(
    ["init", site, "--lab", lab],
    {},
    async () => answers.shift() as string,
  );
  expect(code).toBe(0);
  expect(stderr).toContain("Domain of your services [oak.home.arpa]: ");
  expect(stderr).toContain("[192.168.40.2/24]: ");
  expect(stderr).toContain("lxc/220  media  192.168.40.20");
});

test("a second guest with one name is left out and told, and new guests get what is free", async () => {
  const site = join(home, "twice");
  const file = join(lab, "hosts/pve/etc/pve/lxc/223.conf");
  const before = readFileSync(file, "utf8");
  const without = join(lab, "hosts/pve/etc/pve/lxc/212.conf");
  const ca = readFileSync(without, "utf8");
  writeFileSync(file, before.replace(/^hostname: .*$/m, "hostname: media"));
  writeFileSync(without, ca.replace(/^hostname: .*$/m, "hostname: archive"));
  try {
    const { code, stdout, stderr } = await call([
      ...["init", site, "--lab", lab, "--yes", "--parts", "dns,firewall,portainer"],
    ]);
    expect(code).toBe(0);
    expect(stderr).toContain("left out: lxc/223 (media) has the name or the address of lxc/220");
    expect(stdout).toContain("lxc/100  ca  192.168.40.3");
    expect(guestsIn(site)).not.toContain('"223"');
  } finally {
    writeFileSync(file, before);
    writeFileSync(without, ca);
  }
});
