/** What `--ask` shows is what it does: nothing else, and nothing at all when a machine changed while the question stood. */
import { appendFileSync, cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { PlanDocument, ResultDocument } from "../../../src/render/output-schemas.ts";
import { call } from "../../cli/edge.ts";
import { handsIn } from "./hands.ts";
import { freshLab, syncedLab } from "./labs.ts";
import { complaints, planOf, syncAll } from "./phoenix.ts";
import { homelab, scenarios } from "./sites.ts";
import { differences, journal, treeOf } from "./tree.ts";

/** "create stacks/wiki", sorted. */
function steps({ components }: PlanDocument | ResultDocument): readonly string[] {
  return components.flatMap(({ changes }) => changes.map(({ verb, id }) => `${verb} ${id}`)).sort();
}

const asked = (lab: string, answer: () => Promise<string>) =>
  call(["sync", "all", "--ask", "--lab", lab, "--output", "json"], {}, answer);

describe.each(scenarios())("$name", (scenario) => {
  test("a first sync that was approved does what the plan listed, and counts it alike", async () => {
    const lab = await freshLab(scenario);
    const { document: listed } = await planOf(lab);
    const { code, stdout, stderr } = await asked(lab, async () => "y");
    const done = JSON.parse(stdout) as ResultDocument;
    expect(complaints(done), stderr).toEqual([]);
    expect(code).toBe(0);
    expect(steps(done)).toEqual(steps(listed));
    expect(done).toMatchObject({ created: listed.create, updated: listed.update, deleted: listed.delete });
    const shown = stderr.slice(0, stderr.indexOf("Apply it?"));
    const unseen = done.components.flatMap(({ changes }) =>
      changes.filter(({ id }) => !shown.includes(`${id.slice(id.indexOf("/") + 1)}`)).map(({ id }) => id),
    );
    expect(unseen).toEqual([]);
    expect(shown).toContain(`Plan: ${done.created} to create, ${done.updated} to update, 0 to delete`);
  });
});

test("without a question the counts are those of the plan as well", async () => {
  const lab = await freshLab(homelab);
  const { document: listed } = await planOf(lab);
  const { document: done } = await syncAll(lab);
  expect(steps(done)).toEqual(steps(listed));
});

test("a host that changed while the question stood is left alone, and so are all others", async () => {
  const lab = await freshLab(homelab);
  let before: ReturnType<typeof treeOf> | undefined;
  const { code, stderr } = await asked(lab, async () => {
    appendFileSync(join(lab, "hosts/lxc-210/etc/nginx/sites-available/gateway"), "# by hand\n");
    before = treeOf(lab);
    return "y";
  });
  expect(code, stderr).toBe(5);
  expect(stderr).toContain("the live state of nginx changed after the plan was shown; nothing was changed");
  expect(differences(before as ReturnType<typeof treeOf>, treeOf(lab), [journal, /^state$/])).toEqual([]);
});

test("what Portainer kept while it was stopped is listed as unknown, and not counted as created", async () => {
  const lab = await syncedLab(homelab);
  const hands = handsIn(lab);
  await hands.run("vm/310", "docker", "stop", "portainer_server");
  const { document: listed } = await planOf(lab);
  expect(listed.create).toBe(0);
  const { code, stdout, stderr } = await asked(lab, async () => "y");
  expect(code, stderr + stdout).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ created: 0, updated: 1, deleted: 0 });
  expect(stderr).toContain("to create or update once it is ready: grafana on vm/311 (docker-one)");
});

test("warnings of the site that the last run did not have are told, once", async () => {
  const lab = await syncedLab(homelab);
  const site = join(lab, "../site");
  cpSync(homelab.root, site, { recursive: true });
  const path = join(site, "etc/phoenix_hypervisor_config.json");
  writeFileSync(path, readFileSync(path, "utf8").replace("{", '{\n  "nobody_knows_this": 1,'));
  const first = await syncAll(lab, "--site", site);
  expect(first.document.newWarnings).toMatchObject([
    {
      at: { file: "etc/phoenix_hypervisor_config.json", line: 2 },
      message: expect.stringContaining("nobody_knows_this"),
    },
  ]);
  expect((await syncAll(lab, "--site", site)).document.newWarnings).toEqual([]);
});
