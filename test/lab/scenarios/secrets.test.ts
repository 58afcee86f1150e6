/** Secrets with every awkward character, in every place that takes one, and not one of them anywhere it does not belong. */
import { createHash } from "node:crypto";
import { cpSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { handsIn } from "./hands.ts";
import { type Ended, program } from "./program.ts";
import { shared } from "./shared.ts";
import { homelab } from "./sites.ts";

/** Quotes, a backslash, a dollar sign, backticks: whatever a shell, JSON, YAML or a URL would take for its own. */
const awkward = `'"\\$\`%&<`;
const poison = {
  admin: `canary-admin-3fa1${awkward}`,
  grafana: `canary-grafana-77c0${awkward}`,
  wiki: `canary-wiki-b2e9${awkward}`,
  file: "canary-file-90d4",
};
/** The part of each that survives any quoting. */
const marks = ["canary-admin-3fa1", "canary-grafana-77c0", "canary-wiki-b2e9", poison.file];

/** In labels, which become a file that Traefik reads: nobody declared them secret, their fields are. */
const hash = "canaryhashcanaryhashcacanaryhashcanaryhashcanaryhashx";
const labelled = ["canaryhash", "canary-header-1b7d"];

const site = join(shared(), "site-poisoned");
const lab = join(shared(), "lab-poisoned");
const plans = [join(shared(), "poisoned-1.plan"), join(shared(), "poisoned-2.plan")] as const;
const page = join(shared(), "poisoned.html");
const said: { line: string; ended: Ended }[] = [];
const traces: string[] = [];

async function phoenix(line: string): Promise<Ended> {
  const trace = join(shared(), `trace-poisoned-${traces.length}`);
  writeFileSync(trace, "");
  traces.push(trace);
  const ended = await program([...line.split(" "), "--lab", lab], { trace, env: { POISONED: poison.wiki } });
  said.push({ line, ended });
  return ended;
}

beforeAll(async () => {
  cpSync(homelab.root, site, { recursive: true });
  writeFileSync(join(site, "secrets/portainer_admin_password"), poison.admin);
  writeFileSync(join(site, "secrets/grafana_admin_password"), poison.grafana);
  replace("stacks/wiki/phoenix.json", "file:secrets/wiki_database_password", "env:POISONED");
  replace(
    "stacks/wiki/docker-compose.yml",
    "      - traefik.http.middlewares.wiki-pace.ratelimit.burst=100\n",
    [
      "traefik.http.middlewares.wiki-pace.ratelimit.burst=100",
      `traefik.http.middlewares.wiki-auth.basicauth.users=ops:$$$$2y$$$$05$$$$${hash}`,
      `traefik.http.middlewares.wiki-auth2.headers.customrequestheaders.X-Api-Key=${labelled[1]}`,
    ]
      .map((label) => `      - ${label}\n`)
      .join(""),
  );
  replace(
    "stacks/wiki/docker-compose.yml",
    "wiki-headers,wiki-pace",
    "wiki-headers,wiki-pace,wiki-auth,wiki-auth2",
  );
  writeFileSync(
    join(site, "stacks/grafana/prometheus.yml"),
    `# ${poison.file}\n${readFileSync(join(site, "stacks/grafana/prometheus.yml"), "utf8")}`,
  );
  expect((await phoenix(`lab init ${lab} --site ${site}`)).code).toBe(0);
  await phoenix("check");
  await phoenix("plan --full");
  await phoenix("plan --full --output json");
  await phoenix(`plan --out ${plans[0]}`);
  // In part first, with the way to Portainer cut off: errors have words too.
  await phoenix("lab break refused portainer");
  await phoenix("sync all --verbose --output ndjson");
  await phoenix("lab mend");
  await phoenix("sync all --verbose");
  await phoenix("sync all --output json");
  replace("stacks/wiki/docker-compose.yml", "canaryhashx", "canaryhashy");
  writeFileSync(join(site, "secrets/grafana_admin_password"), `${poison.grafana}2`);
  await phoenix("plan --full");
  await phoenix(`plan --full --out ${plans[1]}`);
  await phoenix(`dashboard --html ${page}`);
  await phoenix("dashboard --output json");
  await phoenix(`sync --plan ${plans[1]}`);
  await phoenix("verify --output json");
  await phoenix("status --output json");
}, 300_000);

function replace(file: string, from: string, to: string): void {
  const text = readFileSync(join(site, file), "utf8");
  expect(text).toContain(from);
  writeFileSync(join(site, file), text.replaceAll(from, to));
}

/** Secrets that the machines made themselves, as they are after the syncs. */
function madeSecrets(): readonly string[] {
  const hands = handsIn(lab);
  const documents = hands.lab.files
    .list("pve", "/var/lib/phoenix/secrets")
    .map((name) => hands.text("pve", `/var/lib/phoenix/secrets/${name}`).trim());
  const keys = readdirSync(join(lab, "hosts"), { recursive: true, encoding: "utf8" })
    .filter((path) => /provisioner_password\.txt$/.test(path))
    .map((path) => readFileSync(join(lab, "hosts", path), "utf8").trim());
  expect(documents.length).toBeGreaterThan(0);
  expect(keys.length).toBeGreaterThan(0);
  return [...documents, ...keys];
}

const secrets = (): readonly string[] => [...marks, ...madeSecrets()];
const foundIn = (text: string, more: readonly string[] = []): readonly string[] =>
  [...secrets(), ...more].filter((secret) => text.includes(secret));

test("the syncs end as they should, whatever is in the passwords", () => {
  const codes = said.map(({ line, ended }) => `${ended.code} ${line.split(" ").slice(0, 2).join(" ")}`);
  const last = said.findLast(({ line }) => line === "sync all --output json");
  expect(last?.ended.code, `${codes.join("\n")}\n${last?.ended.stdout}${last?.ended.stderr}`).toBe(0);
});

test("no output holds one", () => {
  const leaks = said.flatMap(({ line, ended }) =>
    foundIn(ended.stdout + ended.stderr, labelled).map((secret) => `${line}: ${secret}`),
  );
  expect(leaks).toEqual([]);
});

test("no saved plan holds one, nor a digest of one that could be tried without the hypervisor's key", () => {
  for (const plan of plans) {
    const text = readFileSync(plan, "utf8");
    expect(text).toContain("phoenix.saved-plan/1");
    expect(foundIn(text, labelled)).toEqual([]);
    const digests = [...Object.values(poison), `${poison.grafana}2`].flatMap((secret) =>
      ["sha256", "sha1", "md5"].map((name) => createHash(name).update(secret).digest("hex")),
    );
    expect(digests.filter((digest) => text.includes(digest))).toEqual([]);
  }
});

test("no page holds one", () => {
  const text = readFileSync(page, "utf8");
  expect(text).toContain("phoenix.dashboard/1");
  expect(text).toContain("GRAFANA_ADMIN_PASSWORD");
  expect(foundIn(text, labelled)).toEqual([]);
});

test("a plan of a changed secret shows its key", () => {
  expect(readFileSync(plans[1], "utf8")).toContain("GRAFANA_ADMIN_PASSWORD");
  expect(said.find(({ line }) => line.startsWith("sync --plan"))?.ended.code).toBe(0);
});

test("no command's arguments and no request's address hold one", () => {
  const leaks = traces.flatMap((trace) => foundIn(readFileSync(trace, "utf8")));
  expect(leaks).toEqual([]);
});

test("no run in the journal holds one, and nobody but root may read the journal", () => {
  const directory = join(lab, "hosts/pve/var/lib/phoenix");
  const files = filesBelow(directory);
  expect(files.some((path) => path.includes("/runs/"))).toBe(true);
  const leaks = files
    .filter((path) => !path.includes("/secrets/"))
    .flatMap((path) => foundIn(readFileSync(path, "utf8"), labelled).map((secret) => `${path}: ${secret}`));
  expect(leaks).toEqual([]);
  const open = files.filter((path) => (statSync(path).mode & 0o077) !== 0);
  expect(open).toEqual([]);
});

test("no file that everybody can get at holds one", () => {
  const leaks = filesBelow(join(lab, "hosts"))
    .filter((path) => isOpen(path))
    .flatMap((path) =>
      foundIn(readFileSync(path, "latin1")).map((secret) => `${path.slice(lab.length)}: ${secret}`),
    );
  expect(leaks).toEqual([]);
});

test("the canaries are where they belong, to the last character: it was not the test that lost them", () => {
  const hands = handsIn(lab);
  const env = hands.lab.facts.guests
    .filter(({ kind }) => kind === "vm")
    .flatMap(({ host }) => hands.docker(host).state.containers.flatMap((container) => container.env));
  expect(env).toEqual(
    expect.arrayContaining([
      `GF_SECURITY_ADMIN_PASSWORD=${poison.grafana}2`,
      `POSTGRES_PASSWORD=${poison.wiki}`,
    ]),
  );
});

/** Whether others may read a file, and may enter every directory on the way to it. */
function isOpen(path: string): boolean {
  if ((statSync(path).mode & 0o004) === 0) return false;
  for (let directory = dirname(path); directory.length > lab.length; directory = dirname(directory))
    if ((statSync(directory).mode & 0o001) === 0) return false;
  return true;
}

function filesBelow(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
