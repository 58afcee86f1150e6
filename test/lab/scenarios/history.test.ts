/**
 * Back and forth: random sequences of site changes, syncs, failures and rollbacks. After a rollback every generated text is as it was
 * when that generation ended, and `diff` finds nothing; a killed rollback is continued by the next one.
 */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pLimit from "p-limit";
import { expect, test } from "vitest";
import { breakLab, mendLab } from "../../../lab/faults.ts";
import type { DiffDocument, HistoryDocument } from "../../../src/render/output-schemas.ts";
import { call, type Said } from "../../cli/edge.ts";
import type { Moment } from "./fused-lab.ts";
import { copyOf, discard, syncedLab } from "./labs.ts";
import { program } from "./program.ts";
import { small } from "./sites.ts";
import { treeOf } from "./tree.ts";

const scenario = small();
const limit = pLimit(3);
const sequences = 20;
const steps = 3;

/** A site of its own beside a lab, so that it can be edited. */
async function begin(): Promise<{ lab: string; site: string; run: (...words: string[]) => Promise<Said> }> {
  const lab = await syncedLab(scenario);
  const site = join(lab, "../site");
  cpSync(scenario.root, site, { recursive: true });
  return { lab, site, run: (...words) => call([...words, "--lab", lab, "--site", site], scenario.env) };
}

/** Park and Miller's generator: the same numbers for the same seed. */
function randomOf(seed: number): (below: number) => number {
  let state = seed * 7919 + 17;
  return (below) => {
    state = (state * 48271) % 2147483647;
    return state % below;
  };
}

type Json = Record<string, unknown>;

function edit(site: string, file: string, change: (document: Json) => void): void {
  const path = join(site, file);
  const document = JSON.parse(readFileSync(path, "utf8")) as Json;
  change(document);
  writeFileSync(path, `${JSON.stringify(document, null, 2)}\n`);
}

type Edit = (site: string, n: number) => void;
const edits: readonly Edit[] = [
  (site, n) =>
    edit(site, "etc/phoenix_hypervisor_config.json", ({ dns_server }) => {
      (dns_server as Json).dns_records = [{ name: `host${n}`, ip: `10.8.9.${1 + (n % 200)}` }];
    }),
  (site, n) =>
    edit(site, "etc/phoenix_hypervisor_config.json", ({ firewall }) => {
      const rules = (firewall as { global_firewall_rules: Json[] }).global_firewall_rules;
      rules[2] = {
        type: "in",
        action: "ACCEPT",
        proto: "tcp",
        port: String(9000 + n),
        source: "10.8.0.0/16",
      };
    }),
  (site, n) =>
    edit(site, "etc/phoenix_lxc_configs.json", ({ lxc_configs }) => {
      const { "1000": app } = lxc_configs as Record<string, { traefik_service: Json }>;
      if (app !== undefined) app.traefik_service.name = `app-${n}`;
    }),
  (site, n) => {
    mkdirSync(join(site, "stacks/extra"), { recursive: true });
    const compose = `services:\n  web:\n    image: registry.example.net/extra:${n}\n`;
    writeFileSync(join(site, "stacks/extra/docker-compose.yml"), compose);
    edit(site, "etc/phoenix_vm_configs.json", ({ vms }) => {
      const docker = (vms as { vmid: number; docker_stacks: string[] }[]).find(({ vmid }) => vmid === 902);
      if (docker !== undefined) docker.docker_stacks = n % 3 === 0 ? ["wiki"] : ["wiki", "extra"];
    });
  },
];

const faults = [
  ["exit-1", "lxc/101"],
  ["refused", "portainer"],
  ["guest-down", "lxc/102"],
] as const;

/** What Phoenix generates on the hosts; certificates and Portainer's data have numbers and times of their own. */
function textsOf(lab: string): ReadonlyMap<string, string> {
  const generated =
    /^hosts\/.*\/etc\/(?:phoenix|dnsmasq\.d|pve\/firewall|traefik\/dynamic|nginx\/sites-available)\//;
  const files = [...treeOf(lab)].filter(([path, { kind }]) => kind === "file" && generated.test(path));
  // The sentinel's name and content follow from the others.
  return new Map(files.map(([path, { content }]) => [path, content]));
}

async function sequence(seed: number): Promise<readonly string[]> {
  const { lab, site, run } = await begin();
  const random = randomOf(seed);
  const kept = new Map<number, ReadonlyMap<string, string>>();
  const found: string[] = [];
  const remember = async (isComplete: boolean): Promise<void> => {
    const [latest] = await generations(run);
    if (latest !== undefined && isComplete) kept.set(latest, textsOf(lab));
  };
  // The lab was synced from the same site: that is generation 1.
  await remember(true);
  for (let step = 0; step < steps; step++) {
    const isFaulty = random(4) === 0;
    edits[random(edits.length)]?.(site, 1 + random(500));
    const [fault, target] = faults[random(faults.length)] ?? faults[0];
    if (isFaulty) breakLab(lab, fault, target);
    const words = random(4) === 0 ? ["sync", "dns", "firewall"] : ["sync", "all"];
    if (random(3) === 0) words.push("--allow", "prune");
    const { code } = await run(...words);
    mendLab(lab);
    await remember(code === 0);
    if (step < steps - 1 && random(3) > 0) continue;
    const all = [...kept.keys()];
    const to = all[random(all.length)] ?? 1;
    found.push(
      ...(await rolledBack(run, lab, to, kept.get(to))).map((what) => `seed ${seed}, step ${step}: ${what}`),
    );
    await remember(true);
  }
  discard(lab);
  return found;
}

async function generations(run: (...words: string[]) => Promise<Said>): Promise<readonly number[]> {
  const { stdout } = await run("history", "--output", "json");
  return (JSON.parse(stdout) as HistoryDocument).runs.map(({ generation }) => generation);
}

/** What is wrong after a rollback. */
async function rolledBack(
  run: (...words: string[]) => Promise<Said>,
  lab: string,
  to: number,
  texts: ReadonlyMap<string, string> | undefined,
): Promise<readonly string[]> {
  const { code, stdout, stderr } = await run("rollback", String(to));
  const found = code === 0 ? [] : [`rollback ${to} ended with ${code}: ${stdout}${stderr}`];
  const diff = await run("diff", String(to), "now", "--output", "json");
  const { components = [] } = JSON.parse(diff.stdout) as DiffDocument;
  const ids = components.flatMap(({ changes, unread }) => [
    ...changes.map(({ id }) => id),
    ...(unread ? [unread] : []),
  ]);
  if (diff.code !== 0) found.push(`diff ${to} now ended with ${diff.code}: ${ids.join(", ")}${diff.stderr}`);
  const now = textsOf(lab);
  for (const path of new Set([...(texts?.keys() ?? []), ...now.keys()]))
    if (texts !== undefined && texts.get(path) !== now.get(path))
      found.push(`after rollback ${to}: ${path} differs`);
  return found;
}

test(`${sequences} random sequences: after rollback N everything is as when N ended`, {
  timeout: 600_000,
}, async () => {
  const seeds = Array.from({ length: sequences }, (_, at) => at + 1);
  const found = await Promise.all(seeds.map((seed) => limit(() => sequence(seed))));
  expect(found.flat()).toEqual([]);
});

test("whenever a rollback is killed, the next one completes it", { timeout: 300_000 }, async () => {
  const { lab, site, run } = await begin();
  const texts = textsOf(lab);
  for (const [at, change] of edits.entries()) change(site, 31 + at);
  expect((await run("sync", "all")).code).toBe(0);
  const moments = join(lab, "../moments");
  mkdirSync(moments);
  const words = ["rollback", "1", "--lab", lab, "--site", site];
  const ended = await program(words, { moments, env: scenario.env });
  expect(ended.code, ended.stderr).toBe(0);
  const index = readFileSync(join(moments, "index"), "utf8").trimEnd().split("\n");
  const copies = [...new Set(index.map((line) => (JSON.parse(line) as Moment).copy))];
  expect(copies.length).toBeGreaterThan(10);
  const sample = copies.filter((_, at) => at % Math.ceil(copies.length / 8) === 0);
  const found = await Promise.all(
    sample.map((copy) =>
      limit(async () => {
        const killed = copyOf(join(moments, copy));
        const again = (...more: string[]): Promise<Said> =>
          call([...more, "--lab", killed, "--site", site], scenario.env);
        const wrong = await rolledBack(again, killed, 1, texts);
        discard(killed);
        return wrong.map((what) => `${copy}: ${what}`);
      }),
    ),
  );
  rmSync(moments, { recursive: true });
  discard(lab);
  expect(found.flat()).toEqual([]);
});
