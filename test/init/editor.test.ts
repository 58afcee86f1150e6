/** A new site in an editor: its files are without a mark, mistakes in them are marked, keys and words are offered. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { siteFiles } from "../../src/site/shapes/files.ts";
import { openEditor } from "./editor.ts";
import { full, writtenSite } from "./site.ts";

const root = await writtenSite(full);
afterAll(() => rmSync(join(root, ".."), { recursive: true }));

const files = [
  siteFiles.hypervisor,
  siteFiles.lxc,
  siteFiles.vm,
  siteFiles.certificates,
  "stacks/portainer_service/phoenix.json",
];

describe.each([
  ["by .vscode/settings.json", true],
  ["by each file's $schema", false],
])("an editor that finds the schemas %s", (_, usesSettings) => {
  const editor = openEditor(root, usesSettings);

  test.each(files)("%s has no mark", async (file) => {
    expect(await editor.marks(file)).toEqual([]);
  });

  test.each([
    [siteFiles.lxc, "traefik_service", "traefik_servce"],
    [siteFiles.hypervisor, "upstream_servers", "upstream_server"],
    [siteFiles.vm, "portainer_role", "portainer_rol"],
    [siteFiles.certificates, "key_path", "key_pth"],
  ])("%s: a mistyped %s is marked", async (file, key, slip) => {
    const marks = await editor.marks(file, (text) => text.replace(`"${key}"`, `"${slip}"`));
    expect(marks.join("\n")).toContain(`"${slip}": Property ${slip} is not allowed`);
  });

  test.each([
    [siteFiles.hypervisor, '"enabled": true', '"enabled": "yes"'],
    [siteFiles.lxc, '"fabric_role": "ca"', '"fabric_role": "database"'],
    [siteFiles.lxc, '"port": 9000', '"port": 90000'],
  ])("%s: %s is marked as %s", async (file, value, wrong) => {
    expect(await editor.marks(file, (text) => text.replace(value, wrong))).not.toEqual([]);
  });

  test.each([
    [siteFiles.lxc, '"fabric_role": ', ['"gateway"', '"mesh"', '"ca"']],
    [siteFiles.hypervisor, '"default_input_policy": ', ['"ACCEPT"', '"DROP"', '"REJECT"']],
    [siteFiles.hypervisor, '"type": ', ['"in"', '"out"']],
    [siteFiles.vm, '"portainer_role": ', ['"primary"', '"agent"', '"none"']],
    [siteFiles.hypervisor, '"enabled": ', ["true", "false"]],
  ])("%s: behind %s stand the words that it can have", async (file, before, words) => {
    expect(await editor.offers(file, before)).toEqual(expect.arrayContaining(words));
  });

  test("keys are offered and explained", async () => {
    expect(await editor.offers(siteFiles.hypervisor, '"step_ca": {')).toEqual(
      expect.arrayContaining(["port", "root_certificate_file"]),
    );
    expect(await editor.explains(siteFiles.hypervisor, '"domain_name"')).toContain("The site's domain");
  });
});
