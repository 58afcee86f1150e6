/** Drift that is accepted: the site's files say it, with their comments and order, and nothing differs any more. */
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test, vi } from "vitest";
import { call } from "../cli/edge.ts";
import { type Hands, handsIn } from "./scenarios/hands.ts";
import { syncedLab } from "./scenarios/labs.ts";
import { changedIds, planOf } from "./scenarios/phoenix.ts";
import { homelab } from "./scenarios/sites.ts";
import { treeOf } from "./scenarios/tree.ts";

const records = "/etc/phoenix/hosts.d/phoenix.hosts";
const cluster = "/etc/pve/firewall/cluster.fw";
const config = "etc/phoenix_hypervisor_config.json";

// The first test makes the lab, on a machine that may be busy with other things.
vi.setConfig({ testTimeout: 180_000 });

interface Place {
  readonly lab: string;
  readonly site: string;
  readonly hands: Hands;
}

async function place(): Promise<Place> {
  const lab = await syncedLab(homelab);
  const site = join(dirname(lab), "site");
  cpSync(homelab.root, site, { recursive: true });
  return { lab, site, hands: handsIn(lab) };
}

const accept = ({ lab, site }: Place, id: string, ...words: readonly string[]) =>
  call(["sync", "--accept", id, "--lab", lab, "--site", site, ...words]);

const text = ({ site }: Place, name: string): string => readFileSync(join(site, name), "utf8");

/** Accepts the drift: first shown, then written, then nothing differs and nothing is left to accept. */
async function expectAccepted(at: Place, id: string): Promise<void> {
  const before = treeOf(at.site);
  const shown = await call(["plan", "--accept", id, "--lab", at.lab, "--site", at.site]);
  expect(shown.code, shown.stderr).toBe(2);
  expect(treeOf(at.site)).toEqual(before);
  const { code, stdout, stderr } = await accept(at, id, "--yes");
  expect(code, stdout + stderr).toBe(0);
  const planned = await planOf(at.lab, "--site", at.site);
  expect(changedIds(planned.document)).toEqual([]);
  const again = await accept(at, id, "--yes");
  expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining("Nothing to accept") });
}

test("records that were changed, added and removed, in a file with comments, CRLF and a byte order mark", async () => {
  const at = await place();
  const windows = text(at, config).replace('{ "name": "nas"', '// the disks\n      { "name": "nas"');
  writeFileSync(join(at.site, config), `\uFEFF${windows.replaceAll("\n", "\r\n")}`);
  at.hands.edit(
    "pve",
    records,
    (own) =>
      `${own.replace("192.168.40.5 nas", "192.168.40.6 nas").replace(/.* router\.oak.*\n/, "")}192.168.40.77 hand.lan\n`,
  );
  await expectAccepted(at, "dns/records");
  const after = text(at, config);
  expect(after).toContain(
    '// the disks\r\n      { "name": "nas", "ip": "192.168.40.6" },\r\n      { "name": "hand.lan", "ip": "192.168.40.77" }\r\n',
  );
  expect(after.replaceAll("\r\n", "")).not.toContain("\n");
  expect(after.startsWith("\uFEFF")).toBe(true);
  expect(after).not.toContain("router.oak");
});

test("a firewall rule that was added, and a policy", async () => {
  const at = await place();
  at.hands.edit("pve", cluster, (own) =>
    own.replace(
      /(\[group phx-vm-311\].*\n)/,
      "$1IN ACCEPT -source 192.168.40.99 -p tcp -dport 9100 # by hand\n",
    ),
  );
  await expectAccepted(at, "firewall/group-vm-311");
  expect(text(at, "etc/phoenix_vm_configs.json")).toContain(
    '"port": "9100", "source": "192.168.40.99", "comment": "by hand" },',
  );
  at.hands.edit("pve", cluster, (own) => own.replace("policy_in: DROP", "policy_in: REJECT"));
  await expectAccepted(at, "firewall/options");
});

test("a guest's firewall that was switched off", async () => {
  const at = await place();
  at.hands.edit("pve", "/etc/pve/firewall/220.fw", (own) => own.replace("enable: 1", "enable: 0"));
  await expectAccepted(at, "firewall/guest-lxc-220");
  expect(text(at, "etc/phoenix_lxc_configs.json").match(/"enabled": false/g)).toHaveLength(1);
});

test.each([
  ["nginx/gateway", "lxc/210", "/etc/nginx/sites-available/gateway", "generated from the services"],
  ["dns/configuration", "pve", "/etc/dnsmasq.d/phoenix.conf", "the site cannot say the option log-queries"],
] as const)(
  "what the site has no words for is refused with the reason: %s",
  async (id, host, path, reason) => {
    const at = await place();
    at.hands.edit(host, path, (own) => `${own}${id.startsWith("dns") ? "log-queries" : "# by hand"}\n`);
    const ids = changedIds((await planOf(at.lab, "--site", at.site)).document);
    const before = treeOf(at.site);
    const { code, stderr } = await accept(at, ids[0] ?? id, "--yes");
    expect(code, stderr).toBe(5);
    expect(stderr).toContain(reason);
    expect(treeOf(at.site)).toEqual(before);
  },
);

test("a record that follows from a service is refused with its place", async () => {
  const at = await place();
  at.hands.edit("pve", records, (own) =>
    own.replace(/\S+ wiki\.oak\.home\.arpa/, "192.0.2.1 wiki.oak.home.arpa"),
  );
  const { code, stderr } = await accept(at, "dns/records", "--yes");
  expect(code, stderr).toBe(5);
  expect(stderr).toMatch(/wiki\.oak\.home\.arpa follows from stacks\/wiki\/docker-compose\.yml:\d+/);
});

test("without a terminal it needs --yes; a no writes nothing", async () => {
  const at = await place();
  at.hands.edit("pve", records, (own) => `${own}192.168.40.77 hand.lan\n`);
  const before = treeOf(at.site);
  expect((await accept(at, "dns/records")).code).toBe(64);
  const no = await call(
    ["sync", "--accept", "dns/records", "--lab", at.lab, "--site", at.site],
    {},
    async () => "n",
  );
  expect(no.code, no.stderr).toBe(2);
  expect(treeOf(at.site)).toEqual(before);
});

/** Changes a variable of the wiki in Portainer; @returns the stack's number there */
function setVariable({ hands }: Place, name: string, value: string): number {
  const database = hands.portainer("vm/310");
  const { stacks } = database.read();
  database.write({
    stacks: stacks.map((stack) =>
      stack.Name === "wiki"
        ? { ...stack, Env: (stack.Env ?? []).map((each) => (each.name === name ? { ...each, value } : each)) }
        : stack,
    ),
  });
  return stacks.find(({ Name }) => Name === "wiki")?.Id ?? 0;
}

test("a stack that was changed in Portainer: its Compose file and a variable, with the author's comments", {
  timeout: 180_000,
}, async () => {
  const at = await place();
  const file = "stacks/wiki/docker-compose.yml";
  writeFileSync(
    join(at.site, file),
    text(at, file).replace("    image: requarks/wiki:2.5", "    # pinned\n    image: requarks/wiki:2.5"),
  );
  const Id = setVariable(at, "DB_USER", "librarian");
  const share = `/tank/vm-persistent-data/310/portainer/data/compose/${Id}/docker-compose.yml`;
  at.hands.edit("pve", share, (own) => own.replace("DB_PORT: 5432", "DB_PORT: 5433"));
  await expectAccepted(at, "stacks/wiki");
  expect(text(at, file)).toContain("    # pinned\n    image: requarks/wiki:2.5\n");
  expect(text(at, file)).toContain("      DB_PORT: 5433\n");
  expect(text(at, "stacks/wiki/phoenix.json")).toContain('{ "name": "DB_USER", "value": "librarian" },');
  expect(text(at, "stacks/wiki/phoenix.json")).toContain("// Where external volumes lie");
});

test("a secret that was changed in Portainer is refused by its key", async () => {
  const at = await place();
  setVariable(at, "DB_PASSWORD", "canary-by-hand");
  const before = treeOf(at.site);
  const { code, stdout, stderr } = await accept(at, "stacks/wiki", "--yes");
  expect(code, stderr).toBe(5);
  expect(stderr).toContain("variable DB_PASSWORD is a secret, which is never written in clear");
  expect(stdout + stderr).not.toContain("canary-by-hand");
  expect(treeOf(at.site)).toEqual(before);
});
