/** One stack alone: nothing else is touched, and what it needs from other components is named with the command that brings it. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test, vi } from "vitest";
import type { PlanDocument, ResultDocument } from "../../src/render/output-schemas.ts";
import { call } from "../cli/edge.ts";
import { syncedLab } from "./scenarios/labs.ts";
import { changedIds, planOf } from "./scenarios/phoenix.ts";
import { homelab } from "./scenarios/sites.ts";

// The first lab is made, on a machine that may be busy with other things.
vi.setConfig({ testTimeout: 180_000 });

const needs =
  "stacks/notes needs what is not in place yet: dns (records), firewall (group-vm-311), certificates (gateway.oak.home.arpa), traefik (routes on lxc/211) and nginx (gateway on lxc/210)";
const brings = "phoenix sync dns firewall certificates traefik nginx";

/** A copy of a file of the wiki, for a stack of another name and port. */
function copied(site: string, file: string): void {
  const text = readFileSync(join(site, "stacks/wiki", file), "utf8");
  const renamed = text.replace(/wiki(?!_database_password|:2)/g, "notes").replace("handbook", "jotter");
  writeFileSync(join(site, "stacks/notes", file), renamed.replaceAll("3080", "3090"));
}

/** A lab that is in sync, and its site with one more stack. */
async function withNotes(): Promise<{ lab: string; site: string }> {
  const lab = await syncedLab(homelab);
  const site = join(dirname(lab), "site");
  cpSync(homelab.root, site, { recursive: true });
  mkdirSync(join(site, "stacks/notes"));
  for (const file of ["docker-compose.yml", "phoenix.json"]) copied(site, file);
  const machines = join(site, "etc/phoenix_vm_configs.json");
  writeFileSync(
    machines,
    readFileSync(machines, "utf8").replace('"grafana", "wiki"', '"grafana", "notes", "wiki"'),
  );
  return { lab, site };
}

/** The notes of a stack alone, from a document. */
function notesOf({ components }: PlanDocument | ResultDocument): string {
  return components.flatMap(({ notes }) => notes).join("\n");
}

test("a new stack alone says what of its way is missing, and what brings it", async () => {
  const { lab, site } = await withNotes();
  const at = ["--lab", lab, "--site", site, "--output", "json"];
  const planned = JSON.parse((await call(["plan", "stacks/notes", ...at])).stdout) as PlanDocument;
  expect(changedIds(planned)).toEqual(["stacks/notes"]);
  expect(notesOf(planned)).toContain(`${needs}; \`${brings} `);

  const first = await call(["sync", "stacks/notes", ...at]);
  expect(first.code).toBe(3);
  const done = JSON.parse(first.stdout) as ResultDocument;
  expect(changedIds(done)).toEqual(["stacks/notes"]);
  expect(notesOf(done)).toContain(needs);
  expect(done.apart).toEqual(["dns", "firewall", "certificates", "traefik", "nginx"]);

  // Another stack is not concerned: the same records, rules and routes differ, and nothing of them is its own.
  const other = JSON.parse((await call(["plan", "stacks/wiki", ...at])).stdout) as PlanDocument;
  expect(notesOf(other)).not.toContain("needs");

  const [, , ...rest] = brings.split(" ");
  expect((await call(["sync", ...rest, ...at])).code).toBe(0);
  const again = await call(["sync", "stacks/notes", ...at]);
  expect(again.code).toBe(0);
  expect(notesOf(JSON.parse(again.stdout) as ResultDocument)).not.toContain("needs");
  expect(changedIds((await planOf(lab, "--site", site)).document)).toEqual([]);
});
