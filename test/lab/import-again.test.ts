/** A second import into the same directory: shown, then merged, and what a person wrote stays. */
import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { call } from "../cli/edge.ts";
import { hostLab, newDirectory } from "./open.ts";

let lab: string;
let site: string;
const path = (file: string): string => join(site, file);
const machines = "etc/phoenix_vm_configs.json";
const gitea = "stacks/gitea/docker-compose.yml";

const importAgain = (...more: string[]) => call(["import", site, "--lab", lab, ...more]);
const edit = async (file: string, from: string, to: string) => {
  const text = await readFile(file, "utf8");
  expect(text).toContain(from);
  await writeFile(file, text.replace(from, to));
};
const onHost = (file: string, from: string, to: string) => edit(join(lab, "hosts", file), from, to);

async function everything(): Promise<unknown> {
  const names = (await readdir(site, { recursive: true, withFileTypes: true })).filter((each) =>
    each.isFile(),
  );
  return Promise.all(
    names.map(async ({ parentPath, name }) => [name, await readFile(join(parentPath, name), "utf8")]),
  );
}

beforeEach(async () => {
  lab = await hostLab("plain-compose");
  site = join(await newDirectory(), "site");
  const { stderr } = await importAgain();
  expect(stderr).not.toContain("Error");
  expect(stderr).toContain(`\`phoenix check --site ${site} --lab ${lab}\` shows them`);
});

test("a site that took over what people wrote in dnsmasq's files misses nothing", async () => {
  lab = await hostLab("caddy");
  site = join(await newDirectory(), "site");
  await importAgain();
  const synced = await call(["sync", "dns", "--site", site, "--lab", lab, "--allow", "adopt", "--yes"]);
  expect(synced.code, synced.stdout + synced.stderr).toBe(0);
  const { stdout, stderr } = await importAgain();
  expect(stdout + stderr).not.toContain("was not found any more");
});

describe("a site that is there", () => {
  test("is in sync while nothing has changed, and secrets are their owner's alone", async () => {
    const before = await everything();
    expect(await importAgain()).toMatchObject({ code: 0, stdout: expect.stringMatching(/^In sync: /) });
    expect(await everything()).toEqual(before);
    expect((await stat(path("secrets/gitea/DB_PASSWORD"))).mode & 0o777).toBe(0o600);
    expect((await stat(path(".import/last.json"))).mode & 0o777).toBe(0o600);
  });

  test("keeps out of git what has passwords", async () => {
    const ignored = (await readFile(path(".gitignore"), "utf8")).split("\n");
    expect(ignored).toEqual(expect.arrayContaining(["/secrets/", "/.import/", `/${gitea}`]));
    expect(ignored).not.toContain("/IMPORT.md");
  });

  test("is shown what the host changed, and not written without --merge", async () => {
    await onHost("vm-301/opt/stacks/gitea/docker-compose.yml", "gitea/gitea:1.22", "gitea/gitea:1.23");
    const before = await everything();
    const { code, stdout } = await importAgain();
    expect(code).toBe(2);
    expect(stdout).toMatch(/^~ stacks\/gitea\/docker-compose.yml\n/);
    expect(stdout).toContain("+    image: gitea/gitea:1.23");
    expect(stdout).toContain(
      `Nothing was written. \`phoenix import ${site} --merge --lab ${lab}\` writes this.`,
    );
    expect(await everything()).toEqual(before);
  });

  test("gets with --merge what the host changed, and keeps what a person wrote", async () => {
    await edit(path(machines), '"name": "apps"', '// Ours.\n      "name": "apps"');
    await edit(path(gitea), "# Gitea for the family", "# Gitea for the family and friends");
    await chmod(path(gitea), 0o640);
    await onHost("vm-301/opt/stacks/gitea/docker-compose.yml", "gitea/gitea:1.22", "gitea/gitea:1.23");
    await onHost("vm-301/opt/stacks/gitea/.env", "DB_PASSWORD=", "DB_PASSWORD=new-");
    expect(await importAgain("--merge")).toMatchObject({ stdout: expect.stringContaining("Merged into ") });
    const text = await readFile(path(gitea), "utf8");
    expect(text).toContain("# Gitea for the family and friends");
    expect(text).toContain("gitea/gitea:1.23");
    expect(await readFile(path(machines), "utf8")).toContain("// Ours.");
    expect(await readFile(path("secrets/gitea/DB_PASSWORD"), "utf8")).toMatch(/^new-/);
    expect(await importAgain()).toMatchObject({ code: 0 });
  });

  test("keeps a person's value where the host changed it too, and both are told", async () => {
    await edit(path(machines), '"name": "apps"', '"name": "mine"');
    await onHost("pve/etc/pve/nodes/pve/qemu-server/301.conf", "name: apps", "name: theirs");
    const shown = await importAgain();
    expect(shown).toMatchObject({
      code: 2,
      stdout: expect.stringContaining('vms.301.name is "mine" here and "theirs" on the host'),
    });
    const { stdout } = await importAgain("--merge", "--output", "json");
    expect(JSON.parse(stdout).merge).toMatchObject({
      written: true,
      files: expect.arrayContaining([
        expect.objectContaining({
          path: machines,
          conflicts: [{ path: "vms.301.name", line: 6, own: '"mine"', found: '"theirs"' }],
        }),
      ]),
    });
    expect(await readFile(path(machines), "utf8")).toContain('"name": "mine"');
  });

  test("keeps what the host has no more", async () => {
    await call(["lab", "break", "guest-down", "vm/301", "--lab", lab]);
    await importAgain("--merge");
    expect(await readFile(path(gitea), "utf8")).toContain("gitea/gitea:1.22");
  });

  test("shows no secret", async () => {
    await onHost("vm-301/opt/stacks/gitea/.env", "DB_PASSWORD=", "DB_PASSWORD=another-secret-");
    const { stdout } = await importAgain();
    expect(stdout).toContain("~ secrets/gitea/DB_PASSWORD");
    expect(stdout).not.toContain("another-secret");
  });
});

describe("what a person did to the site", () => {
  test.each([[], ["--merge"]])("breaks no file further, and its place is told (%s)", async (...more) => {
    await writeFile(path(machines), "{ broken");
    const before = await everything();
    const { code, stdout, stderr } = await importAgain(...more);
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toContain(`${machines}:1:3: error[PHX0005]`);
    expect(stderr).toContain(`the first at ${machines}:1:3; nothing was written`);
    expect(await everything()).toEqual(before);
  });

  test("is told where they removed a file, or an entry of one, that the host has", async () => {
    await edit(path(machines), '"start_at_boot": true', '"start_at_boot": false');
    await writeFile(path(machines), (await readFile(path(machines), "utf8")).replace(/,\n *"302": .*/, ""));
    await rm(path(gitea));
    const { code, stdout } = await importAgain();
    expect(code).toBe(0);
    expect(stdout).toContain("you removed: vms.302, which the host has; it stays removed");
    expect(stdout).toContain(`you removed: ${gitea}, which the host has; it stays removed`);
    expect(stdout).toMatch(/^In sync: the host has nothing new for .*, but for what you removed · /m);
    const { stdout: document } = await importAgain("--merge", "--output", "json");
    const removed = (JSON.parse(document).merge.files as { removed: string[] }[]).flatMap(
      (file) => file.removed,
    );
    expect(removed).toEqual(expect.arrayContaining(["vms.302", gitea]));
    expect(await readFile(path(machines), "utf8")).not.toContain('"302"');
    expect((await readdir(join(site, "stacks/gitea"))).includes("docker-compose.yml")).toBe(false);
  });

  test("stays through a merge, with their modes and links, and what is remembered stays private", async () => {
    await chmod(path(machines), 0o444);
    await rename(path(machines), path("machines.json"));
    await symlink("../machines.json", path(machines));
    await chmod(path(".import/last.json"), 0o644);
    await edit(path(".gitignore"), "/.import/", "/.import/\n/notes/");
    await onHost("pve/etc/pve/nodes/pve/qemu-server/301.conf", "name: apps", "name: theirs");
    await importAgain("--merge");
    expect(await readFile(path("machines.json"), "utf8")).toContain("theirs");
    expect((await lstat(path(machines))).isSymbolicLink()).toBe(true);
    expect((await stat(path(machines))).mode & 0o777).toBe(0o444);
    expect((await stat(path(".import/last.json"))).mode & 0o777).toBe(0o600);
    expect(await readFile(path(".gitignore"), "utf8")).toContain("/notes/");
  });

  test("is a link to the site's directory, which a merge goes through", async () => {
    const target = site;
    site = join(await newDirectory(), "a link's name");
    await symlink(target, site);
    await onHost("pve/etc/pve/nodes/pve/qemu-server/301.conf", "name: apps", "name: theirs");
    const shown = await importAgain();
    expect(shown.stdout).toContain(`\`phoenix import '${site.replace("'", "'\\''")}' --merge --lab ${lab}\``);
    const { stdout } = await importAgain("--merge");
    expect(stdout).not.toContain("Error");
    expect(await readFile(join(target, machines), "utf8")).toContain("theirs");
    expect((await lstat(site)).isSymbolicLink()).toBe(true);
  });

  test.each([
    ['{ "version": 99, "files": {} }', "written by a newer phoenix: it has format 99, not 1"],
    ["{ half", "is damaged"],
    ['{ "files": {} }', "is damaged"],
  ])("to what is remembered is an error: %s", async (text, message) => {
    await writeFile(path(".import/last.json"), text);
    const before = await everything();
    const { code, stderr } = await importAgain("--merge");
    expect(code).toBe(1);
    expect(stderr).toContain(message);
    expect(await everything()).toEqual(before);
  });
});

test("a repository before its first site counts as empty, and keeps its files", async () => {
  site = await newDirectory();
  await mkdir(join(site, ".git"));
  await writeFile(path("README.md"), "Ours.\n");
  await writeFile(path(".gitignore"), "/notes/");
  const { stdout } = await importAgain("--quiet");
  expect(stdout).toMatch(/^Wrote /);
  expect(await readFile(path("README.md"), "utf8")).toBe("Ours.\n");
  const ignored = (await readFile(path(".gitignore"), "utf8")).split("\n");
  expect(ignored).toEqual(expect.arrayContaining(["/notes/", "/secrets/", "/.import/", `/${gitea}`]));
  expect((await importAgain()).code).toBe(0);
});

test("a directory with something else is refused", async () => {
  site = await newDirectory();
  await mkdir(join(site, "photos"));
  expect(await importAgain("--merge")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("is not empty"),
  });
  expect(await readdir(site)).toEqual(["photos"]);
});

test("an empty directory is used as it is", async () => {
  site = await newDirectory();
  await importAgain();
  expect(await readdir(site)).toContain("etc");
  expect((await importAgain()).code).toBe(0);
});
