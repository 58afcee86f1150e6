/** A saved plan does exactly what it lists, or nothing: it names what moved on the host, in the site, or by another run. */
import { appendFileSync, chmodSync, cpSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test, vi } from "vitest";
import type { ResultDocument } from "../../src/render/output-schemas.ts";
import { call } from "../cli/edge.ts";
import { handsIn } from "./scenarios/hands.ts";
import { freshLab, syncedLab } from "./scenarios/labs.ts";
import { changedIds, planOf, syncOf } from "./scenarios/phoenix.ts";
import { homelab } from "./scenarios/sites.ts";
import { differences, journal, treeOf } from "./scenarios/tree.ts";

const records = "/etc/phoenix/hosts.d/phoenix.hosts";

// The first test makes the lab, on a machine that may be busy with other things.
vi.setConfig({ testTimeout: 180_000 });

interface Scene {
  readonly lab: string;
  readonly site: string;
  readonly file: string;
}

/** A lab with a site of its own, whose file of records was edited by hand, and a saved plan to put that right. */
async function scene(...words: readonly string[]): Promise<Scene> {
  const made = await place(await syncedLab(homelab));
  handsIn(made.lab).edit("pve", records, (text) => `${text}10.0.0.250 hand.lan\n`);
  expect((await save(made, ...words)).code).toBe(2);
  return made;
}

async function place(lab: string): Promise<Scene> {
  const site = join(dirname(lab), "site");
  cpSync(homelab.root, site, { recursive: true });
  return { lab, site, file: join(dirname(lab), "saved.plan") };
}

const save = ({ lab, site, file }: Scene, ...words: readonly string[]) =>
  call(["plan", ...words, "-o", file, "--lab", lab, "--site", site]);

const apply = ({ lab, site, file }: Scene, ...words: readonly string[]) =>
  call(["sync", "--plan", file, "--lab", lab, "--site", site, ...words]);

/** Applies the plan, which must be refused with these words and change nothing. */
async function expectRefused(at: Scene, ...named: readonly (string | RegExp)[]): Promise<void> {
  const before = treeOf(at.lab);
  const { code, stderr } = await apply(at);
  expect(code, stderr).toBe(5);
  for (const word of named) expect(stderr).toMatch(word);
  expect(differences(before, treeOf(at.lab), [journal, /^state$/])).toEqual([]);
}

test("unmoved it is done, with no other change", async () => {
  const at = await scene();
  expect((statSync(at.file).mode & 0o777).toString(8)).toBe("600");
  const dry = await apply(at, "--dry-run");
  expect(dry.code, dry.stderr).toBe(2);
  expect(dry.stdout).toContain("hand.lan");
  const { code, stdout, stderr } = await apply(at, "--output", "json");
  expect(code, stderr).toBe(0);
  expect(changedIds(JSON.parse(stdout) as ResultDocument)).toEqual(["dns/records"]);
  expect(handsIn(at.lab).text("pve", records)).not.toContain("hand.lan");
  // Done is done: the run that did it came between.
  await expectRefused(at, /run 2 \(sync all by .*\) changed dns\/records/);
});

test("a first plan, most of which cannot be read yet, is done as well", async () => {
  const at = await place(await freshLab(homelab));
  const listed = changedIds((await planOf(at.lab, "--site", at.site)).document);
  expect((await save(at)).code).toBe(2);
  const { code, stdout, stderr } = await apply(at, "--output", "json");
  expect(code, stderr).toBe(0);
  expect(changedIds(JSON.parse(stdout) as ResultDocument)).toEqual(listed);
});

test("a plan with nothing to do is saved, and done", async () => {
  const at = await place(await syncedLab(homelab));
  expect((await save(at)).code).toBe(0);
  expect((await apply(at)).code).toBe(0);
});

test("reality moved: the resource that was to change, and one that was in sync", async () => {
  const at = await scene();
  const hands = handsIn(at.lab);
  hands.edit("pve", records, (text) => `${text}10.0.0.251 second.lan\n`);
  hands.edit("pve", "/etc/dnsmasq.d/phoenix.conf", (text) => `${text}log-queries\n`);
  await expectRefused(
    at,
    /dns\/records changed on pve since/,
    /dns\/configuration was in sync and differs now: log-queries/,
  );
});

test("reality moved: somebody put it right by hand", async () => {
  const at = await scene("dns");
  handsIn(at.lab).edit("pve", records, (text) => text.replace("10.0.0.250 hand.lan\n", ""));
  await expectRefused(at, /dns\/records is as declared already/);
});

test("reality moved: what lies outside of the plan's components does not count", async () => {
  const at = await scene("dns");
  handsIn(at.lab).edit("pve", "/etc/pve/firewall/cluster.fw", (text) =>
    text.replace("policy_in: DROP", "policy_in: ACCEPT"),
  );
  const { code, stderr } = await apply(at);
  expect(code, stderr).toBe(0);
  expect(handsIn(at.lab).text("pve", "/etc/pve/firewall/cluster.fw")).toContain("policy_in: ACCEPT");
});

test("the site moved: each file, and a secret that only a file outside of them holds", async () => {
  const at = await scene();
  appendFileSync(join(at.site, "etc/phoenix_lxc_configs.json"), "\n");
  appendFileSync(join(at.site, "stacks/grafana/prometheus.yml"), "# more\n");
  await expectRefused(at, "etc/phoenix_lxc_configs.json changed", "stacks/grafana/prometheus.yml changed");
  const other = await scene();
  writeFileSync(join(other.site, "secrets/grafana_admin_password"), "another-password");
  await expectRefused(other, "a secret that the site's files refer to changed");
});

test("another run came between: it is named with what it changed", async () => {
  const at = await scene();
  expect((await syncOf(at.lab, "trust")).code).toBe(0);
  await expectRefused(at, /run 2 \(sync trust by .*, 0 s ago\) changed nothing/);
});

test("a plan of another host is refused with both names", async () => {
  const [one, two] = [await scene(), await scene()];
  await expectRefused({ ...two, file: one.file }, `was made for lab ${one.lab}; this is lab ${two.lab}`);
});

test("a plan that was edited, cut, or never was one is told apart", async () => {
  const at = await scene();
  const text = readFileSync(at.file, "utf8");
  writeFileSync(at.file, text.replace('"verb": "update"', '"verb": "delete"'));
  await expectRefused(at, "was edited after phoenix saved it");
  writeFileSync(at.file, text.slice(0, -100));
  expect(await apply(at)).toMatchObject({ code: 1, stderr: expect.stringContaining("is damaged") });
  writeFileSync(at.file, text.replace("saved-plan/1", "saved-plan/2"));
  expect(await apply(at)).toMatchObject({ code: 1, stderr: expect.stringContaining("by a newer phoenix") });
  writeFileSync(at.file, (await planOf(at.lab)).stdout);
  expect(await apply(at)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("but the output of a plan"),
  });
  // It is somebody's file, and stays.
  expect(await save(at)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("it is not a saved plan"),
  });
});

test("what a saved plan is for is not to be said again, or otherwise", async () => {
  const at = await scene("dns");
  expect(await apply(at, "--allow", "prune")).toMatchObject({ code: 64 });
  expect(await call(["sync", "firewall", "--plan", at.file, "--lab", at.lab])).toMatchObject({ code: 64 });
  chmodSync(at.file, 0o666);
  const { code, stderr } = await apply(at);
  expect(code, stderr).toBe(0);
  expect(stderr).toContain("can be written by others (mode 666)");
});

test("consents are the plan's own", async () => {
  const at = await place(await syncedLab(homelab));
  const path = join(at.site, "etc/phoenix_vm_configs.json");
  const text = readFileSync(path, "utf8");
  writeFileSync(path, text.replace(/"homepage",?\s*/, ""));
  expect(readFileSync(path, "utf8")).not.toBe(text);
  expect((await save(at, "--allow", "prune")).code).toBe(2);
  const { code, stdout, stderr } = await apply(at, "--output", "json");
  expect(code, stderr).toBe(0);
  expect((JSON.parse(stdout) as ResultDocument).deleted).toBeGreaterThan(0);
});
