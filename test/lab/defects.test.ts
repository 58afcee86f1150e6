/**
 * The defects of the shell system that Phoenix grew out of, one test each: what it did wrong cannot happen here. Most
 * have tests of their own elsewhere; this file is the list.
 */
import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { breakLab, mendLab } from "../../lab/faults.ts";
import { openLab } from "../../lab/lab.ts";
import { setClockOffset } from "../../lab/lab-file.ts";
import type { ComponentName } from "../../src/component.ts";
import { loadComponents } from "../../src/components/index.ts";
import { inOrder } from "../../src/engine/order.ts";
import { exitCodes } from "../../src/errors.ts";
import { gatewayNames, routedServices } from "../../src/fabric/services.ts";
import { parseChain } from "../../src/formats/x509/index.ts";
import type { World } from "../../src/hosts/world.ts";
import type { CheckDocument } from "../../src/render/output-schemas.ts";
import { call } from "../cli/edge.ts";
import type { TraceLine } from "./scenarios/fused-lab.ts";
import { handsIn } from "./scenarios/hands.ts";
import { copyOf, freshLab } from "./scenarios/labs.ts";
import { changedIds, complaints, idle, planOf, syncAll, syncOf } from "./scenarios/phoenix.ts";
import { program } from "./scenarios/program.ts";
import { shared } from "./scenarios/shared.ts";
import { homelab, siteOf } from "./scenarios/sites.ts";
import { differences, treeOf } from "./scenarios/tree.ts";

const site = await siteOf(homelab);
const { gateway, mesh } = site.roles;
const portainer = site.portainer!;
const primary = portainer.guest.host;
const [agent] = portainer.environments.filter(({ kind }) => kind === "agent");
const password = portainer.adminPassword!.reveal();

/** A lab after its first sync, which was traced. Tests that change it work on copies. */
const lab = await freshLab(homelab);
const tracePath = join(lab, "../trace");
const first = await program(["sync", "all", "--lab", lab, "--verbose"], { trace: tracePath });
const trace = readFileSync(tracePath, "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as TraceLine);
const requests = trace.flatMap(({ request }) => request ?? []);
const commands = trace.flatMap(({ argv }) => (argv === undefined ? [] : [argv.join(" ")]));
const hands = handsIn(lab);
const database = hands.portainer(primary).read();
const records = "/etc/phoenix/hosts.d/phoenix.hosts";
const gatewayText = hands.text(gateway.host, "/etc/nginx/sites-available/gateway");
const meshText = hands.text(mesh.host, "/etc/traefik/dynamic/dynamic_conf.yml");

let world: World;
beforeAll(async () => {
  world = await openLab(lab, { signal: new AbortController().signal });
});
afterAll(() => world.close());

/** A copy of the example with one file changed; what `check` says of it. */
async function checked(
  file: string,
  change: (text: string) => string,
): Promise<CheckDocument & { root: string }> {
  const root = join(shared(), `site-${Math.random().toString(36).slice(2)}`);
  cpSync(homelab.root, root, { recursive: true });
  const before = readFileSync(join(root, file), "utf8");
  const after = change(before);
  expect(after).not.toBe(before);
  writeFileSync(join(root, file), after);
  const { stdout } = await call(["check", "--site", root, "--output", "json"]);
  return { ...(JSON.parse(stdout) as CheckDocument), root };
}

/** A sync of a broken site is refused, and touches nothing. */
async function refusedBefore(root: string): Promise<void> {
  const copy = copyOf(lab);
  const before = treeOf(copy);
  expect((await syncAllOf(root, copy)).code).toBe(exitCodes.error);
  expect(differences(before, treeOf(copy))).toEqual([]);
}

const syncAllOf = (root: string, directory: string) =>
  call(["sync", "all", "--site", root, "--lab", directory]);
const root = (): string => hands.text("pve", "/usr/local/share/ca-certificates/phoenix_internal_root_ca.crt");
const hypervisorFile = "etc/phoenix_hypervisor_config.json";
const lxcFile = "etc/phoenix_lxc_configs.json";

test("the first sync converged", () => {
  expect(first.code, first.stdout + first.stderr).toBe(0);
});

describe("Portainer", () => {
  test("D1: the administrator is made on a fresh server, and the login is proven", async () => {
    expect(database.users.map(({ name }) => name)).toEqual([portainer.adminUser]);
    expect(requests.filter((line) => line.endsWith("/api/users/admin/check"))).not.toEqual([]);
    expect(requests.filter((line) => line.endsWith("POST") || line.endsWith("/api/auth"))).not.toEqual([]);
  });

  test("D2: a server that does not answer ends in words, in time", { timeout: 200_000 }, async () => {
    const copy = copyOf(lab);
    // A server that has run for hours is not waited for as one that has just been started.
    setClockOffset(copy, 3 * 3_600_000);
    breakLab(copy, "refused", "portainer");
    const { code, document } = await syncAll(copy);
    expect(code).not.toBe(0);
    const failed = document.components.find(({ outcome }) => outcome === "failed");
    expect(failed?.reason).toMatch(/portainer|9443/i);
    mendLab(copy);
    expect((await syncAll(copy)).code).toBe(0);
  });

  test("D3: success is read as success: nobody asks for the administrator a second time", () => {
    const asked = requests.filter(
      (line) => line.startsWith("POST") && line.endsWith("/api/users/admin/init"),
    );
    expect(asked.length).toBeLessThanOrEqual(1);
    expect(first.stdout + first.stderr).not.toMatch(/administrator.*(failed|refused)/);
  });

  test("D4: an environment is known by its name; another URL is drift, not another environment", async () => {
    const copy = copyOf(lab);
    const file = handsIn(copy).portainer(primary);
    file.write({
      endpoints: file
        .read()
        .endpoints.map((one) =>
          one.Name === agent?.name ? { ...one, URL: "tcp://agent.somewhere.else:9001" } : one,
        ),
    });
    expect(changedIds((await planOf(copy)).document).join()).toContain(agent?.name);
    expect((await syncAll(copy)).code).toBe(0);
    const { endpoints } = handsIn(copy).portainer(primary).read();
    expect(endpoints).toHaveLength(database.endpoints.length);
    expect(endpoints.find(({ Name }) => Name === agent?.name)?.URL).toBe(
      `tcp://${agent?.guest.address}:${agent?.port}`,
    );
  });

  test("D5: labels are on the containers, once each", () => {
    for (const { labels, project, guest } of site.stacks)
      for (const [service, wanted] of Object.entries(labels)) {
        const container = hands
          .docker(guest.host)
          .state.containers.find(
            (one) =>
              one.labels["com.docker.compose.project"] === project &&
              one.labels["com.docker.compose.service"] === service,
          );
        for (const { key, value } of wanted)
          expect(container?.labels[key], `${project} ${key}`).toBe(value.replaceAll("$$", "$"));
      }
  });

  test("D6: the API is spoken as documented: agents by TLS, stacks by their file's content", () => {
    for (const { Type, TLSConfig } of database.endpoints.filter(({ URL }) => URL.startsWith("tcp:")))
      expect({ Type, ...TLSConfig }).toMatchObject({ Type: 2, TLS: true, TLSSkipVerify: true });
    const created = requests.filter((line) => line.startsWith("POST") && line.includes("/api/stacks"));
    expect(created).toHaveLength(site.stacks.length);
    for (const line of created) expect(line).toContain("/api/stacks/create/standalone/string?endpointId=");
    expect(requests.filter((line) => line.includes("/api/configs"))).toEqual([]);
  });

  test("D7: the user interface serves a certificate of the site's own CA", async () => {
    const seen = await world.network.handshake(portainer.guest.address, portainer.port, {
      servername: portainer.hostname,
      ca: root(),
    });
    expect(seen).toMatchObject({ ok: true, trusted: true });
  });

  test("D8: volumes are on the machine that runs the stack, and their directories exist", () => {
    for (const { volumes, guest, share } of site.stacks)
      for (const { name, directory } of volumes) {
        const found = hands.docker(guest.host).state.volumes.find((one) => one.name === name);
        expect(found?.options, name).toMatchObject({ type: "nfs", device: `:${share.path}/${directory}` });
        expect(hands.lab.files.status(guest.host, `${share.mountPoint}/${directory}`)?.kind).toBe(
          "directory",
        );
      }
    const onPrimary = hands.docker(primary).state.volumes.map(({ name }) => name);
    const elsewhere = site.stacks
      .filter(({ guest }) => guest.host !== primary)
      .flatMap(({ volumes }) => volumes);
    expect(elsewhere.filter(({ name }) => onPrimary.includes(name))).toEqual([]);
  });

  test("D9: what fails inside a guest is seen outside", async () => {
    const copy = copyOf(lab);
    handsIn(copy).docker(primary).remove("portainer_server", true);
    breakLab(copy, "exit-1", primary);
    const { code, document } = await syncAll(copy);
    expect(code).not.toBe(0);
    const failed = document.components.find(({ component }) => component === "portainer");
    expect(failed?.outcome).toMatch(/failed|rolled-back/);
    expect(failed?.reason).toContain(primary);
  });
});

describe("the hypervisor", () => {
  test("D10: guests' rules are where guests read them, and the host has its own only", () => {
    const cluster = hands.text("pve", "/etc/pve/firewall/cluster.fw");
    const rules = /^\[RULES\]\n([^[]*)/m.exec(cluster)?.[1] ?? "";
    expect(rules.split("\n").filter((line) => /^(IN|OUT) /.test(line)).length).toBe(
      site.firewall.rules.length,
    );
    expect(rules).not.toContain("2283");
    for (const { id, firewall, template } of site.guests)
      if (!template && firewall?.enabled === true)
        expect(hands.text("pve", `/etc/pve/firewall/${id}.fw`)).toMatch(/enable: 1/);
  });

  test("D11: a firewall that nobody declared is an error, not a firewall that is switched off", async () => {
    const { errors, root: bad } = await checked(hypervisorFile, (text) =>
      text.replace('"firewall": {\n    "enabled": true,', '"firewall": {'),
    );
    expect(errors).toBeGreaterThan(0);
    await refusedBefore(bad);
  });

  test("D12: DNS is not emptied by a mistake", async () => {
    const { errors, root: bad } = await checked(hypervisorFile, (text) =>
      text.replace('"dns_server": {\n    "enabled": true,', '"dns_server": {'),
    );
    expect(errors).toBeGreaterThan(0);
    await refusedBefore(bad);
    // More records than are declared: as if most of the declaration had been lost.
    const copy = copyOf(lab);
    const many = Array.from({ length: 200 }, (_, n) => `192.168.40.9 lost-${n}.${site.domain}\n`).join("");
    handsIn(copy).edit("pve", records, (text) => text + many);
    expect((await call(["sync", "all", "--lab", copy])).code).toBe(exitCodes.refused);
    expect(handsIn(copy).text("pve", records)).toContain("lost-199");
  });

  test("D13: a service without an address is an error, not a mesh without routes", async () => {
    const { errors, root: bad } = await checked(lxcFile, (text) =>
      text.replace(/"network_config": \{[^}]*192\.168\.40\.20\/24[^}]*\},/, ""),
    );
    expect(errors).toBeGreaterThan(0);
    await refusedBefore(bad);
  });

  test("D14: a dry run changes nothing, whatever there is to do", async () => {
    const fresh = await freshLab(homelab);
    const before = treeOf(fresh);
    expect((await call(["sync", "all", "--dry-run", "--lab", fresh])).code).toBe(exitCodes.pending);
    expect(differences(before, treeOf(fresh))).toEqual([]);
  });

  test("D15: a second sync restarts nothing and takes nothing down", async () => {
    const copy = copyOf(lab);
    const again = join(copy, "../trace");
    expect((await program(["sync", "all", "--lab", copy], { trace: again })).code).toBe(0);
    const changes = readFileSync(again, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as TraceLine)
      .filter(({ effect }) => effect === "change")
      .map(
        ({ argv = [], request = "" }) =>
          `${argv.join(" ").split("\n", 1)[0]} ${argv.slice(4).join(" ")}${request}`,
      )
      // The lock and the record of the run are the only things that a run itself needs to write.
      .filter(
        (line) =>
          !/phoenix (lock|write-files)\b.*\/var\/lib\/phoenix/.test(line) && !line.includes("/api/auth"),
      );
    expect(changes).toEqual([]);
  });

  test("D16: nothing resets Portainer: there is no such option, and a misspelt one stops the run", async () => {
    const copy = copyOf(lab);
    const before = treeOf(copy);
    expect((await call(["sync", "all", "--reset-portainer", "--lab", copy])).code).toBe(exitCodes.usage);
    expect(differences(before, treeOf(copy))).toEqual([]);
  });

  test("D17: what fails is taken back", async () => {
    const copy = copyOf(lab);
    const [hand, path] = [handsIn(copy), "/etc/nginx/sites-available/gateway"];
    hand.edit(gateway.host, path, (text) => text.replaceAll("3600s", "3599s"));
    const drifted = hand.text(gateway.host, path);
    // Nobody can reach the gateway, so no proof of the new configuration is to be had.
    breakLab(copy, "refused", "gateway");
    const { code, document } = await syncOf(copy, "nginx");
    expect(code, complaints(document).join("\n")).toBe(exitCodes.rolledBack);
    expect(hand.text(gateway.host, path)).toBe(drifted);
  });

  test("D18: one run at a time, and the other one is told who holds the lock", {
    timeout: 120_000,
  }, async () => {
    const copy = copyOf(lab);
    breakLab(copy, "slow", "pve", "500");
    const running = program(["sync", "all", "--lab", copy]);
    const lock = join(copy, "hosts/pve/var/lib/phoenix/lock");
    await vi.waitFor(() => expect(existsSync(lock)).toBe(true), { timeout: 30_000 });
    const { code, stderr } = await call(["sync", "all", "--lab", copy]);
    mendLab(copy);
    expect(code).toBe(exitCodes.locked);
    expect(stderr).toMatch(/sync all/);
    expect((await running).code).toBe(0);
  });
});

describe("certificates", () => {
  const serials = (of = hands): readonly string[] =>
    site.certificates.map(({ certPath }) => parseChain(of.text("pve", certPath))[0]?.serial ?? "");

  test("D19: a good certificate is left alone, and one without declared names is for its common name", async () => {
    const copy = copyOf(lab);
    expect(idle((await syncAll(copy)).document)).toBe(true);
    expect(serials(handsIn(copy))).toEqual(serials());
    for (const { certPath, commonName } of site.certificates)
      expect(parseChain(hands.text("pve", certPath))[0]?.names).toContain(`DNS:${commonName}`);
  });

  test("D20: certificates that cannot be issued are no success", async () => {
    const fresh = await freshLab(homelab);
    breakLab(fresh, "error-500", "ca");
    const { code, document } = await syncOf(fresh, "trust", "certificates");
    expect(code).not.toBe(0);
    expect(document.components.find(({ component }) => component === "certificates")?.outcome).not.toBe(
      "changed",
    );
  });

  test("D21: a post-renewal command that fails is told of", async () => {
    const copy = copyOf(lab);
    const [of] = site.certificates.filter(({ serves }) => serves === "gateway");
    handsIn(copy).remove("pve", of?.certPath ?? "");
    breakLab(copy, "exit-1", gateway.host);
    const { code, document } = await syncOf(copy, "trust", "certificates");
    expect(code).not.toBe(0);
    expect(complaints(document).join("\n")).toMatch(/reload nginx/);
    mendLab(copy);
    expect((await syncAll(copy)).code).toBe(0);
  });

  test("D22: keys are for those who serve them", () => {
    for (const { keyPath, mode } of site.certificates)
      expect(hands.mode("pve", keyPath)).toBe((Number.parseInt(mode, 8) & 0o640).toString(8));
  });
});

describe("the way in", () => {
  test("D23: the distribution's placeholder does not answer", async () => {
    expect(hands.lab.files.status(gateway.host, "/etc/nginx/sites-enabled/default", false)).toBeUndefined();
    const { status, headers } = await world.network.request({
      method: "GET",
      url: `http://${gateway.address}/`,
      hostname: `photos.${site.domain}`,
      effect: "read",
    });
    expect([status, headers.location]).toEqual([308, `https://photos.${site.domain}/`]);
  });

  test("D24: every routed name is in DNS, in the certificate, at the gateway and in the mesh", async () => {
    const [served] = site.certificates.filter(({ serves }) => serves === "gateway");
    const names = parseChain(hands.text("pve", served?.certPath ?? ""))[0]?.names ?? [];
    for (const name of routedServices(site).flatMap((service) => service.names)) {
      expect((await world.network.query(site.hypervisor.address, name, "A")).answers).toEqual([
        gateway.address,
      ]);
      expect(names).toContain(`DNS:${name}`);
      expect(gatewayText).toContain(name);
      expect(meshText).toContain(name);
    }
    expect(gatewayNames(site).length).toBeGreaterThan(9);
  });

  test("D25: the gateway passes on consoles, streams and uploads, each service as it needs", () => {
    expect(gatewayText).toMatch(/proxy_set_header Upgrade /);
    expect(gatewayText).toMatch(/client_max_body_size 50g|client_max_body_size 53687091200/);
    expect(gatewayText).toMatch(/proxy_read_timeout (1800s|30m)/);
    expect(gatewayText).toMatch(/proxy_buffering off/);
  });

  test("D26: nothing is routed in a circle: the CA and the agents are reached directly", async () => {
    const routed = routedServices(site);
    const circles = routed.filter(({ backend }) => [gateway.address, mesh.address].includes(backend.address));
    expect(circles).toEqual([]);
    for (const direct of [site.ca.hostname, agent?.hostname ?? ""]) {
      const { answers } = await world.network.query(site.hypervisor.address, direct, "A");
      expect(answers).not.toContain(gateway.address);
      expect(answers).toHaveLength(1);
    }
  });

  test("D27: every name of a stack answers through the gateway", async () => {
    const stacks = routedServices(site).filter(({ stack }) => stack !== undefined);
    expect(stacks.length).toBeGreaterThan(5);
    for (const name of stacks.flatMap(({ names }) => names)) {
      const { status } = await world.network.request({
        method: "GET",
        url: `https://${gateway.address}/`,
        hostname: name,
        ca: root(),
        effect: "read",
      });
      expect(status, name).toBeLessThan(400);
    }
  });

  test("D28: a label that names what the mesh does not have is refused", async () => {
    const { problems } = await checked("stacks/queue/phoenix.json", (text) =>
      text.replace("queue.entrypoints=web", "queue.entrypoints=metrics"),
    );
    expect(
      problems
        .filter(({ severity }) => severity === "error")
        .map(({ message }) => message)
        .join(),
    ).toMatch(/metrics/);
  });

  test("D29: nothing is tied to one house: another domain and other addresses are everywhere", () => {
    const texts = [
      gatewayText,
      meshText,
      hands.text("pve", records),
      hands.text("pve", "/etc/pve/firewall/cluster.fw"),
    ];
    for (const text of texts) {
      expect(text).toContain("192.168.40.");
      expect(text).not.toMatch(/\b10\.0\.0\.\d|thinkheads/);
    }
  });

  test("D30: rules are checked field by field: no line is smuggled in by a comment", async () => {
    const { root: sly } = await checked(hypervisorFile, (text) =>
      text.replace('"comment": "ping"', '"comment": "ping\\nIN ACCEPT"'),
    );
    const copy = copyOf(lab);
    await syncAllOf(sly, copy);
    expect(handsIn(copy).text("pve", "/etc/pve/firewall/cluster.fw")).not.toMatch(/^IN ACCEPT\s*$/m);
    const { errors } = await checked(hypervisorFile, (text) =>
      text.replace('"action": "ACCEPT",\n        "proto": "icmp"', '"proto": "icmp"'),
    );
    expect(errors).toBeGreaterThan(0);
  });

  test("D31: dnsmasq's other files are left alone, no backups pile up, and the host itself can ask", async () => {
    const names = hands.lab.files.list("pve", "/etc/dnsmasq.d");
    expect(names).toEqual(expect.arrayContaining(["README", "local-network.conf"]));
    expect(hands.lab.files.list("pve", "/etc").filter((name) => /\.bak/.test(name))).toEqual([]);
    expect((await world.network.query("127.0.0.1", site.ca.hostname, "A")).answers).toEqual([
      site.roles.ca.address,
    ]);
    const fresh = handsIn(await freshLab(homelab));
    expect(hands.text("pve", "/etc/resolv.conf")).toBe(fresh.text("pve", "/etc/resolv.conf"));
  });

  test("D32: what others build on comes first", async () => {
    const order = inOrder(await loadComponents()).map(({ name }) => name);
    const isAhead = (a: ComponentName, b: ComponentName): boolean => order.indexOf(a) < order.indexOf(b);
    expect(isAhead("trust", "certificates")).toBe(true);
    expect(isAhead("certificates", "portainer")).toBe(true);
    expect(isAhead("certificates", "nginx")).toBe(true);
    expect(isAhead("traefik", "nginx")).toBe(true);
    expect(isAhead("portainer", "stacks")).toBe(true);
  });

  test("D33: the administrator's password is in no command, no address, no output, and nowhere in the open", () => {
    const told = [...commands, ...requests, first.stdout, first.stderr];
    expect(told.filter((text) => text.includes(password))).toEqual([]);
    for (const [path, { kind, mode, content }] of treeOf(join(lab, "hosts")))
      if (kind === "file" && content.includes(password))
        expect(Number.parseInt(mode, 8) & 0o077, `${path} may be read by others`).toBe(0);
  });
});
