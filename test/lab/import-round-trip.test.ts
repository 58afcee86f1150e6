/** A host that Phoenix built comes back from import as the site that it was built from: nothing to change, and the same resources. */
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { initLab } from "../../lab/init.ts";
import type { Component } from "../../src/component.ts";
import { loadComponents } from "../../src/components/index.ts";
import { takingPart } from "../../src/components/parts.ts";
import type { Site } from "../../src/model.ts";
import { loadSite } from "../../src/site/load.ts";
import { correctedSite, hasRealSite } from "../sites/overlay.ts";
import { importLab } from "./import.ts";
import { newDirectory } from "./open.ts";
import { planLab, syncLab } from "./session.ts";

const root = join(import.meta.dirname, "../..");

const examples = ["homelab", "dns-only", "firewall-only", "stacks-only", "no-portainer"]
  .map((name) => join(root, "examples", name))
  .filter((path) => existsSync(path));

describe("a synced lab comes back as its site", () => {
  test.each(examples)("%s", async (path) => roundTrip(path));

  test.skipIf(!hasRealSite)("the real site", async () => {
    const directory = correctedSite();
    await roundTrip(directory).finally(() => rm(directory, { recursive: true }));
  });
});

async function roundTrip(path: string): Promise<void> {
  const all = await loadComponents();
  const site = await siteIn(path);
  const components = takingPart(all, site);
  // Nobody but a person knows how to enter a Portainer that somebody else runs.
  const { apiKey } = site.externalPortainer ?? {};
  const lab = await newDirectory();
  await initLab(lab, site);
  // Before Phoenix has done anything there is little to declare, and that is a site as well.
  await siteIn((await importLab(lab)).root);
  const synced = await syncLab(lab, site, components);
  expect(synced.components.filter(({ outcome }) => !["changed", "unchanged"].includes(outcome))).toEqual([]);
  const imported = await importLab(lab, apiKey && { apiKey });
  const again = await siteIn(imported.root);
  expect(resourcesOf(components, again)).toEqual(resourcesOf(components, site));
  const plan = await planLab(lab, again, takingPart(all, again));
  expect(
    plan.components.flatMap(({ component, changes, unread, orphans }) =>
      changes.length + orphans.length === 0 && unread === undefined
        ? []
        : [{ component, changes, unread, orphans }],
    ),
  ).toEqual([]);
}

async function siteIn(path: string): Promise<Site> {
  const { site, problems } = await loadSite(path);
  expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
  if (site === undefined) throw new Error("a site without errors was not loaded");
  return site;
}

/** What is compiled, by id, but for the order and the places in the site's files. */
function resourcesOf(components: readonly Component[], site: Site): Readonly<Record<string, string>> {
  const resources = components.flatMap((component) => component.compile(site));
  return Object.fromEntries(
    resources.map(({ id, text }) => [id, text] as const).sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}
