/** The administrator's password: rotated when the old one is known, recovered when nobody knows it; an API key instead. */
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createPortainerClient } from "../../src/apis/portainer/client.ts";
import { certificates } from "../../src/components/certificates/index.ts";
import { portainer } from "../../src/components/portainer/index.ts";
import { exitCodeOf } from "../../src/engine/outcome.ts";
import type { Site } from "../../src/model.ts";
import { Secret } from "../../src/secret.ts";
import { call } from "../cli/edge.ts";
import { change, newLab, opened, prepared } from "./open.ts";
import { planLab, syncLab } from "./session.ts";
import { labSite } from "./site.ts";

const compose = `services:
  portainer:
    image: portainer/portainer-ce:2.39.0
    command: -H unix:///var/run/docker.sock
    container_name: portainer_server
    restart: always
    volumes: ["/var/run/docker.sock:/var/run/docker.sock", "data:/data"]
    ports: ["9443:9443"]
volumes:
  data: {external: true}
`;
const first = new Secret("the first long password");
const second = new Secret("the second long password");

function siteWith(more: Partial<NonNullable<Site["portainer"]>>): Site {
  const file = { file: "stacks/portainer_service/docker-compose.yml", text: compose };
  return { ...labSite, portainer: { ...labSite.portainer!, adminPassword: first, compose: file, ...more } };
}

const components = [certificates, portainer];
const settled = prepared(async () => {
  const lab = await newLab();
  expect(exitCodeOf(await syncLab(lab, siteWith({}), components))).toBe(0);
  return lab;
});
const sync = async (lab: string, site: Site) => {
  const result = await syncLab(lab, site, components);
  return result.components.find(({ component }) => component === "portainer")!;
};
const fileIn = (lab: string) =>
  readFileSync(join(lab, "hosts/vm-1001/etc/phoenix/portainer/admin-password"), "utf8");

/** A person who changes something in Portainer itself. */
async function person(lab: string, password = first) {
  const world = await opened(lab);
  const client = createPortainerClient({
    network: { ...world.network, request: (asked) => world.network.request({ ...asked, insecure: true }) },
    clock: world.clock,
    address: "10.0.0.111",
    port: 9443,
    hostname: labSite.portainer!.hostname,
    user: "admin",
    password,
    previousPassword: async () => first,
    root: async () => "",
  });
  return { world, client };
}

describe("a password that is changed in the site", () => {
  test("is changed in Portainer, and its file only after the login with it works", async () => {
    const lab = await settled();
    const planned = await planLab(lab, siteWith({ adminPassword: second }), components);
    const [update] = planned.components[1]!.changes;
    expect(update).toMatchObject({
      verb: "update",
      live: { units: { admin: "exists", password: "the previous one" } },
    });
    expect(fileIn(lab)).toBe(`${first.reveal()}\n`);
    const result = await sync(lab, siteWith({ adminPassword: second }));
    expect(result).toMatchObject({
      outcome: "changed",
      changes: [{ desired: { id: "portainer/administrator" } }],
    });
    expect(result.checks.filter(({ status }) => status === "fail")).toEqual([]);
    // The container is not recreated for it.
    expect(result.activations).toEqual([]);
    expect(fileIn(lab)).toBe(`${second.reveal()}\n`);
    expect((await sync(lab, siteWith({ adminPassword: second }))).outcome).toBe("unchanged");
  });

  test("that Portainer refuses leaves the old one in force", async () => {
    const lab = await settled();
    const refused = await sync(lab, siteWith({ adminPassword: new Secret("short") }));
    expect(refused.reason).toContain("Password does not meet the requirements");
    expect(fileIn(lab)).toBe(`${first.reveal()}\n`);
    expect((await sync(lab, siteWith({}))).outcome).toBe("unchanged");
  });
});

describe("a password that was changed in Portainer", () => {
  test("is told with its remedy, and touches nothing", async () => {
    const lab = await settled();
    await (await person(lab, second)).client.rotatePassword();
    const result = await sync(lab, siteWith({}));
    expect(result).toMatchObject({ outcome: "failed", changes: [], activations: [] });
    expect(result.reason).toContain("Invalid credentials");
    expect(result.hint).toContain("phoenix portainer reset-password");
    expect(fileIn(lab)).toBe(`${first.reveal()}\n`);
  });
});

describe("phoenix portainer reset-password", () => {
  test("asks before it stops Portainer, and needs a terminal or consent for that", async () => {
    const refused = await call(["portainer", "reset-password"]);
    expect(refused.code).toBe(64);
    expect(refused.stderr).toContain("--yes");
  });

  test("says what it stops, and sets the configured password", { timeout: 120_000 }, async () => {
    const lab = join(mkdtempSync(join(tmpdir(), "phoenix-lab-")), "lab");
    const root = join(import.meta.dirname, "../../examples/homelab");
    const env = { PHOENIX_LAB: lab };
    expect((await call(["lab", "init", lab, "--site", root])).code).toBe(0);
    // Routes to stacks lead nowhere yet.
    expect((await call(["sync", "all", "--skip", "stacks"], env)).code).toBe(3);
    const world = await opened(lab);
    const machine = world.host("vm/310");
    const run = (...argv: string[]) => machine.expect(change("docker", ...argv));
    // Somebody resets it by hand, and the file of the password that worked last is gone as well.
    await run("pull", "portainer/helper-reset-password");
    await run("stop", "portainer_server");
    await run("run", "--rm", "--volumes-from", "portainer_server", "portainer/helper-reset-password");
    await run("start", "portainer_server");
    expect((await call(["verify", "portainer"], env)).code).not.toBe(0);
    const declined = await call(["portainer", "reset-password"], env, async () => "n");
    expect(declined.code).toBe(5);
    expect(declined.stderr).toContain("This stops Portainer on vm/310 (container portainer_server)");
    const done = await call(["portainer", "reset-password", "--yes"], env);
    expect(done.stderr).toContain("admin has the configured password");
    expect(done.code).toBe(0);
    expect(done.stdout + done.stderr).not.toMatch(/to login/);
    expect((await call(["verify", "portainer"], env)).code).toBe(0);
  });
});

describe("an API key", () => {
  test("is used instead of a login, and its fault has a remedy", async () => {
    const lab = await settled();
    const { world } = await person(lab);
    const ask = (method: "POST", path: string, body: unknown, headers = {}) =>
      world.network.request({
        method,
        url: `https://10.0.0.111:9443/api${path}`,
        insecure: true,
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
        effect: "change",
      });
    const login = await ask("POST", "/auth", { Username: "admin", Password: first.reveal() });
    const { jwt } = JSON.parse(login.text) as { jwt: string };
    const made = await ask(
      "POST",
      "/users/1/tokens",
      { password: first.reveal(), description: "phoenix" },
      { authorization: `Bearer ${jwt}` },
    );
    const { rawAPIKey } = JSON.parse(made.text) as { rawAPIKey: string };
    const { adminPassword: _, ...keyed } = siteWith({ apiKey: new Secret(rawAPIKey) }).portainer!;
    const site = { ...labSite, portainer: keyed };
    // The server's Compose file no longer names a password file: its container is recreated once.
    await sync(lab, site);
    const result = await sync(lab, site);
    expect(result).toMatchObject({ outcome: "unchanged" });
    expect(result.checks.filter(({ status }) => status === "fail")).toEqual([]);
    const revoked = { ...labSite, portainer: { ...keyed, apiKey: new Secret("ptr_revoked") } };
    const refused = await sync(lab, revoked);
    expect(refused.outcome).toBe("failed");
    expect(refused.hint).toContain("access tokens");
  });
});
