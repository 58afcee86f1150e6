/** A kept site has no secret in it, and is filled with those of the present one. */
import { mkdtempSync, rmSync } from "node:fs";
import { cp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fingerprintsBy } from "../../src/fingerprint.ts";
import { Secret } from "../../src/secret.ts";
import { changedReferences, filledSite, keptSite } from "../../src/site/kept.ts";
import { type LoadedSite, loadSite } from "../../src/site/load.ts";

const fingerprintOf = fingerprintsBy(new Secret("the key of a test"));
let root: string;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "phoenix-kept-"));
  await cp(join(import.meta.dirname, "../../examples/homelab"), root, { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true }));

const load = (): Promise<LoadedSite> => loadSite(root);
const keep = ({ files, references }: LoadedSite) => keptSite(files, references, fingerprintOf);
async function edit(name: string, change: (text: string) => string): Promise<void> {
  const path = join(root, name);
  const before = await readFile(path, "utf8");
  expect(change(before)).not.toBe(before);
  await writeFile(path, change(before));
}
const withVariable = (value: string) => (text: string) =>
  text.replace('"variables": [', `"variables": [ { "name": "EXTRA_PASSWORD", "value": "${value}" },`);

test("every file that was read comes back to the byte, and reads as the same site", async () => {
  await edit("etc/phoenix_lxc_configs.json", (text) => `\ufeff${text}`);
  await edit("stacks/wiki/phoenix.json", withVariable('pa\\"ss (secret#00000000)'));
  const loaded = await load();
  const { texts, changed, missing } = filledSite(keep(loaded).files, loaded.files, fingerprintOf);
  expect([changed, missing]).toEqual([[], []]);
  for (const [name, text] of texts) expect(text, name).toBe(await readFile(join(root, name), "utf8"));
  const again = await loadSite(root, { runsCommands: true, kept: texts });
  expect(again.site).toEqual(loaded.site);
  expect(again.site).toBeDefined();
});

test("no secret is in it: neither one written in clear nor the content of a mounted file", async () => {
  await edit("stacks/wiki/phoenix.json", withVariable("canary-variable"));
  await edit("stacks/grafana/prometheus.yml", (text) => `# canary-mounted\n${text}`);
  await edit("etc/phoenix_hypervisor_config.json", (text) =>
    text.replace("file:secrets/portainer_admin_password", "canary-admin-password"),
  );
  const kept = JSON.stringify(keep(await load()));
  expect(kept).not.toContain("canary");
  expect(kept).toContain("EXTRA_PASSWORD");
});

test("a secret that is another one now is named, and the present one is used", async () => {
  await edit("stacks/wiki/phoenix.json", withVariable("first-value"));
  const { files } = keep(await load());
  await edit("stacks/wiki/phoenix.json", (text) => text.replace("first-value", "second-value"));
  const { texts, changed, missing } = filledSite(files, (await load()).files, fingerprintOf);
  expect(changed).toEqual([expect.stringMatching(/^the secret in stacks\/wiki\/phoenix\.json:\d+:\d+$/)]);
  expect(missing).toEqual([]);
  expect(texts.get("stacks/wiki/phoenix.json")).toContain("second-value");
});

const mounted = "stacks/grafana/prometheus.yml";

test("a mounted file comes back as it was, also when it is gone, and is named", async () => {
  const before = await readFile(join(root, mounted), "utf8");
  const { files } = keep(await load());
  expect(filledSite(files, (await load()).files, fingerprintOf).restored).toEqual([]);
  await edit(mounted, (text) => `# changed\n${text}`);
  const present = (await load()).files;
  for (const now of [present, present.filter(({ name }) => name !== mounted)]) {
    const { texts, changed, restored, missing } = filledSite(files, now, fingerprintOf);
    expect([changed, restored, missing]).toEqual([[], [mounted], []]);
    expect(texts.get(mounted)).toBe(before);
  }
});

test("a mounted file whose seal cannot be opened stays as it is, and is named", async () => {
  const sealed = keep(await load()).files.map(({ content: _, ...file }) => file);
  await edit(mounted, (text) => `# changed\n${text}`);
  const present = (await load()).files;
  const { texts, changed, restored } = filledSite(sealed, present, fingerprintOf);
  expect([changed, restored]).toEqual([[`the content of ${mounted}`], []]);
  expect(texts.get(mounted)).toContain("# changed");
  const others = present.filter(({ name }) => name !== mounted);
  expect(filledSite(sealed, others, fingerprintOf).missing).toEqual([mounted]);
});

test("a secret that the site does not have any more is missing", async () => {
  const before = await readFile(join(root, "stacks/wiki/phoenix.json"), "utf8");
  await edit("stacks/wiki/phoenix.json", withVariable("first-value"));
  const { files } = keep(await load());
  await writeFile(join(root, "stacks/wiki/phoenix.json"), before);
  const { missing } = filledSite(files, (await load()).files, fingerprintOf);
  expect(missing).toEqual([expect.stringMatching(/^stacks\/wiki\/phoenix\.json:\d+:\d+$/)]);
});

test("a reference that leads to something else now is named", async () => {
  const before = await load();
  const { references } = keep(before);
  expect(changedReferences(references, before.references, fingerprintOf)).toEqual([]);
  await writeFile(join(root, "secrets/portainer_admin_password"), "another password of the admin");
  expect(changedReferences(references, (await load()).references, fingerprintOf)).toEqual([
    expect.stringMatching(/^the secret that etc\/phoenix_hypervisor_config\.json:\d+ refers to$/),
  ]);
});
