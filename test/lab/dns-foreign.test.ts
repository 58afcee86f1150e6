/** What DNS meets on a hypervisor that somebody else set up: named in the plan, untouched without consent, taken over with it. */
import { describe, expect, test } from "vitest";
import { dns } from "../../src/components/dns/index.ts";
import { trust } from "../../src/components/trust/index.ts";
import type { Host } from "../../src/hosts/host.ts";
import { change, newLab, opened, read } from "./open.ts";
import { planLab, syncLab } from "./session.ts";
import { labSite } from "./site.ts";

const lan = "/etc/dnsmasq.d/lan.conf";
const adopt = { allow: ["adopt"] };

async function foreignLab(
  files: Readonly<Record<string, string>>,
): Promise<{ directory: string; pve: Host }> {
  const directory = await newLab();
  const pve = (await opened(directory)).host("pve");
  await pve.writeFiles(Object.entries(files).map(([path, text]) => ({ path, text, mode: "640" })));
  return { directory, pve };
}

const hazardsOf = async (directory: string) =>
  (await planLab(directory, labSite, [dns])).components.flatMap(({ hazards }) => hazards);
const syncDns = (directory: string, options = {}) => syncLab(directory, labSite, [dns], options);

describe("lines of a foreign file", () => {
  const name = "ollama.lab.test";
  test.each([
    ["bind-interfaces", "keeps dnsmasq from starting"],
    ["port=0", "keeps dnsmasq off port 53"],
    [`host-record=${name},10.9.9.9`, `answers for "${name}"`],
    [`host-record=mine.lan,${name},10.9.9.9`, `answers for "${name}"`],
    [`cname=${name},elsewhere.lan`, `answers for "${name}"`],
    [`address=/${name}/10.9.9.9`, `answers for "${name}"`],
    ["address=/lab.test/10.9.9.9", 'answers for "lab.test"'],
    ["server=/lab.test/10.9.9.9", 'answers for "lab.test"'],
  ])("%s is named with its place, and commented out with consent alone", async (line, says) => {
    const text = `# of the house\nlocal-ttl=5\n${line}\n`;
    const { directory, pve } = await foreignLab({ [lan]: text });
    const before = await pve.expect(read("ls", "/etc/dnsmasq.d"));
    expect(await hazardsOf(directory)).toMatchObject([
      {
        consent: "adopt",
        message: expect.stringContaining(says),
        foreign: { host: "pve", name: `${lan}:3` },
      },
    ]);

    await expect(syncLab(directory, labSite, [trust, dns])).rejects.toMatchObject({
      exitCode: 5,
      message: expect.stringContaining(`${lan}:3`),
    });
    expect(await pve.expect(read("cat", lan))).toBe(text);
    expect(await pve.expect(read("ls", "/etc/dnsmasq.d"))).toBe(before);

    const result = await syncDns(directory, adopt);
    expect(result.components[0]).toMatchObject({ outcome: "changed" });
    expect(await pve.expect(read("cat", lan))).toBe(text.replace(line, `# taken over by phoenix: ${line}`));
    expect(await pve.expect(read("stat", "-c", "%a", lan))).toBe("640\n");
    const second = await syncDns(directory);
    expect(second.components[0]).toMatchObject({ outcome: "unchanged", changes: [], activations: [] });
  });

  test.each([
    ["listen-address=10.9.9.1", lan],
    ["interface=vmbr1", "/etc/dnsmasq.conf"],
    ["conf-dir=/etc/dnsmasq.lan.d", "/etc/dnsmasq.conf"],
  ])("%s is named once and stays", async (line, file) => {
    const { directory, pve } = await foreignLab({
      [file]: `${line}\n`,
      "/etc/dnsmasq.lan.d/a.conf": "local-ttl=5\n",
    });
    expect(await hazardsOf(directory)).toMatchObject([{ consent: "adopt", foreign: { name: `${file}:1` } }]);
    await expect(syncDns(directory)).rejects.toMatchObject({ exitCode: 5 });
    expect((await syncDns(directory, adopt)).components[0]).toMatchObject({ outcome: "changed" });
    expect(await pve.expect(read("cat", file))).toBe(`${line}\n`);
    await pve.run(change("rm", "/etc/phoenix/hosts.d/phoenix.hosts"));
    expect((await syncDns(directory)).components[0]).toMatchObject({ outcome: "changed" });
  });

  test("count wherever dnsmasq is told to read, and hosts files as well", async () => {
    const { directory, pve } = await foreignLab({
      "/etc/dnsmasq.conf": "conf-dir=/etc/dnsmasq.lan.d\naddn-hosts=/etc/hosts.lan\n",
      "/etc/dnsmasq.lan.d/more.conf": `\nhost-record=${name},10.9.9.9\n`,
      "/etc/phoenix/hosts.d/own.hosts": `10.9.9.7 ${name}\n`,
      "/etc/hosts.lan": `10.9.9.8 printer.lan\n10.9.9.9 ${name}\n`,
      "/etc/dnsmasq.d/zone1/00-default.conf": "bind-interfaces\n",
    });
    const names = (await hazardsOf(directory)).map(({ foreign }) => foreign?.name);
    expect(names).toEqual([
      "/etc/dnsmasq.conf:1",
      "/etc/dnsmasq.lan.d/more.conf:2",
      "/etc/phoenix/hosts.d/own.hosts:1",
      "/etc/hosts.lan:2",
    ]);
    expect((await syncDns(directory, adopt)).components[0]).toMatchObject({ outcome: "changed" });
    expect(await pve.expect(read("cat", "/etc/hosts.lan"))).toBe(
      `10.9.9.8 printer.lan\n# taken over by phoenix: 10.9.9.9 ${name}\n`,
    );
  });

  test("are given back when the change is rolled back", async () => {
    const text = "bind-interfaces\nhost-record=printer.lan,10.0.0.77\n";
    const { directory, pve } = await foreignLab({ [lan]: text });
    // dnsmasq refuses to start while somebody else has its port, which nobody sees before it starts.
    const failing = { ...dns, verify: async () => [{ ...failed, resource: "dns/records" as const }] };
    const result = await syncLab(directory, labSite, [failing], adopt);
    expect(result.components[0]).toMatchObject({ outcome: "rolled-back", changes: [] });
    expect(result.components[0]?.unsettled ?? []).toEqual([]);
    expect(result.components[0]?.restored).toContain(`dns/${lan}`);
    expect(await pve.expect(read("cat", lan))).toBe(text);
    expect(await pve.expect(read("systemctl", "is-active", "dnsmasq"))).toBe("active\n");
  });
});

const failed = { claim: "the name server answers", status: "fail", observed: "no answer" } as const;

test("a candidate that passes dnsmasq's own check and would not start is refused before anything is replaced", async () => {
  const { directory, pve } = await foreignLab({ [lan]: "bind-interfaces\n" });
  // As if the line had come after the plan.
  const unaware = { ...dns, hazards: async () => [] };
  const result = await syncLab(directory, labSite, [unaware]);
  expect(result.components[0]).toMatchObject({
    outcome: "failed",
    reason: expect.stringContaining(`${lan}:1: "bind-interfaces"`),
  });
  expect(await pve.list("/etc/phoenix")).toEqual([]);
});

describe("another program on port 53", () => {
  test.each(["unbound", "bind9"])("%s is named and no consent takes over from it", async (package_) => {
    const { directory, pve } = await foreignLab({});
    await pve.expect(change("systemctl", "stop", "dnsmasq"));
    await pve.expect(change("apt-get", "install", "--yes", package_));
    const [hazard] = await hazardsOf(directory);
    expect(hazard).toMatchObject({ message: expect.stringContaining("listens on 0.0.0.0:53") });
    expect(hazard).not.toHaveProperty("consent");
    await expect(syncDns(directory, adopt)).rejects.toMatchObject({
      exitCode: 5,
      hint: expect.stringContaining("systemctl status"),
    });
    expect(await pve.list("/etc/phoenix")).toEqual([]);
  });

  test("one on an address of its own is in nobody's way", async () => {
    const { directory, pve } = await foreignLab({});
    await pve.expect(change("apt-get", "install", "--yes", "systemd-resolved"));
    expect(await hazardsOf(directory)).toEqual([]);
    expect((await syncDns(directory)).components[0]).toMatchObject({ outcome: "changed" });
  });
});

test("a unit that reads another directory is told with what to do", async () => {
  const { directory } = await foreignLab({
    "/etc/default/dnsmasq": 'ENABLED=1\nCONFIG_DIR="/etc/dnsmasq.lan.d"\n',
  });
  expect(await hazardsOf(directory)).toMatchObject([{ foreign: { name: "/etc/default/dnsmasq:2" } }]);
  await expect(syncDns(directory, adopt)).rejects.toMatchObject({ exitCode: 5 });
});
