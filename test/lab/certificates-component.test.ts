/** Certificates in the lab: issued, renewed in time, told to their consumers, and left alone when all is well. */
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { breakLab, mendLab } from "../../lab/faults.ts";
import { setClockOffset } from "../../lab/lab-file.ts";
import { certificates } from "../../src/components/certificates/index.ts";
import { nginx } from "../../src/components/nginx/index.ts";
import { keyMatches, parseChain, serialOf } from "../../src/formats/x509/index.ts";
import { counted, type Trace, traced } from "../../src/hosts/decorators.ts";
import type { Certificate } from "../../src/model.ts";
import type { WholeSite } from "../whole-site.ts";
import { change, newLab, opened, prepared, read as reading } from "./open.ts";
import { planLab, syncLab, verifyLab } from "./session.ts";
import { gateway, labSite } from "./site.ts";

const from = { file: "etc/certificate-manifest.json", line: 3, column: 5 };
const ssl = "/mnt/pve/quickOS/lxc-persistent-data/101/ssl";
const gatewayNames = labSite.services
  .filter(({ path }) => path === "routed")
  .flatMap(({ names }) => names)
  .sort();

const forGateway: Certificate = {
  commonName: "gateway.lab.test",
  names: ["gateway.lab.test", ...gatewayNames].sort(),
  certPath: `${ssl}/gateway.lab.test.crt`,
  keyPath: `${ssl}/gateway.lab.test.key`,
  owner: "root:www-data",
  mode: "644",
  postRenewal: { command: "pct exec 101 -- systemctl reload nginx", from },
  serves: "gateway",
  from,
};
const forPortainer: Certificate = {
  ...labSite.certificates[0]!,
  owner: "nobody:nogroup",
  postRenewal: { command: "qm guest exec 1001 -- docker restart portainer_server", from },
};
const site: WholeSite = { ...labSite, certificates: [forGateway, forPortainer] };

const inLab = (lab: string, path: string): string => join(lab, "hosts/pve", path.replace("/mnt/pve", ""));
const text = (lab: string, path: string): string => readFileSync(inLab(lab, path), "utf8");
const serial = (lab: string, { certPath }: Certificate): string => serialOf(text(lab, certPath)) ?? "";

const hour = 3_600_000;

/** A sync of the certificates, and every change that it made outside the journal. */
async function sync(lab: string, of: WholeSite = site, components = [certificates]) {
  const made: string[] = [];
  const traces: Trace[] = [];
  const result = await syncLab(lab, of, components, {
    decorators: [counted((what) => void made.push(what)), traced((trace) => traces.push(trace))],
  });
  const part = result.components.find(({ component }) => component === "certificates")!;
  return { ...part, made: made.filter((what) => !what.includes("/var/lib/phoenix/journal")), traces };
}

/** A lab where every pair is in place. */
const synced = prepared(async () => {
  const lab = await newLab(site);
  await sync(lab);
  return lab;
});

const failing = (part: { checks: readonly { status: string; claim: string }[] }) =>
  part.checks.filter(({ status }) => status === "fail");

describe("issuing", () => {
  test("from nothing: pairs for the declared names, modes and owners right, keys never open", async () => {
    const lab = await newLab(site);
    const first = await sync(lab);
    expect(first).toMatchObject({ outcome: "changed", changes: [{ verb: "create" }, { verb: "create" }] });
    for (const { certPath, keyPath, names } of site.certificates) {
      const chain = parseChain(text(lab, certPath));
      expect(chain[0]?.names).toEqual(names.map((name) => `DNS:${name}`));
      expect(chain.length, "leaf and intermediate, never the root").toBe(2);
      expect(keyMatches(text(lab, certPath), text(lab, keyPath))).toBe(true);
    }
    const world = await opened(lab);
    const [crt, key] = ["/etc/nginx/ssl/gateway.lab.test.crt", "/etc/nginx/ssl/gateway.lab.test.key"];
    const inGuest = await world.host("lxc/101").readFiles([crt, key]);
    expect(inGuest.get(crt)).toMatchObject({ mode: "644", owner: "root:www-data" });
    expect(inGuest.get(key)).toMatchObject({ mode: "640", owner: "root:www-data" });
    const states = await world.host("pve").readFiles([forGateway.keyPath, forPortainer.keyPath]);
    expect(states.get(forGateway.keyPath)).toMatchObject({ mode: "640", ids: "100000:100033" });
    expect(states.get(forPortainer.keyPath)).toMatchObject({ mode: "600", owner: "nobody:nogroup" });
  });

  test("a second run touches nothing and tells nobody; later ones neither, until a renewal is due", async () => {
    const lab = await synced();
    const before = [serial(lab, forGateway), serial(lab, forPortainer)];
    for (const offset of [0, 15 * hour]) {
      setClockOffset(lab, offset);
      expect(await sync(lab)).toMatchObject({ outcome: "unchanged", made: [], activations: [] });
    }
    expect([serial(lab, forGateway), serial(lab, forPortainer)]).toEqual(before);
    setClockOffset(lab, 17 * hour);
    const plan = await planLab(lab, site, [certificates]);
    expect(plan.components[0]?.changes).toMatchObject([
      { verb: "update", live: { units: { state: expect.stringMatching(/^renewal is due/) } } },
      { verb: "update", live: { units: { state: expect.stringMatching(/^renewal is due/) } } },
    ]);
    expect((await planLab(lab, site, [certificates])).digest).toBe(plan.digest);
    expect(await sync(lab)).toMatchObject({ outcome: "changed" });
    expect(serial(lab, forGateway)).not.toBe(before[0]);
    expect(await sync(lab)).toMatchObject({ outcome: "unchanged", made: [] });
  });

  test("the key stays out of argv, events, results and every file but its own and the one kept", async () => {
    const lab = await synced();
    setClockOffset(lab, 17 * hour);
    const key = text(lab, forGateway.keyPath);
    const secret = key.split("\n")[1]!;
    const { traces, ...result } = await sync(lab);
    expect(JSON.stringify([traces, result])).not.toContain(secret);
    expect(JSON.stringify(traces)).not.toContain("BEGIN");
    const kept = join(lab, "hosts/pve/var/lib/phoenix/certificates");
    expect(statSync(kept).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(kept)) expect(statSync(join(kept, name)).mode & 0o777).toBe(0o600);
  });
});

test("a pair that left the manifest is told until it is forgotten; its files stay", async () => {
  const lab = await synced();
  const without: WholeSite = { ...site, certificates: [forGateway] };
  const planned = (await planLab(lab, without, [certificates])).components[0];
  expect(planned).toMatchObject({ changes: [], orphans: [] });
  expect(planned?.notes).toEqual([
    "pve may still have certificates/portainer.lab.test, which the site no longer declares: remove it by hand; --allow prune then forgets it",
  ]);
  expect((await sync(lab, without)).notes).toEqual(planned?.notes);
  expect(serial(lab, forPortainer)).not.toBe("");
});

describe("drift", () => {
  const drifts: readonly (readonly [string, RegExp | undefined, (lab: string) => void, boolean])[] = [
    ["an expired pair", /^it expired/, (lab) => setClockOffset(lab, 30 * hour), true],
    [
      "a key that does not match",
      /key does not match/,
      (lab) => writeFileSync(inLab(lab, forGateway.keyPath), text(lab, forPortainer.keyPath)),
      true,
    ],
    [
      "a certificate that is gone",
      /certificate is missing/,
      (lab) => rmSync(inLab(lab, forGateway.certPath)),
      true,
    ],
    ["a key that is gone", /key is missing/, (lab) => rmSync(inLab(lab, forGateway.keyPath)), true],
    [
      "half a certificate",
      /cannot be read/,
      (lab) => writeFileSync(inLab(lab, forGateway.certPath), text(lab, forGateway.certPath).slice(0, 300)),
      true,
    ],
  ];
  test.each(drifts)("%s is issued anew", async (_, state, spoil) => {
    const lab = await synced();
    const before = serial(lab, forGateway);
    spoil(lab);
    const plan = await planLab(lab, site, [certificates]);
    expect(plan.components[0]?.changes[0]).toMatchObject({
      verb: "update",
      live: { units: { state: expect.stringMatching(state ?? /./) } },
    });
    expect(await sync(lab)).toMatchObject({ outcome: "changed" });
    expect(serial(lab, forGateway)).not.toBe(before);
    expect(await sync(lab)).toMatchObject({ outcome: "unchanged", made: [] });
  });

  test("another name, and a CA that was made anew", async () => {
    const lab = await synced();
    const more = { ...forGateway, names: [...forGateway.names, "new.lab.test"].sort() };
    const wider = { ...site, certificates: [more, forPortainer] };
    const grown = await sync(lab, wider);
    expect(grown.changes).toMatchObject([
      { verb: "update", desired: { id: "certificates/gateway.lab.test" } },
    ]);
    expect(parseChain(text(lab, forGateway.certPath))[0]?.names).toContain("DNS:new.lab.test");
    const { initCa } = await import("../../lab/step-ca/init.ts");
    const { createStore } = await import("../../lab/store.ts");
    const { contextOf } = await import("../../lab/open-context.ts");
    const { readFacts } = await import("../../lab/facts.ts");
    const store = createStore(lab);
    const context = contextOf(lab, store, readFacts(store)!, 0, { signal: new AbortController().signal });
    const { provisioner, hostname } = site.ca;
    await initCa(context, "lxc/103", { provisioner, hostname, address: "10.0.0.10", domain: "lab.test" });
    const plan = await planLab(lab, wider, [certificates]);
    expect(plan.components[0]?.changes).toMatchObject([
      { live: { units: { state: expect.stringContaining("current root") } } },
      { live: { units: { state: expect.stringContaining("current root") } } },
    ]);
    expect(await sync(lab, wider)).toMatchObject({ outcome: "changed" });
    expect(await sync(lab, wider)).toMatchObject({ outcome: "unchanged" });
  });

  test("modes and owners are set right without a new certificate; numbers are as good as names", async () => {
    const lab = await synced();
    const before = serial(lab, forGateway);
    const world = await opened(lab);
    await world.host("pve").expect(change("chmod", "666", forGateway.keyPath));
    await world.host("pve").expect(change("chown", "root:root", forGateway.certPath));
    const part = await sync(lab);
    expect(part).toMatchObject({
      outcome: "changed",
      changes: [{ desired: { id: "certificates/gateway.lab.test" } }],
    });
    const key = "/etc/nginx/ssl/gateway.lab.test.key";
    expect(await world.host("lxc/101").expect(reading("stat", "-c", "%a %U:%G", key))).toBe(
      "640 root:www-data\n",
    );
    const byNumber = { ...site, certificates: [{ ...forGateway, owner: "0:33" }, forPortainer] };
    expect(await sync(lab, byNumber)).toMatchObject({ outcome: "unchanged", made: [] });
    expect(serial(lab, forGateway)).toBe(before);
  });
});

describe("consumers", () => {
  test("a gateway that runs is told once and serves the new pair; a container that is not there yet is not missed", async () => {
    const lab = await newLab(site);
    const first = await sync(lab, site, [certificates, nginx]);
    expect(first.notes).toContainEqual(expect.stringContaining("vm/1001 has no container portainer_server"));
    expect(failing(first).every((check) => "external" in check)).toBe(true);
    const second = await verifyLab(lab, site, [certificates]);
    const served = second.components[0]!.checks.filter(({ claim }) =>
      claim.includes("serves this certificate"),
    );
    expect(served).toMatchObject([{ status: "pass" }, { status: "fail", external: true }]);
    setClockOffset(lab, 17 * hour);
    const renewed = await sync(lab);
    expect(renewed.activations).toEqual([{ kind: "reload", unit: "nginx", host: "lxc/101" }]);
    expect(renewed.checks.find(({ claim }) => claim.includes("10.0.0.153:443"))).toMatchObject({
      status: "pass",
    });
  });

  test("a gateway and a Portainer without a declared command are told all the same", async () => {
    const silent: WholeSite = {
      ...site,
      certificates: site.certificates.map(({ postRenewal: _, ...certificate }) => certificate),
      portainer: {
        ...site.portainer!,
        compose: {
          file: "stacks/portainer_service/docker-compose.yml",
          text: "services:\n  server:\n    image: portainer/portainer-ce:2.39.1\n    container_name: ui\n",
        },
      },
    };
    const lab = await newLab();
    const machine = (await opened(lab)).host("vm/1001");
    await machine.expect(change("docker", "run", "-d", "--name", "ui", "redis:7"));
    expect((await sync(lab, silent)).activations).toEqual([
      { kind: "reload", unit: "nginx", host: "lxc/101" },
      { kind: "restart", unit: "ui", host: "vm/1001" },
    ]);
    expect(await sync(lab, silent)).toMatchObject({ outcome: "unchanged", activations: [], made: [] });
  });

  test("one command for many certificates runs once", async () => {
    const other = { ...forPortainer, commonName: "b.lab.test", names: ["b.lab.test"] };
    const twice = {
      ...other,
      certPath: `${ssl}/b.crt`,
      keyPath: `${ssl}/b.key`,
      postRenewal: forGateway.postRenewal!,
    };
    const { serves: _, ...plain } = twice;
    const both: WholeSite = { ...labSite, certificates: [forGateway, plain] };
    const lab = await newLab(both);
    const first = await sync(lab, both);
    expect(first.activations).toEqual([{ kind: "reload", unit: "nginx", host: "lxc/101" }]);
  });

  test("a command that fails takes its own pair back, and its words are told", async () => {
    const lab = await synced();
    setClockOffset(lab, 17 * hour);
    const before = [text(lab, forGateway.certPath), text(lab, forGateway.keyPath)];
    breakLab(lab, "exit-1", gateway.host);
    const broken = await sync(lab);
    expect(broken.changes).toMatchObject([{ desired: { id: "certificates/portainer.lab.test" } }]);
    expect(broken).toMatchObject({
      outcome: "failed",
      reason: expect.stringMatching(
        /post-renewal command.*systemctl reload nginx.*exit 1.*previous state was restored/s,
      ),
      hint: expect.stringContaining("manifest entry"),
    });
    expect([text(lab, forGateway.certPath), text(lab, forGateway.keyPath)]).toEqual(before);
    mendLab(lab);
    expect(await sync(lab)).toMatchObject({ outcome: "changed" });
    expect(await sync(lab)).toMatchObject({ outcome: "unchanged", made: [] });
  });

  test("a guest that is down is told when it is back; its pair stays", async () => {
    const lab = await synced();
    setClockOffset(lab, 17 * hour);
    breakLab(lab, "guest-down", gateway.host);
    const broken = await sync(lab);
    expect(broken).toMatchObject({ outcome: "changed" });
    expect(failing(broken)).toContainEqual(
      expect.objectContaining({
        external: true,
        observed: expect.stringContaining("lxc/101 is not running"),
      }),
    );
    const issued = serial(lab, forGateway);
    mendLab(lab);
    const after = await sync(lab);
    expect(after.activations).toEqual([{ kind: "reload", unit: "nginx", host: "lxc/101" }]);
    expect(serial(lab, forGateway)).toBe(issued);
    expect(await sync(lab)).toMatchObject({ outcome: "unchanged", made: [] });
  });

  test("a damaged record counts as none", async () => {
    const lab = await synced();
    const directory = inLab(lab, "/var/lib/phoenix/certificates");
    const records = readdirSync(directory).filter((name) => name.endsWith(".told.json"));
    expect(records.length).toBeGreaterThan(0);
    for (const damaged of ["null", "{"]) {
      for (const name of records) writeFileSync(join(directory, name), damaged);
      expect(await sync(lab), damaged).toMatchObject({ outcome: "unchanged", changes: [] });
    }
  });

  test("a command in a guest that does not exist costs no certificate", async () => {
    const command = "qm guest exec 999 -- docker restart portainer_server";
    const gone: WholeSite = {
      ...site,
      certificates: [forGateway, { ...forPortainer, postRenewal: { command, from } }],
    };
    const lab = await newLab(gone);
    const made = await sync(lab, gone);
    expect(made).toMatchObject({ outcome: "changed", changes: [{ verb: "create" }, { verb: "create" }] });
    expect(failing(made)).toContainEqual(
      expect.objectContaining({ external: true, observed: expect.stringContaining("vm/999 does not exist") }),
    );
    expect(serial(lab, forPortainer)).not.toBe("");
  });

  test("a command that waits for ever is ended", async () => {
    const command = "pct exec 101 -- /bin/bash -c 'sleep 600; systemctl reload nginx'";
    const slow = { ...forGateway, postRenewal: { command, from } };
    const waiting: WholeSite = { ...labSite, certificates: [slow] };
    const lab = await newLab(waiting);
    const { certificates: hurried } = { certificates };
    const result = await syncLab(lab, waiting, [hurried], {
      decorators: [
        {
          exec: (exec) => (asked) => exec(asked.timeoutMs === 60_000 ? { ...asked, timeoutMs: 300 } : asked),
          network: (network) => network,
        },
      ],
    });
    expect(result.components[0]?.checks).toContainEqual(
      expect.objectContaining({
        status: "fail",
        external: true,
        observed: expect.stringContaining("did not end within"),
      }),
    );
  });
});

describe("faults", () => {
  test.each([
    ["refused", "ca", /refused/, undefined],
    ["error-500", "ca", /provisioners|sign/, undefined],
    ["wrong-certificate", "ca", /./, undefined],
    ["expired-token", "ca", /authorization/, /log has the reason|clock/],
    ["guest-down", "ca", /lxc\/103/, /CA guest/],
    ["disk-full", "pve", /No space left/, /df -h/],
  ])("%s on %s: nothing changed, named, and mended by the next run", async (fault, target, reason, hint) => {
    const lab = await synced();
    setClockOffset(lab, 17 * hour);
    const before = site.certificates.flatMap(({ certPath, keyPath }) => [
      text(lab, certPath),
      text(lab, keyPath),
    ]);
    breakLab(lab, fault, target);
    const broken = await sync(lab).catch((error: unknown) => ({
      outcome: "failed",
      reason: String(error),
      hint: (error as { hint?: string }).hint,
      made: [],
    }));
    expect(broken).toMatchObject({ reason: expect.stringMatching(reason) });
    expect(["failed", "rolled-back"]).toContain(broken.outcome);
    if (hint !== undefined) expect(broken.hint).toMatch(hint);
    expect(
      broken.made.filter((what) => /reload|restart/.test(what)),
      "nobody is told of nothing",
    ).toEqual([]);
    expect(
      site.certificates.flatMap(({ certPath, keyPath }) => [text(lab, certPath), text(lab, keyPath)]),
    ).toEqual(before);
    mendLab(lab);
    expect(await sync(lab)).toMatchObject({ outcome: "changed" });
    expect(await sync(lab)).toMatchObject({ outcome: "unchanged", made: [] });
  });
});
