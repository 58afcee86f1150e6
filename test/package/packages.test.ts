/** The packages, as people install them: in Debian trees without a network, by npm, and as a file alone. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { version } from "../../src/cli/version.ts";
import { buildCopy } from "./checkouts.ts";
import { type DebianTree, obstacle, openTree, type Suite } from "./debian.ts";

const unavailable = await obstacle();
if (unavailable !== undefined) process.stderr.write(`packages: their tests are skipped: ${unavailable}\n`);

/** A version before every other. */
const older = "0.0.9";
const home = mkdtempSync(join(tmpdir(), "phoenix-packages-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));
/** Packages of this version, and Debian packages of an older one in "older". */
let packages = "";
/** The same packages, built elsewhere. */
let again = "";

const small = `phoenix-hypervisor_${version}-1_all.deb`;
const standalone = `phoenix-hypervisor-standalone_${version}-1_amd64.deb`;
const olderOf = (deb: string): string => `older/${deb.replace(version, older)}`;

describe.skipIf(unavailable !== undefined)("packages", () => {
  beforeAll(async () => {
    packages = await buildCopy(join(home, "one"), []);
    again = await buildCopy(join(home, "another/and/deeper"), [], { umask: "077" });
    const before = await buildCopy(join(home, "older"), ["deb", "standalone"], { version: older });
    mkdirSync(join(packages, "older"));
    for (const deb of readdirSync(before).filter((name) => name.endsWith(".deb")))
      execFileSync("cp", [join(before, deb), join(packages, "older")]);
  }, 600_000);

  test("two builds are the same bytes, and SHA256SUMS says which", () => {
    const sums = readFileSync(join(packages, "SHA256SUMS"), "utf8");
    expect(sums.trim().split("\n")).toHaveLength(7);
    expect(sums).toBe(readFileSync(join(again, "SHA256SUMS"), "utf8"));
    execFileSync("sha256sum", ["--check", "--strict", "--quiet", "SHA256SUMS"], { cwd: packages });
  });

  describe("the one with the executable, on Debian 12 without Node", () => {
    lifeOf("bookworm", standalone, async (tree) => {
      expect((await tree.run("command -v node")).exitCode).not.toBe(0);
    });
  });

  describe("the small one, on Debian 13 with its own Node", () => {
    lifeOf("trixie", small, async (tree) => {
      expect(await tree.expect("node --version")).toMatch(/^v20\./);
      // The launcher names Debian's Node: another one that is first on the PATH does not matter.
      const said = await tree.expect(
        'ln -s /bin/false /usr/local/bin/node; PATH="/usr/local/bin:$PATH" phoenix --version',
      );
      expect(said).toBe(`phoenix ${version}\n`);
      expect(await tree.expect("ls /usr/lib/phoenix/dist")).toMatch(/^product\.js\.v20\.[\d.]+-x64\.cache$/m);
      await tree.expect("rm /usr/local/bin/node");
    });

    test("each Debian package takes the other's place, and keeps the state when the other is purged", async () => {
      const tree = await openTree("trixie", packages);
      try {
        await tree.expect(`dpkg -i /mnt/${small}`);
        await tree.expect(plantState);
        for (const [next, replaced] of [
          [standalone, "phoenix-hypervisor"],
          [small, "phoenix-hypervisor-standalone"],
        ]) {
          expect(await tree.expect(`dpkg -i /mnt/${next}`)).toContain(`removing ${replaced}`);
          expect(await tree.expect("phoenix --version")).toBe(`phoenix ${version}\n`);
          expect(await tree.expect("dpkg --audit")).toBe("");
          await tree.expect(`dpkg --purge ${replaced}`);
          expect(await tree.expect(showState)).toBe(plantedState);
        }
      } finally {
        tree.remove();
      }
    }, 120_000);
  });

  test("the file alone has everything that the program needs", () => {
    const phoenix = join(packages, `phoenix-${version}-linux-x64`);
    const said = (...args: readonly string[]): string =>
      execFileSync(phoenix, args, { cwd: home, encoding: "utf8", env: { PATH: "/usr/bin:/bin" } });
    expect(said("--version")).toBe(`phoenix ${version}\n`);
    expect(said("lab", "init", "lab", "--site", join(home, "one/examples/homelab"))).toContain("Made a lab");
    expect(said("lab", "status", "lab")).not.toBe("");
    expect(spawnSync(phoenix, ["plan", "--lab", "lab"], { cwd: home })).toMatchObject({ status: 2 });
  });

  test("npm installs it globally, without another package and without a network", () => {
    const prefix = join(home, "npm");
    const tarball = join(packages, `phoenix-hypervisor-${version}.tgz`);
    execFileSync("npm", ["install", "--global", "--offline", "--prefix", prefix, tarball], { cwd: home });
    const modules = join(prefix, "lib/node_modules");
    expect(readdirSync(modules)).toEqual(["phoenix-hypervisor"]);
    expect(existsSync(join(modules, "phoenix-hypervisor/node_modules"))).toBe(false);
    const said = (...args: readonly string[]): string =>
      execFileSync(join(prefix, "bin/phoenix"), args, { cwd: home, encoding: "utf8" });
    expect(said("--version")).toBe(`phoenix ${version}\n`);
    const site = join(modules, "phoenix-hypervisor/examples/homelab");
    expect(said("check", "--site", site)).toMatch(/^0 errors, 0 warnings/);
    expect(said("lab", "init", "npm-lab", "--site", site)).toContain("Made a lab");
    expect(readdirSync(join(prefix, "share/man/man1"))).toContain("phoenix-sync.1");
  });

  test("the bill of materials lists what is in the program, and Node where it is inside", () => {
    const billOf = (name: string): readonly { name: string; version: string; hashes?: unknown }[] =>
      JSON.parse(readFileSync(join(packages, name), "utf8")).components;
    const licences = execFileSync(
      "tar",
      ["-xzOf", join(packages, `phoenix-hypervisor-${version}.tgz`), "package/dist/LICENSES.txt"],
      { encoding: "utf8" },
    );
    const program = billOf(`phoenix-${version}.cdx.json`);
    expect(program.length).toBeGreaterThan(20);
    expect(program.filter((each) => !licences.includes(`${each.name} ${each.version} (`))).toEqual([]);
    expect(program.filter(({ hashes }) => hashes === undefined)).toEqual([]);
    const executable = billOf(`phoenix-${version}-linux-x64.cdx.json`);
    const names = executable.slice(program.length).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["node", "openssl", "v8"]));
  });
});

const plantedState =
  "700 /var/lib/phoenix\n600 /var/lib/phoenix/inventory.json\n600 /var/lib/phoenix/secrets/agent\n";
const plantState = `umask 077; mkdir -p /var/lib/phoenix/secrets; echo x >/var/lib/phoenix/secrets/agent
  echo '{"version":1,"owned":{}}' >/var/lib/phoenix/inventory.json`;
const showState =
  "stat -c '%a %n' /var/lib/phoenix /var/lib/phoenix/inventory.json /var/lib/phoenix/secrets/agent";
/** All files, without those of dpkg, of man's index and of the log, which every package changes. */
const listFiles = `find / -xdev \\( -path /proc -o -path /dev -o -path /mnt -o -path /var/lib/dpkg -o -path /var/cache \\
  -o -path /var/log -o -path /tmp \\) -prune -o -print | sort`;

/** What a Debian package does from its installation to its purge. */
function lifeOf(suite: Suite, deb: string, more: (tree: DebianTree) => Promise<void>): void {
  const name = deb.slice(0, deb.indexOf("_"));
  let tree: DebianTree;
  let before = "";
  beforeAll(async () => {
    tree = await openTree(suite, packages);
    before = await tree.expect(listFiles);
  }, 600_000);
  afterAll(() => tree?.remove());

  const install = (file: string): Promise<string> => tree.expect(`dpkg -i /mnt/${file}`);
  const versionOf = (): Promise<string> => tree.expect("phoenix --version && phoenix-cli --version");

  test("installs without a network", async () => {
    expect(await tree.expect("tail -n +3 /proc/net/dev")).toMatch(/^\s*lo:.*\n$/);
    await install(olderOf(deb));
    expect(await versionOf()).toBe(`phoenix ${older}\n`.repeat(2));
  });

  test("upgrades and downgrades, and keeps the state", async () => {
    await tree.expect(plantState);
    await install(deb);
    expect(await versionOf()).toBe(`phoenix ${version}\n`.repeat(2));
    await install(olderOf(deb));
    expect(await versionOf()).toBe(`phoenix ${older}\n`.repeat(2));
    await install(deb);
    expect(await tree.expect(showState)).toBe(plantedState);
    expect(await tree.expect(`dpkg --audit; dpkg --verify ${name}`)).toBe("");
    await more(tree);
  }, 120_000);

  test("brings examples that are right, man pages and completion", async () => {
    expect(await tree.expect("phoenix check --site /usr/share/doc/phoenix/examples/homelab")).toMatch(
      /^0 errors, 0 warnings/,
    );
    expect(await tree.expect("man phoenix")).toContain("phoenix - bring a Proxmox VE host's service fabric");
    expect(await tree.expect("man phoenix-sync | head -n 5")).toContain("PHOENIX-SYNC(1)");
    expect(await tree.expect("man 5 phoenix-site | grep -A1 domain_name")).toContain(
      "Text. The site's domain",
    );
    expect(await tree.expect("man --whatis phoenix-cli")).toContain("phoenix");
    const completes = `. /usr/share/bash-completion/completions/phoenix-cli; COMP_WORDS=(phoenix-cli sy); COMP_CWORD=1; _phoenix
      echo "\${COMPREPLY[@]}"`;
    expect(await tree.expect(`bash -c '${completes}'`)).toBe("sync\n");
  });

  test("brings timers that nothing enables", async () => {
    const units = await tree.expect("ls /usr/lib/systemd/system | grep phoenix");
    expect(units.trim().split("\n")).toEqual([
      "phoenix-certs.service",
      "phoenix-certs.timer",
      "phoenix-sync.service",
      "phoenix-sync.timer",
      "phoenix-verify.service",
      "phoenix-verify.timer",
    ]);
    expect(await tree.expect("find /etc/systemd /var/lib/systemd -name 'phoenix*'")).toBe("");
  });

  test("keeps the hourly look of an administrator who enabled it under its earlier name", async () => {
    const units = "/etc/systemd/system";
    await tree.expect(
      `mkdir -p ${units}/timers.target.wants ${units}/phoenix-drift.service.d
       ln -s /lib/systemd/system/phoenix-drift.timer ${units}/timers.target.wants/phoenix-drift.timer
       echo '[Unit]' >${units}/phoenix-drift.service.d/tell.conf`,
    );
    await install(deb);
    expect(await tree.expect(`readlink ${units}/timers.target.wants/phoenix-verify.timer`)).toBe(
      "/lib/systemd/system/phoenix-verify.timer\n",
    );
    expect(
      await tree.expect(
        `find ${units} -name 'phoenix-*' -path '*drift*'; ls ${units}/phoenix-verify.service.d`,
      ),
    ).toBe("tell.conf\n");
    await tree.expect(
      `rm -r ${units}/phoenix-verify.service.d ${units}/timers.target.wants/phoenix-verify.timer`,
    );
    await tree.expect(`rmdir --ignore-fail-on-non-empty ${units}/timers.target.wants`);
  });

  test("leaves the state when it is removed, and nothing when it is purged", async () => {
    await tree.expect(`dpkg --remove ${name}`);
    expect((await tree.run("command -v phoenix")).exitCode).not.toBe(0);
    expect(await tree.expect(showState)).toBe(plantedState);
    await install(deb);
    expect(await tree.expect(`dpkg --purge ${name}`)).toContain(
      "removing /var/lib/phoenix: Phoenix's history",
    );
    expect(await tree.expect(listFiles)).toBe(before);
  });
}
