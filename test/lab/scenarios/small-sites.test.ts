/**
 * Small sites: each example is proved without a problem, converges in its lab with one sync, and says what is off and why. A
 * site grows by keys alone: every step converges, and what was written before stays as it is.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { growLab } from "../../../lab/init.ts";
import { loadSite } from "../../../src/site/load.ts";
import { call } from "../../cli/edge.ts";
import { newDirectory } from "../open.ts";

const examples = join(import.meta.dirname, "../../../examples");

/** The components that take part, by example. */
const takingPart: Readonly<Record<string, readonly string[]>> = {
  "dns-only": ["dns"],
  "firewall-only": ["firewall"],
  "no-portainer": ["trust", "dns", "certificates", "traefik", "nginx"],
  "stacks-only": ["stacks"],
};

const summary = (text: string): string =>
  (/\d+ created, \d+ updated, \d+ deleted · reloads \d+ · restarts \d+/.exec(text)?.[0] ?? text).trim();

const nothingDone = "0 created, 0 updated, 0 deleted · reloads 0 · restarts 0";

/** One sync brings everything about, the second one does nothing, and verify and status agree. */
async function converges(lab: string): Promise<void> {
  const first = await call(["sync", "all", "--lab", lab]);
  expect(first.code, first.stdout + first.stderr).toBe(0);
  const second = await call(["sync", "all", "--lab", lab]);
  expect(summary(second.stdout), second.stdout + second.stderr).toBe(nothingDone);
  expect(second.code).toBe(0);
  for (const command of ["plan", "verify", "status"]) {
    const { code, stdout, stderr } = await call([command, "--lab", lab]);
    expect(code, `${command}: ${stdout}${stderr}`).toBe(0);
  }
}

test("every small example is in the table", () => {
  const small = readdirSync(examples).filter((name) => name !== "homelab" && name !== "cluster");
  expect(small.sort()).toEqual(Object.keys(takingPart).sort());
});

describe.each(Object.entries(takingPart))("%s", (name, components) => {
  const site = join(examples, name);

  test("has no problem, and says what is off and why", async () => {
    const { code, stdout } = await call(["check", "--site", site]);
    expect(code).toBe(0);
    expect(stdout).toContain("0 errors, 0 warnings");
    const { stdout: json } = await call(["check", "--site", site, "--output", "json"]);
    const { off } = JSON.parse(json) as { off: readonly { component: string; reason: string }[] };
    const all = ["trust", "dns", "firewall", "certificates", "portainer", "traefik", "nginx", "stacks"];
    expect(off.map(({ component }) => component)).toEqual(all.filter((each) => !components.includes(each)));
    for (const { component, reason } of off) expect(stdout).toMatch(new RegExp(`${component}.*${reason}`));
  });

  test("converges in its lab; only its own components take part", async () => {
    const lab = join(await newDirectory(), "lab");
    expect((await call(["lab", "init", lab, "--site", site])).code).toBe(0);
    const { code, stdout } = await call(["plan", "--lab", lab, "--output", "json"]);
    expect(code, stdout).toBe(2);
    const planned = JSON.parse(stdout) as { components: readonly { component: string }[] };
    expect(planned.components.map(({ component }) => component)).toEqual(components);
    await converges(lab);
  });

  test("a component that is off is refused by name, with the reason", async () => {
    const { off } = JSON.parse((await call(["check", "--site", site, "--output", "json"])).stdout);
    for (const { component, reason } of off.slice(0, 2)) {
      const { code, stderr } = await call(["check", "--site", site, "--only", component]);
      expect([code, stderr]).toEqual([64, expect.stringContaining(`${component} is off: ${reason}`)]);
    }
  });
});

/** What a step adds to a file: its text with more keys in it. */
type Step = Readonly<Record<string, (text: string) => string>>;

const hypervisor = "etc/phoenix_hypervisor_config.json";
const containers = "etc/phoenix_lxc_configs.json";

/** Adds members to the end of the object that a file is. */
const adding =
  (more: string) =>
  (text: string): string =>
    text.replace(/\n?\}\s*$/, `,\n  ${more}\n}\n`);

/** Adds members to the end of an entry, found by its first words. */
const addingTo =
  (entry: string, more: string) =>
  (text: string): string =>
    text.replace(new RegExp(`(${entry}.*) \\}`), `$1, ${more} }`);

const firewalled =
  '"firewall": { "enabled": true, "rules": [{ "type": "in", "action": "ACCEPT", "proto": "tcp", "port": "22" }] }';

const steps: readonly (readonly [string, Step])[] = [
  [
    "a firewall",
    {
      [hypervisor]: adding('"firewall": { "enabled": true }'),
      [containers]: addingTo('"name": "jellyfin"', firewalled),
    },
  ],
  [
    "a CA, a gateway and a mesh, with a service",
    {
      [containers]: (text) =>
        addingTo(
          '"name": "jellyfin"',
          '"traefik_service": { "name": "media", "port": 8096 }',
        )(
          adding(
            [
              '"101": { "name": "gateway", "fabric_role": "gateway", "network_config": { "ip": "192.168.50.11/24" },',
              '    "mount_points": [{ "host_path": "/mnt/pve/tank/ssl", "container_path": "/etc/nginx/ssl" }] },',
              '  "102": { "name": "mesh", "fabric_role": "mesh", "network_config": { "ip": "192.168.50.12/24" } },',
              '  "103": { "name": "ca", "fabric_role": "ca", "network_config": { "ip": "192.168.50.13/24" } }',
            ].join("\n"),
          )(text),
        ),
      "etc/certificate-manifest.json": () =>
        '[{ "common_name": "gateway.elm.home.arpa", "cert_path": "/mnt/pve/tank/ssl/g.crt", "key_path": "/mnt/pve/tank/ssl/g.key" }]\n',
    },
  ],
];

/** Whether a text has all characters of another, in order: keys were added, and nothing was rewritten. */
function extends_(text: string, before: string): boolean {
  let at = 0;
  for (const character of text) if (character === before[at]) at += 1;
  return at === before.length;
}

test("a site grows by keys, from DNS alone to services with names and certificates", async () => {
  const root = await newDirectory();
  const [site, lab] = [join(root, "site"), join(root, "lab")];
  cpSync(join(examples, "dns-only"), site, { recursive: true });
  expect((await call(["lab", "init", lab, "--site", site])).code).toBe(0);
  await converges(lab);
  for (const [what, step] of steps) {
    for (const [file, change] of Object.entries(step)) {
      const path = join(site, file);
      mkdirSync(join(path, ".."), { recursive: true });
      const before = file.includes("manifest") ? "" : readFileSync(path, "utf8");
      const after = change(before);
      expect(extends_(after, before), `${what}: ${file}`).toBe(true);
      writeFileSync(path, after);
    }
    const { code, stdout, stderr } = await call(["check", "--site", site]);
    expect(code, `${what}: ${stdout}${stderr}`).toBe(0);
    const grown = (await loadSite(site)).site;
    if (grown === undefined) throw new Error(what);
    await growLab(lab, grown);
    await converges(lab);
  }
});

test("a component that is named works while errors concern others, and loses nothing of theirs", async () => {
  const root = await newDirectory();
  const [site, lab] = [join(root, "site"), join(root, "lab")];
  cpSync(join(examples, "homelab"), site, { recursive: true });
  expect((await call(["lab", "init", lab, "--site", site])).code).toBe(0);
  const planned = async (): Promise<unknown> =>
    JSON.parse((await call(["plan", "dns", "--lab", lab, "--output", "json"])).stdout).digest;
  const whole = await planned();
  rmSync(join(site, "secrets/portainer_admin_password"));
  expect(await planned()).toBe(whole);
  for (const words of [["plan"], ["plan", "portainer"], ["plan", "stacks"], ["sync", "all"]]) {
    const { code, stderr } = await call([...words, "--lab", lab]);
    expect([code, stderr], words.join(" ")).toEqual([1, expect.stringContaining("the site has 1 error")]);
  }
  const { code, stderr } = await call(["sync", "dns", "--lab", lab]);
  expect([code, stderr]).toEqual([0, expect.stringContaining("1 error in the site, about other components")]);
});
