/**
 * Portainer is killed while two stacks are being changed, at twenty different moments: before, during and after one of its
 * requests. Whatever the run says at its end about the two stacks is what the lab's machines show.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pLimit from "p-limit";
import { afterAll, expect, test } from "vitest";
import type { ResultDocument } from "../../../src/render/output-schemas.ts";
import type { TraceLine } from "./fused-lab.ts";
import { handsIn } from "./hands.ts";
import { copyOf, discard, syncedLab } from "./labs.ts";
import { program } from "./program.ts";
import { shared } from "./shared.ts";
import { homelab } from "./sites.ts";

const server = "vm/310";
const changed = { wiki: "vm/311", queue: "vm/312" } as const;
type Name = keyof typeof changed;
const names = Object.keys(changed) as Name[];

const moments = 20;
const points = ["before", "during", "after"] as const;

/** The example with another environment for one service of each of the two stacks. */
function changedSite(): string {
  const site = join(mkdtempSync(join(shared(), "site-")), "site");
  cpSync(homelab.root, site, { recursive: true });
  for (const [name, line] of [
    ["wiki", "      DB_TYPE: postgres\n"],
    ["queue", "      REDIS_HOSTS: queue:redis:6379\n"],
  ] as const) {
    const path = join(site, `stacks/${name}/docker-compose.yml`);
    const text = readFileSync(path, "utf8");
    expect(text).toContain(line);
    writeFileSync(path, text.replace(line, `${line}      CHANGED: "yes"\n`));
  }
  return site;
}

/** What the machines have of a stack: "old" or "new" all through, or "mixed". */
function look(lab: string, name: Name): "old" | "new" | "mixed" {
  const hands = handsIn(lab);
  const { stacks } = hands.portainer(server).read();
  const data = join(lab, "hosts/pve/tank/vm-persistent-data/310/portainer/data/compose");
  const id = stacks.find(({ Name }) => Name === name)?.Id;
  const kept = readdirSync(data).includes(String(id))
    ? readFileSync(join(data, String(id), "docker-compose.yml"), "utf8")
    : "";
  const containers = hands
    .docker(changed[name])
    .state.containers.filter(({ labels }) => labels["com.docker.compose.project"] === name);
  const all = containers.length === 2 && containers.every(({ state }) => state === "running");
  const runsNew = containers.some(({ env }) => env.includes("CHANGED=yes"));
  const isNew = kept.includes("CHANGED");
  if (!all || kept === "" || runsNew !== isNew) return "mixed";
  return isNew ? "new" : "old";
}

/** What runs of a stack, whatever Portainer keeps. */
function running(lab: string, name: Name): "runs previous" | "runs new" | "mixed" {
  const containers = handsIn(lab)
    .docker(changed[name])
    .state.containers.filter(({ labels }) => labels["com.docker.compose.project"] === name);
  if (containers.length !== 2 || containers.some(({ state }) => state !== "running")) return "mixed";
  return containers.some(({ env }) => env.includes("CHANGED=yes")) ? "runs new" : "runs previous";
}

interface Moment {
  readonly point: (typeof points)[number];
  readonly at: number;
}

const site = changedSite();
const synced = await syncedLab(homelab);
const run = (lab: string, more: Parameters<typeof program>[1]) =>
  program(["sync", "stacks", "--lab", lab, "--site", site, "--json-into", join(lab, "../result.json")], {
    ...homelab,
    ...more,
  });

/** From shortly before the first request that changes something to the last one, evenly spread. */
async function chosen(): Promise<readonly Moment[]> {
  const lab = copyOf(synced);
  const trace = join(lab, "../trace");
  const { code, stdout, stderr } = await run(lab, { trace });
  expect(code, stdout + stderr).toBe(0);
  expect(names.map((name) => look(lab, name))).toEqual(["new", "new"]);
  const requests = readFileSync(trace, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as TraceLine)
    .filter(({ request }) => request?.includes(":9443/"));
  discard(lab);
  const first = requests.findIndex(
    ({ effect, request }) => effect === "change" && /stacks/.test(request ?? ""),
  );
  expect(first).toBeGreaterThan(8);
  const from = first - 4;
  return Array.from({ length: moments }, (_, n) => ({
    point: points[n % points.length] as Moment["point"],
    at: from + Math.floor((n * (requests.length - from)) / moments),
  }));
}

const limit = pLimit(2);
const rows = await chosen();
const endings = rows.map((moment) =>
  limit(async () => {
    const lab = copyOf(synced);
    const said = await run(lab, { portainer: { ...moment, host: server } });
    const document = JSON.parse(readFileSync(join(lab, "../result.json"), "utf8")) as ResultDocument;
    const found = names.map((name) => [name, look(lab, name)] as const);
    const runs = Object.fromEntries(names.map((name) => [`stacks/${name}`, running(lab, name)]));
    const isDead = handsIn(lab).docker(server).container("portainer_server").state !== "running";
    discard(lab);
    return { ...said, document, found, runs, isDead };
  }),
);

test.each(rows.map((row, n) => ({ ...row, n })))(
  "killed $point request $at: the last words are what the machines show",
  { timeout: 400_000 },
  async ({ n }) => {
    const { code, stdout, stderr, document, found, runs, isDead } = await (endings[
      n
    ] as (typeof endings)[number]);
    expect(isDead, "Portainer was killed").toBe(true);
    const all = `${JSON.stringify(found)} ${stdout}${stderr}`;
    const [stacks] = document.components;
    expect(stacks?.component, all).toBe("stacks");
    const inPlace = stacks?.changes.map(({ id }) => id) ?? [];
    const unsettled = stacks?.unsettled.map(({ id }) => id) ?? [];
    for (const [name, seen] of found) {
      const id = `stacks/${name}`;
      if (inPlace.includes(id)) expect(seen, all).toBe("new");
      else if (!unsettled.includes(id)) expect(seen, all).toBe("old");
    }
    const last = stdout.trimEnd().split("\n").slice(-2).join(" ");
    expect(last, all).toContain(`, ${inPlace.length} updated, `);
    if (last.includes("Nothing was changed"))
      expect(
        found.map(([, seen]) => seen),
        all,
      ).toEqual(["old", "old"]);
    if (code === 0)
      expect(
        found.map(([, seen]) => seen),
        all,
      ).toEqual(["new", "new"]);
    if (code === 7)
      expect(
        found.map(([, seen]) => seen),
        all,
      ).toEqual(["old", "old"]);
    for (const { id, found: said } of stacks?.unsettled ?? []) {
      expect(last, all).toContain(id);
      // Which version runs is said whenever all of it is of one.
      expect(said, all).toBe(runs[id] === "mixed" ? "unknown" : runs[id]);
    }
  },
);

/** What was said in each moment is there to be read. */
afterAll(async () => {
  const lines = await Promise.all(
    rows.map(async ({ point, at }, n) => {
      const { code, stdout, found } = await (endings[n] as (typeof endings)[number]);
      const seen = found.map(([name, state]) => `${name} ${state}`).join(", ");
      return `${point} ${at}: exit ${code}, ${seen}: ${stdout.trimEnd().split("\n").at(-1)}`;
    }),
  );
  process.stdout.write(`${lines.join("\n")}\n`);
});
